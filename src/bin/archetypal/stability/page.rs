//! The report as one page of HTML, its plots drawn in SVG: no scripts, nothing to load.

use super::{Report, measure::Line, show};
use crate::{
    html::{STYLE, escape},
    text,
};
use archetypal::{Result, data::write_atomically};
use std::{fmt::Write, io, path::Path};

/// Writes the page, whole or not at all.
pub fn write(path: &Path, report: &Report) -> Result<()> {
    let page = page(report);
    write_atomically(path, |file: &mut dyn io::Write| file.write_all(page.as_bytes()))
}

fn page(report: &Report) -> String {
    let title = format!("How stable are the concepts of {}?", escape(&report.data));
    let model = &report.model;
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style>\
         <h1>{title}</h1><p>{kind}, {k} concepts over {n} points, {rows} rows of {d} dimensions, {epochs} epochs, {seeds} seeds, trained side by \
         side on the same batches in {time}.</p>\
         <h2>Stability before and after training</h2>{dots}\
         <p class=\"soft\">Mean cosine of the atoms of two seeds, matched one to one so that it is largest. Ring: before \
         training; disc: after; bar: the smallest and the largest pair of seeds. What is high before training comes from the \
         points, not from training.</p>\
         <h2>Reconstruction beside stability</h2>{scatter}\
         <h2>Cosines of matched atoms</h2>{histograms}\
         <h2>All figures</h2><div class=\"wide\">{table}</div>{meanings}<p>{verdict}</p>",
        kind = model.kind().name(),
        k = model.nb_concepts,
        n = model.nb_points().unwrap_or(0),
        rows = text::count(report.rows as u64),
        d = report.width,
        epochs = report.training.epochs,
        seeds = report.seeds.len(),
        time = text::duration(std::time::Duration::from_secs_f64(report.seconds)),
        dots = dots(report),
        scatter = scatter(report),
        histograms = histograms(report),
        table = table(report),
        meanings = meanings(),
        verdict = escape(&show::verdict(report)).replace('\n', "<br>"),
    )
}

const LEFT: f64 = 300.0;
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

/// R² over stability.
fn scatter(report: &Report) -> String {
    let points: Vec<_> =
        report.lines.iter().filter_map(|line| line.r2.map(|r2| (line, r2))).collect();
    let low = points.iter().map(|(_, r2)| *r2).fold(1.0, f64::min).max(-0.2) - 0.02;
    let high = points.iter().map(|(_, r2)| *r2).fold(low, f64::max) + 0.02;
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
        let (x, r2) = (x_of(share), low + share * (high - low));
        let y = y_of(r2);
        let _ = write!(
            svg,
            "<line x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{bottom}\"/><text class=\"soft\" x=\"{x}\" y=\"316\" text-anchor=\"middle\">{share:.1}</text>\
             <line x1=\"60\" x2=\"500\" y1=\"{y}\" y2=\"{y}\"/><text class=\"soft\" x=\"54\" y=\"{}\" text-anchor=\"end\">{r2:.2}</text>",
            y + 4.0
        );
    }
    for (i, (line, r2)) in points.iter().enumerate() {
        let (x, y, number) = (x_of(line.stability), y_of(*r2), i + 1);
        let _ = write!(
            svg,
            "<circle class=\"end\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/><text x=\"{}\" y=\"{}\">{number}</text>\
             <text x=\"540\" y=\"{}\">{number}  {}</text>",
            x + 7.0,
            y + 4.0,
            40.0 + 20.0 * i as f64,
            name(line),
        );
    }
    svg + "</svg>"
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

fn table(report: &Report) -> String {
    let mut out = String::from(
        "<table><tr><th>model<th>points<th>stability<th>at start<th>≥ 0.9<th>R²<th>dead<th>OOD<th>L0<th>centred<th>coherence<th>stable rank<th>effective rank<th>connectivity<th>neg. interference",
    );
    for line in &report.lines {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{:.3}<td>{:.3}<td>{}<td>{}<td>{}<td>{:.3}<td>{:.1}<td>{:.3}<td>{:.3}<td>{:.1}<td>{:.1}<td>{}<td>{}",
            escape(line.kind.title()),
            line.points.title(),
            line.stability,
            line.stability_at_start,
            text::percent(line.share_above_0_9),
            line.r2.map_or("–".into(), |r2| format!("{r2:.4}")),
            text::percent(line.dead_share),
            line.ood,
            line.l0,
            line.stability_centred,
            line.coherence,
            line.stable_rank,
            line.effective_rank,
            line.connectivity.map_or("–".into(), |value| format!("{value:.3}")),
            line.negative_interference.map_or("–".into(), |value| format!("{value:.3}")),
        );
    }
    out + "</table>"
}

/// What each column is.
fn meanings() -> String {
    let mut out = String::from("<p class=\"soft\">");
    for (name, meaning) in show::MEANINGS {
        let _ = write!(out, "{}: {}. ", escape(name), escape(meaning));
    }
    out + "</p>"
}
