//! The report as one page of HTML, its plots drawn in SVG: no scripts, nothing to load.

use super::{Report, measure::Line, show};
use crate::{
    html::{STYLE, escape},
    text,
};
use archetypal::{
    Result,
    data::write_atomically,
    sae::{DictionaryKind, Selection},
};
use std::{fmt::Write, io, path::Path};

/// Writes the page, whole or not at all.
pub fn write(path: &Path, report: &Report) -> Result<()> {
    let page = page(report);
    write_atomically(path, |file: &mut dyn io::Write| file.write_all(page.as_bytes()))
}

fn page(report: &Report) -> String {
    let file = Path::new(&report.data).file_name().map(|name| name.to_string_lossy());
    let data = file.map_or(report.data.clone(), |name| name.into_owned());
    let title = format!("How stable are the concepts of {}?", escape(&data));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style>\
         <h1>{title}</h1><p>{about}</p>{verdict}\
         <h2>Stability before and after training</h2>{dots}\
         <p class=\"soft\">Mean cosine of the atoms of two seeds, matched one to one so that it is largest. Ring: before \
         training; disc: after; bar: the smallest and the largest pair of seeds. What is high before training comes from the \
         points, not from training.</p>\
         <h2>Reconstruction beside stability</h2>{scatter}\
         <h2>Cosines of matched atoms</h2>{histograms}\
         <h2>All figures</h2>{tables}<h2>What they are</h2>{meanings}",
        about = about(report),
        verdict = verdict(report),
        dots = dots(report),
        scatter = scatter(report),
        histograms = histograms(report),
        tables = tables(report),
        meanings = meanings(),
    )
}

fn verdict(report: &Report) -> String {
    let lines = show::verdict(report);
    let items: String = lines.lines().map(|line| format!("<li>{}", escape(line))).collect();
    if items.is_empty() { items } else { format!("<ul>{items}</ul>") }
}

/// What was trained on what.
fn about(report: &Report) -> String {
    let Report { model, training, .. } = report;
    let codes = match model.selection {
        Selection::TopK { k } => format!("{k} codes a row"),
        Selection::BatchTopK { k, .. } => format!("{k} codes a row on average"),
        Selection::Jump { .. } => match training.target_l0 {
            Some(target) => format!("{target} codes a row wanted"),
            None => "as many codes a row as its thresholds let through".into(),
        },
    };
    let delta = match (report.delta_relative, model.dictionary) {
        (Some(share), _) => format!(", δ {share} of the points' mean norm"),
        (None, DictionaryKind::Archetypal { delta, .. }) => format!(", δ {delta}"),
        (None, DictionaryKind::Free { .. }) => String::new(),
    };
    format!(
        "{kind}, {k} concepts over {n} points, {codes}{delta}; {rows} rows of {d} dimensions, {epochs} epochs in batches of {batch}, learning \
         rate {lr} ({factors}). {seeds} seeds of each kind of model, trained side by side on the same batches in {time}. {judged}",
        kind = model.kind().name(),
        k = model.nb_concepts,
        n = model.nb_points().unwrap_or(0),
        rows = text::count(report.rows as u64),
        d = report.width,
        epochs = training.epochs,
        batch = training.batch_size,
        lr = training.lr,
        factors = match training.lr_factors.to_string() {
            none if none.is_empty() => "for all".into(),
            factors => factors.replace(',', ", "),
        },
        seeds = report.seeds.len(),
        judged = show::judged_on(report).unwrap_or_default(),
        time = text::duration(std::time::Duration::from_secs_f64(report.seconds)),
    )
}

const LEFT: f64 = 320.0;
const WIDTH: f64 = 860.0;

/// x of a share between 0 and 1.
fn across(share: f64) -> f64 {
    LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - 20.0)
}

fn name(line: &Line) -> String {
    escape(&format!("{} · {}", line.kind.title(), line.points.title()))
}

