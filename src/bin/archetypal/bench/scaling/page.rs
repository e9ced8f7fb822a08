//! The growth of a step as one page, its plots drawn in SVG.

use super::{Name, Point, Report, VARIED};
use crate::{
    html::{STYLE, escape},
    text,
};
use archetypal::{Result, data::write_atomically, human_bytes};
use std::{fmt::Write, io, path::Path};

/// Of a plot, in the units of its view box.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 220.0;
const TOP: f64 = 16.0;

/// Writes the page, whole or not at all.
pub fn write(path: &Path, report: &Report) -> Result<()> {
    let page = page(report);
    write_atomically(path, |file: &mut dyn io::Write| file.write_all(page.as_bytes()))
}

fn page(report: &Report) -> String {
    let mut plots = String::new();
    for (name, ..) in VARIED {
        let points: Vec<_> = report.points.iter().filter(|point| point.varied == name).collect();
        if points.len() > 1 {
            plots += &pair(name, &points);
        }
    }
    let title = "How a training step grows";
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}\
         .pair{{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:1rem}}\
         path{{fill:none;stroke:var(--end);stroke-width:2}}path.count{{stroke:var(--start);stroke-dasharray:5 4}}</style>\
         <h1>{title}</h1><p>{device}; {machine}; archetypal {version}. One size varies, the others are those of {base}. \
         Roofline {flops} GFLOP/s, {bandwidth} GB/s.</p>\
         <p class=\"soft\">Discs: measured, the median of the steps and the peak of the resident set. Rings: what the \
         counts say, the device's limit for the step's arithmetic and bytes, and the bytes that training asks for \
         (besides the program and the data). Both axes are logarithmic.</p>{plots}\
         <h2>All figures</h2><div class=\"wide\">{table}</div>",
        device = escape(&report.device),
        machine = escape(&report.machine.text()),
        version = report.archetypal,
        base = report.base,
        flops = text::figure(report.roofline.flops / 1e9),
        bandwidth = text::figure(report.roofline.bandwidth / 1e9),
        table = table(report),
    )
}

/// Time and memory over one size.
fn pair(name: Name, points: &[&Point]) -> String {
    let over = |value: &dyn Fn(&Point) -> Option<f64>| -> Vec<(f64, f64)> {
        points.iter().filter_map(|point| Some((point.value as f64, value(point)?))).collect()
    };
    let time = over(&|point| Some(1e3 * point.seconds.median));
    let limit = over(&|point| Some(1e3 * point.limit));
    let memory = over(&|point| point.memory.map(|bytes| bytes as f64));
    let counted = over(&|point| Some(point.memory_counted as f64));
    let milliseconds = |value: f64| format!("{} ms", short(value));
    let bytes = |value: f64| human_bytes(value as u64);
    format!(
        "<h2>{}</h2><div class=\"pair\">{}{}</div>",
        name.meaning(),
        plot("Time of a step", &time, &limit, &milliseconds),
        plot("Peak memory", &memory, &counted, &bytes),
    )
}

fn short(value: f64) -> String {
    if value < 1.0 { format!("{value:.2}") } else { text::count(value.round() as u64) }
}

/// One plot: what was measured, and what the counts say.
fn plot(
    title: &str,
    measured: &[(f64, f64)],
    counted: &[(f64, f64)],
    unit: &dyn Fn(f64) -> String,
) -> String {
    let both = || measured.iter().chain(counted);
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (left, right) = range(&mut both().map(|point| point.0.log2()));
    let (low, high) = range(&mut both().map(|point| point.1.max(1e-9).log2()));
    let (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
    let x = |value: f64| {
        LEFT + (value.log2() - left) / (right - left).max(1e-9) * (WIDTH - LEFT - 24.0)
    };
    let y = |value: f64| BOTTOM - (value.max(1e-9).log2() - low) / (high - low) * (BOTTOM - TOP);
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">");
    let step = ((high - low) / 6.0).ceil().max(1.0);
    let mut power = low;
    while power <= high {
        let (value, at) = (power.exp2(), y(power.exp2()));
        // Writing to a String cannot fail.
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at}\" y2=\"{at}\"/><text class=\"soft\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            WIDTH - 24.0,
            LEFT - 8.0,
            at + 4.0,
            unit(value)
        );
        power += step;
    }
    for &(value, _) in measured {
        let at = x(value);
        let _ = write!(
            svg,
            "<line x1=\"{at}\" x2=\"{at}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/><text class=\"soft\" x=\"{at}\" y=\"{}\" text-anchor=\"middle\">{value}</text>",
            BOTTOM + 18.0
        );
    }
    for (points, class, mark) in [(counted, " class=\"count\"", "start"), (measured, "", "end")] {
        let mut line = String::new();
        for (i, &(value, amount)) in points.iter().enumerate() {
            let (x, y) = (x(value), y(amount));
            let _ = write!(line, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
        }
        let _ = write!(svg, "<path{class} d=\"{line}\"/>");
        for &(value, amount) in points {
            let _ = write!(
                svg,
                "<circle class=\"{mark}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}</title></circle>",
                x(value),
                y(amount),
                unit(amount)
            );
        }
    }
    format!(
        "<figure style=\"margin:0\">{svg}</svg><figcaption class=\"soft\">{title}</figcaption></figure>"
    )
}

fn table(report: &Report) -> String {
    let mut out = String::from(
        "<table><tr><th>d/K/N/B/k<th>path<th>median, ms<th>limit, ms<th>GFLOP<th>memory<th>counted",
    );
    for point in &report.points {
        let _ = write!(
            out,
            "<tr><td>{}<td>{:?}<td>{}<td>{}<td>{}<td>{}<td>{}",
            point.size,
            point.path,
            text::figure(1e3 * point.seconds.median),
            text::figure(1e3 * point.limit),
            text::figure(point.flops / 1e9),
            point.memory.map_or("–".into(), human_bytes),
            human_bytes(point.memory_counted),
        );
    }
    out + "</table>"
}
