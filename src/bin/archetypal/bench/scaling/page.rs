//! The growth of a step as one page, or its plots alone as one picture.

use super::{
    Name, Report, VARIED,
    plot::{self, HEIGHT, Plot, WIDTH},
};
use crate::{
    html::{self, escape},
    text,
};
use archetypal::{Result, data::write_atomically, human_bytes};
use std::{fmt::Write, io, path::Path};

const TITLE: &str = "How a training step grows";
/// Above each pair of plots in a picture.
const HEADING: f64 = 30.0;

/// Writes the page, or the picture if the file is called .svg; whole or not at all.
pub fn write(path: &Path, report: &Report) -> Result<()> {
    let text = match path.extension() {
        Some(end) if end == "svg" => picture(report),
        _ => page(report),
    };
    write_atomically(path, |file: &mut dyn io::Write| file.write_all(text.as_bytes()))
}

/// The plots of every size that has several points.
fn pairs(report: &Report) -> impl Iterator<Item = (Name, [Plot; 2])> {
    VARIED.into_iter().filter_map(|(name, ..)| {
        let points: Vec<_> = report.points.iter().filter(|point| point.varied == name).collect();
        (points.len() > 1).then(|| (name, plot::pair(&points)))
    })
}

fn page(report: &Report) -> String {
    let plots: String = pairs(report)
        .map(|(name, pair)| {
            format!(
                "<h2>{}</h2><div class=\"pair\">{}</div>",
                name.meaning(),
                pair.map(figure).concat()
            )
        })
        .collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{TITLE}</title><style>{style}\
         .pair{{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:1rem}}{marks}</style>\
         <h1>{TITLE}</h1><p>{device}; {machine}; archetypal {version}. One size varies, the others are those of {base}. \
         Roofline {flops} GFLOP/s, {bandwidth} GB/s.</p>\
         <p class=\"soft\">Discs: measured, the median of the steps and the peak of the resident set. Rings: what the \
         counts say, the device's limit for the step's arithmetic and bytes, and the bytes that training asks for \
         (besides the program and the data). Both axes are logarithmic.</p>{plots}\
         <h2>All figures</h2><div class=\"wide\">{table}</div>",
        style = html::STYLE,
        marks = plot::STYLE,
        device = escape(&report.device),
        machine = escape(&report.machine.text()),
        version = report.archetypal,
        base = report.base,
        flops = text::figure(report.roofline.flops / 1e9),
        bandwidth = text::figure(report.roofline.bandwidth / 1e9),
        table = table(report),
    )
}

fn figure(Plot { title, marks }: Plot) -> String {
    format!(
        "<figure style=\"margin:0\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">{marks}</svg>\
         <figcaption class=\"soft\">{title}</figcaption></figure>"
    )
}

/// Two plots side by side for each size.
fn picture(report: &Report) -> String {
    let mut plots = String::new();
    let mut top = 0.0;
    for (name, pair) in pairs(report) {
        for (Plot { title, marks }, left) in pair.into_iter().zip([0.0, WIDTH]) {
            // Writing to a String cannot fail.
            let _ = write!(
                plots,
                "<text x=\"{}\" y=\"{}\">{title} over {}</text>\
                 <svg x=\"{left}\" y=\"{}\" width=\"{WIDTH}\" height=\"{HEIGHT}\">{marks}</svg>",
                left + 12.0,
                top + 20.0,
                name.meaning(),
                top + HEADING,
            );
        }
        top += HEADING + HEIGHT;
    }
    let width = 2.0 * WIDTH;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {top}\" width=\"{width}\" height=\"{top}\" \
         font-family=\"system-ui,sans-serif\"><title>{TITLE}</title><style>{}{}</style>\
         <rect width=\"100%\" height=\"100%\" fill=\"var(--paper)\"/>{plots}</svg>\n",
        html::STYLE,
        plot::STYLE,
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