/// A line an arm, from before to after.
fn dots(report: &Report) -> String {
    let height = 30.0 * report.lines.len() as f64 + 40.0;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Stability of every kind of model before and after training\">"
    );
    for tick in 0..=5 {
        let (share, x) = (f64::from(tick) / 5.0, across(f64::from(tick) / 5.0));
        let bottom = height - 24.0;
        // Writing to a String cannot fail.
        let _ = write!(
            svg,
            "<line x1=\"{x}\" x2=\"{x}\" y1=\"8\" y2=\"{bottom}\"/><text class=\"soft\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{share:.1}</text>",
            height - 8.0
        );
    }
    for (i, line) in report.lines.iter().enumerate() {
        let y = 24.0 + 30.0 * i as f64;
        let [low, high] = line.stability_range.map(across);
        let _ = write!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><rect class=\"bar\" opacity=\".35\" x=\"{low}\" y=\"{}\" width=\"{}\" height=\"6\"/>\
             <circle class=\"start\" cx=\"{}\" cy=\"{y}\" r=\"6\"/><circle class=\"end\" cx=\"{}\" cy=\"{y}\" r=\"6\"><title>{:.3}, before training {:.3}</title></circle>",
            y + 4.0,
            name(line),
            y - 3.0,
            (high - low).max(1.0),
            across(line.stability_at_start),
            across(line.stability),
            line.stability,
            line.stability_at_start,
        );
    }
    svg + "</svg>"
}

/// R² over stability. Lines that fall on one place share a label.
fn scatter(report: &Report) -> String {
    let points: Vec<_> =
        report.lines.iter().filter_map(|line| line.r2.map(|r2| (line, r2))).collect();
    // What is far below 0 stands at the bottom.
    let least = points.iter().map(|(_, r2)| *r2).fold(1.0, f64::min).max(-0.2);
    let most = points.iter().map(|(_, r2)| *r2).fold(least, f64::max);
    let ticks = ticks(least, most);
    let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
    let (bottom, top) = (300.0, 20.0);
    let y_of = |r2: f64| bottom - (r2.max(low) - low) / (high - low) * (bottom - top);
    let x_of = |share: f64| 60.0 + share.clamp(0.0, 1.0) * 440.0;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} 340\" role=\"img\" aria-label=\"R² over stability\">\
         <text class=\"soft\" x=\"280\" y=\"335\" text-anchor=\"middle\">stability</text>\
         <text class=\"soft\" x=\"0\" y=\"{top}\">R²</text>"
    );
    for tick in 0..=5 {
        let share = f64::from(tick) / 5.0;
        let x = x_of(share);
        let _ = write!(
            svg,
            "<line x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{bottom}\"/><text class=\"soft\" x=\"{x}\" y=\"316\" text-anchor=\"middle\">{share:.1}</text>"
        );
    }
    for r2 in &ticks {
        let y = y_of(*r2);
        let _ = write!(
            svg,
            "<line x1=\"60\" x2=\"500\" y1=\"{y}\" y2=\"{y}\"/><text class=\"soft\" x=\"54\" y=\"{}\" text-anchor=\"end\">{r2:.2}</text>",
            y + 4.0
        );
    }
    let mut places: Vec<(f64, f64, String)> = Vec::new();
    for (i, (line, r2)) in points.iter().enumerate() {
        let (x, y, number) = (x_of(line.stability), y_of(*r2), i + 1);
        match places.iter_mut().find(|(a, b, _)| (x - a).abs() < 22.0 && (y - b).abs() < 12.0) {
            Some((_, _, label)) => *label += &format!(" {number}"),
            None => places.push((x, y, number.to_string())),
        }
        let _ = write!(
            svg,
            "<circle class=\"end\" opacity=\".8\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/><text x=\"540\" y=\"{}\">{number}  {}</text>",
            40.0 + 20.0 * i as f64,
            name(line),
        );
    }
    for (x, y, label) in places {
        let _ = write!(svg, "<text x=\"{}\" y=\"{}\">{label}</text>", x + 8.0, y - 6.0);
    }
    svg + "</svg>"
}

