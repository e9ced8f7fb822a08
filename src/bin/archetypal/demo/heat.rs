//! A concept's codes over the cells of pictures, as blocks of grey.

/// From nothing to the largest code of the concept; two columns a cell make it about square.
const SHADES: [&str; 5] = ["··", "░░", "▒▒", "▓▓", "██"];

/// The lines of one map [height, width], `full` being black.
pub fn lines(map: &[f32], width: usize, full: f32) -> Vec<String> {
    let shade = |&value: &f32| {
        if value <= 0.0 {
            return SHADES[0];
        }
        let level = (value / full * (SHADES.len() - 1) as f32).ceil() as usize;
        SHADES[level.clamp(1, SHADES.len() - 1)]
    };
    map.chunks(width).map(|row| row.iter().map(shade).collect()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_largest_is_black_and_the_smallest_is_seen() {
        let lines = super::lines(&[0.0, 0.01, 2.0, 4.0], 2, 4.0);
        assert_eq!(lines, ["··░░", "▒▒██"]);
    }
}
