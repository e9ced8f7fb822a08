//! Plots of time and memory over one size, drawn in SVG.

use super::Point;
use crate::text;
use archetypal::human_bytes;
use std::fmt::Write;

/// Of a plot.
pub const WIDTH: f64 = 420.0;
pub const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 24.0;
const BOTTOM: f64 = 220.0;
const TOP: f64 = 16.0;

/// How [`Plot::marks`] look; colours are those of [`crate::html::STYLE`].
pub const STYLE: &str = "path{fill:none;stroke:var(--end);stroke-width:2}path.count{stroke:var(--start);stroke-dasharray:5 4}";

/// A plot and what it shows.
pub struct Plot {
    pub title: &'static str,
    /// The elements of an SVG of `WIDTH` by `HEIGHT`.
    pub marks: String,
}

/// Time and memory: what was measured, and what the counts say.
pub fn pair(points: &[&Point]) -> [Plot; 2] {
    let over = |value: &dyn Fn(&Point) -> Option<f64>| -> Series {
        points.iter().filter_map(|point| Some((point.value as f64, value(point)?))).collect()
    };
    let time = over(&|point| Some(1e3 * point.seconds.median));
    let limit = over(&|point| Some(1e3 * point.limit));
    let memory = over(&|point| point.memory.map(|bytes| bytes as f64));
    let counted = over(&|point| Some(point.memory_counted as f64));
    let milliseconds = |value: f64| format!("{} ms", short(value));
    let bytes = |value: f64| human_bytes(value as u64);
    [
        Plot { title: "Time of a step", marks: marks(&time, &limit, &milliseconds) },
        Plot { title: "Peak memory", marks: marks(&memory, &counted, &bytes) },
    ]
}

/// Sizes and amounts.
type Series = Vec<(f64, f64)>;

fn short(value: f64) -> String {
    if value < 1.0 { format!("{value:.2}") } else { text::count(value.round() as u64) }
}

/// Where amounts and sizes stand, both as powers of two.
struct Axes {
    sizes: [f64; 2],
    amounts: [f64; 2],
}

impl Axes {
    fn around(measured: &Series, counted: &Series) -> Self {
        let both = || measured.iter().chain(counted);
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
                [low.min(value), high.max(value)]
            })
        };
        let [low, high] = range(&mut both().map(|point| point.1.max(1e-9).log2()));
        let low = low.floor();
        Self {
            sizes: range(&mut both().map(|point| point.0.log2())),
            amounts: [low, high.ceil().max(low + 1.0)],
        }
    }

    fn x(&self, size: f64) -> f64 {
        let [left, right] = self.sizes;
        LEFT + (size.log2() - left) / (right - left).max(1e-9) * (RIGHT - LEFT)
    }

    fn y(&self, amount: f64) -> f64 {
        let [low, high] = self.amounts;
        BOTTOM - (amount.max(1e-9).log2() - low) / (high - low) * (BOTTOM - TOP)
    }
}

fn marks(measured: &Series, counted: &Series, unit: &dyn Fn(f64) -> String) -> String {
    let axes = Axes::around(measured, counted);
    let mut svg = grid(&axes, measured, unit);
    for (points, class, mark) in [(counted, " class=\"count\"", "start"), (measured, "", "end")] {
        let places: Vec<_> = points.iter().map(|&(x, y)| (axes.x(x), axes.y(y))).collect();
        let line: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        // Writing to a String cannot fail.
        let _ = write!(svg, "<path{class} d=\"M{}\"/>", line.join("L"));
        for ((x, y), (_, amount)) in places.into_iter().zip(points) {
            let _ = write!(
                svg,
                "<circle class=\"{mark}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{}</title></circle>",
                unit(*amount)
            );
        }
    }
    svg
}

/// A line for some powers of two, and one for each size.
fn grid(axes: &Axes, measured: &Series, unit: &dyn Fn(f64) -> String) -> String {
    let mut svg = String::new();
    let [low, high] = axes.amounts;
    let step = ((high - low) / 6.0).ceil().max(1.0);
    let mut power = low;
    while power <= high {
        let (value, y) = (power.exp2(), axes.y(power.exp2()));
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"soft\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            unit(value)
        );
        power += step;
    }
    for &(size, _) in measured {
        let x = axes.x(size);
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/><text class=\"soft\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{size}</text>",
            BOTTOM + 18.0
        );
    }
    svg
}