/// At most 8 round numbers, evenly spaced, the first at or below `least` and the last above `most`.
fn ticks(least: f64, most: f64) -> Vec<f64> {
    let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
    let bounds = |step: f64| ((least / step).floor(), (most / step).floor() + 1.0);
    let fits = |step: &f64| bounds(*step).1 - bounds(*step).0 <= 7.0;
    let step = steps.into_iter().find(fits).unwrap_or(1.0);
    let (first, last) = bounds(step);
    (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect()
}

/// A small histogram an arm.
fn histograms(report: &Report) -> String {
    let mut out = String::from(
        "<div style=\"display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:1rem;font-size:.9rem\">",
    );
    for line in &report.lines {
        let most = line.histogram.iter().copied().max().unwrap_or(0).max(1) as f64;
        let _ = write!(
            out,
            "<figure style=\"margin:0\"><svg width=\"260\" viewBox=\"0 0 260 90\" role=\"img\" aria-label=\"{0}\">",
            name(line)
        );
        for (bin, &count) in line.histogram.iter().enumerate() {
            let height = 70.0 * count as f64 / most;
            let _ = write!(
                out,
                "<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"9\" height=\"{height}\"/>",
                bin as f64 * 10.4,
                74.0 - height,
            );
        }
        let _ = write!(
            out,
            "<text class=\"soft\" x=\"0\" y=\"88\">0</text><text class=\"soft\" x=\"260\" y=\"88\" text-anchor=\"end\">1</text></svg>\
             <figcaption>{}</figcaption></figure>",
            name(line)
        );
    }
    out + "</div>"
}

/// What is compared first, and what the dictionaries are like.
fn tables(report: &Report) -> String {
    let optional = |value: Option<f64>, digits: usize| {
        value.map_or("–".into(), |value| format!("{value:.digits$}"))
    };
    let first = table(
        report,
        &["stability", "at start", "centred", "≥ 0.9", "R²", "dead", "OOD", "L0"],
        |line| {
            vec![
                format!("{:.3}", line.stability),
                format!("{:.3}", line.stability_at_start),
                format!("{:.3}", line.stability_centred),
                text::percent(line.share_above_0_9),
                optional(line.r2, 4),
                text::percent(line.dead_share),
                format!("{:.3}", line.ood),
                format!("{:.1}", line.l0),
            ]
        },
    );
    let second = table(
        report,
        &["coherence", "stable rank", "effective rank", "connectivity", "neg. interference"],
        |line| {
            vec![
                format!("{:.3}", line.coherence),
                format!("{:.1}", line.stable_rank),
                format!("{:.1}", line.effective_rank),
                optional(line.connectivity, 3),
                optional(line.negative_interference, 3),
            ]
        },
    );
    first + &second
}

fn table(report: &Report, titles: &[&str], cells: impl Fn(&Line) -> Vec<String>) -> String {
    let titles = titles.join("<th>");
    let mut out = format!("<div class=\"wide\"><table><tr><th>model<th>points<th>{titles}");
    for line in &report.lines {
        let (kind, points) = (escape(line.kind.title()), line.points.title());
        let _ = write!(out, "<tr><td>{kind}<td>{points}<td>{}", cells(line).join("<td>"));
    }
    out + "</table></div>"
}

/// What each column is.
fn meanings() -> String {
    let mut out = String::from("<dl>");
    for (name, meaning) in show::MEANINGS {
        let _ = write!(out, "<dt>{}<dd>{}", escape(name), escape(meaning));
    }
    out + "</dl>"
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_few_and_hold_all() {
        let near = |found: Vec<f64>, expected: &[f64]| {
            assert_eq!(found.len(), expected.len(), "{found:?}");
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        };
        near(ticks(0.753, 0.811), &[0.75, 0.76, 0.77, 0.78, 0.79, 0.8, 0.81, 0.82]);
        near(ticks(-0.2, 0.8), &[-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        near(ticks(0.5, 0.5), &[0.5, 0.51]);
    }
}
