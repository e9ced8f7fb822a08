//! The report for people.

use super::{
    Figures, Report,
    apply::Work,
    clock::Time,
    step::{Stage, Step},
};
use crate::text;
use archetypal::human_bytes;

/// Columns of a table, the first to the left and the others to the right.
type Line = [String; 7];

const HEAD: [&str; 7] = ["", "median", "GFLOP/s", "GB/s", "limit", "share", "memory"];
/// What a step does besides its operations, with theirs below this share of it, is not worth a line.
const LEAST_SHARE: f64 = 0.005;

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut out =
        format!("{}, archetypal {}\n{}\n", report.device, report.archetypal, report.machine.text());
    if let Some(roofline) = &report.roofline {
        out += &format!(
            "roofline: {} GFLOP/s (product), {} GB/s (copy)\n",
            text::figure(roofline.flops / 1e9),
            text::figure(roofline.bandwidth / 1e9)
        );
    }
    for figures in &report.sizes {
        let model = clap::ValueEnum::to_possible_value(&report.model);
        let model = model.map_or(String::new(), |value| value.get_name().to_owned());
        out +=
            &format!("\n{}, {model}, {}, medians of {}\n", figures.size, report.data, report.runs);
        out += &table(&lines(figures));
        if let Some(step) = &figures.step {
            out += &notes(step);
        }
    }
    out
}

fn lines(figures: &Figures) -> Vec<Line> {
    let mut lines = vec![HEAD.map(str::to_owned)];
    if let Some(step) = &figures.step {
        lines.push(of_step(step));
        let all: f64 = step.stages.iter().map(|stage| stage.seconds).sum();
        let worth = |stage: &&Stage| stage.seconds >= LEAST_SHARE * all;
        lines.extend(step.stages.iter().filter(worth).map(|stage| of_stage(stage, all)));
    }
    let work = figures.encode.iter().chain(&figures.top_k).chain(&figures.k_means);
    lines.extend(work.chain(&figures.kernels).map(of_work));
    lines
}

fn of_step(step: &Step) -> Line {
    let path = format!("{:?}", step.path).to_lowercase();
    [
        format!("step, {path}"),
        time(step.seconds.median),
        giga(step.flops, step.seconds),
        "–".into(),
        step.limit.map_or("–".into(), time),
        step.share.map_or("–".into(), text::percent),
        step.memory.map_or("–".into(), human_bytes),
    ]
}

/// Its share is that of the step's own operations.
fn of_stage(stage: &Stage, all: f64) -> Line {
    let Stage { name, calls, seconds } = stage;
    let times = if *calls > 1.0 { format!(" ×{calls:.0}") } else { String::new() };
    let share = format!("({})", text::percent(seconds / all));
    let dash = || "–".to_owned();
    [format!("  {name}{times}"), time(*seconds), dash(), dash(), dash(), share, dash()]
}

fn of_work(work: &Work) -> Line {
    [
        work.name.clone(),
        time(work.seconds.median),
        if work.flops > 0.0 { giga(work.flops, work.seconds) } else { "–".into() },
        giga(work.bytes, work.seconds),
        work.limit.map_or("–".into(), time),
        work.share.map_or("–".into(), text::percent),
        work.memory.map_or("–".into(), human_bytes),
    ]
}

/// What the line of a step leaves open.
fn notes(step: &Step) -> String {
    let Step { codes, flops, reference_flops, limit_all_rows, .. } = step;
    let all_rows = limit_all_rows
        .map_or(String::new(), |limit| format!("; limit with every row updated {}", time(limit)));
    format!(
        "A step needs {} GFLOP, the reference's way {}; {} codes of {} concepts, {} of the busiest{all_rows}.\n",
        text::figure(flops / 1e9),
        text::figure(reference_flops / 1e9),
        text::count(codes.entries as u64),
        text::count(codes.fired as u64),
        text::count(codes.busiest as u64),
    )
}

/// In the unit that fits.
fn time(seconds: f64) -> String {
    match seconds {
        1.0.. => format!("{} s", text::figure(seconds)),
        1e-3.. => format!("{} ms", text::figure(1e3 * seconds)),
        _ => format!("{} µs", text::figure(1e6 * seconds)),
    }
}

/// Billions a second.
fn giga(amount: f64, time: Time) -> String {
    text::figure(amount / time.median / 1e9)
}

fn table(lines: &[Line]) -> String {
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut out = String::new();
    for line in lines {
        let mut row = format!("  {:<1$}", line[0], widths[0]);
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            row += &format!("  {cell:>width$}");
        }
        out += row.trim_end();
        out.push('\n');
    }
    out
}
