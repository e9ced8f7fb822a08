//! Numbers and times for people.

use std::time::Duration;

/// 81536 as "81 536", with narrow groups of three.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    std::iter::once(head.to_owned()).chain(groups).collect::<Vec<_>>().join(" ")
}

/// A rate in three digits: "950", "12.3k", "1.20M".
pub fn rate(x: f64) -> String {
    let (value, unit) = match x {
        x if x >= 999_500.0 => (x / 1e6, "M"),
        x if x >= 999.5 => (x / 1e3, "k"),
        x => (x, ""),
    };
    match value {
        v if v >= 99.95 || unit.is_empty() => format!("{v:.0}{unit}"),
        v if v >= 9.995 => format!("{v:.1}{unit}"),
        v => format!("{v:.2}{unit}"),
    }
}

/// 3.2 s, 1:05, 2:03:04.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// A share as "1.3 %".
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A figure in four significant digits.
pub fn figure(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        size if !size.is_finite() => x.to_string(),
        size if !(1e-3..1e6).contains(&size) => format!("{x:.3e}"),
        size => {
            let before = size.log10().floor().max(0.0) as usize;
            format!("{x:.*}", 4usize.saturating_sub(before))
        }
    }
}

/// `text` cut to `width` columns.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(count(0), "0");
        assert_eq!(count(81_536), "81 536");
        assert_eq!(count(1_000_000), "1 000 000");
        assert_eq!([950.4, 12_340.0, 1_204_000.0].map(rate), ["950", "12.3k", "1.20M"]);
        assert_eq!(duration(Duration::from_millis(3_240)), "3.2 s");
        assert_eq!(duration(Duration::from_secs(7384)), "2:03:04");
        assert_eq!(
            [0.74531, 16.0, 12345.6, 1e-7].map(figure),
            ["0.7453", "16.000", "12346", "1.000e-7"]
        );
        assert_eq!(cut("flamingos", 5), "flam…");
    }
}
