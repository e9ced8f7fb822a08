//! How time and memory of a step grow with each of its sizes.

mod child;
mod page;
mod plot;

use super::{
    Args,
    clock::Time,
    cost::{self, Updated},
    fits,
    machine::Machine,
    model::Model,
    roofline::Roofline,
    settings,
    size::Size,
};
use crate::{Context, failure::Outcome, output, text};
use archetypal::{
    Device,
    data::check_writable,
    human_bytes,
    train::{Loss, Path, memory_needed},
};
use serde::Serialize;
use std::path::Path as FilePath;

/// Which size varies, and from and to which part of it, in powers of two.
const VARIED: [(Name, i32, i32); 5] =
    [(Name::K, -2, 4), (Name::N, -2, 3), (Name::B, -3, 2), (Name::Codes, -2, 3), (Name::D, -2, 2)];

/// A size by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Name {
    K,
    N,
    B,
    #[serde(rename = "k")]
    Codes,
    #[serde(rename = "d")]
    D,
}

impl Name {
    /// `size` with this one times 2^`power`, if that is a whole number and works.
    fn scaled(self, mut size: Size, power: i32) -> Option<Size> {
        let place = self.place(&mut size);
        *place = match power {
            0.. => *place << power,
            _ => (*place).is_multiple_of(1 << -power).then_some(*place >> -power)?,
        };
        (size.k <= size.concepts).then_some(size)
    }

    fn place(self, size: &mut Size) -> &mut usize {
        match self {
            Self::K => &mut size.concepts,
            Self::N => &mut size.points,
            Self::B => &mut size.batch,
            Self::Codes => &mut size.k,
            Self::D => &mut size.d,
        }
    }

    fn of(self, mut size: Size) -> usize {
        *self.place(&mut size)
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::K => "K, concepts",
            Self::N => "N, points",
            Self::B => "B, rows in a batch",
            Self::Codes => "k, codes of a row",
            Self::D => "d, dimensions",
        }
    }
}

/// What was found.
#[derive(Serialize)]
struct Report {
    archetypal: &'static str,
    device: String,
    machine: Machine,
    model: Model,
    base: String,
    roofline: Roofline,
    points: Vec<Point>,
}

/// A step of one size.
#[derive(Serialize)]
struct Point {
    varied: Name,
    value: usize,
    size: String,
    path: Path,
    seconds: Time,
    flops: f64,
    /// The least seconds that the device needs for it.
    limit: f64,
    /// Peak of the resident set, and what `train::memory_needed` counts; in bytes.
    memory: Option<u64>,
    memory_counted: u64,
}

pub async fn run(
    context: &Context,
    args: &Args,
    device: &Device,
    machine: Machine,
    base: Size,
    out: &FilePath,
) -> Outcome {
    check_writable(out)?;
    let roofline = Roofline::measure(device, args.runs()).await?;
    let all: Vec<_> =
        VARIED.iter().flat_map(|&(name, from, to)| (from..=to).map(move |p| (name, p))).collect();
    let task = context.reporter.task("scaling", all.len() as u64);
    let mut points: Vec<Point> = Vec::new();
    for (i, (name, power)) in all.into_iter().enumerate() {
        let Some(size) = name.scaled(base, power) else { continue };
        task.say(format!("{size}"));
        match fits(device, args.model, size) {
            Ok(()) => points.push(point(context, args, device, name, size, &roofline)?),
            Err(_) => {
                context.reporter.warn(&format!("{size} does not fit into this machine's memory"))
            }
        }
        task.at(i as u64 + 1);
    }
    task.done(&out.display().to_string());
    let report = Report {
        archetypal: env!("CARGO_PKG_VERSION"),
        device: device.name(),
        machine,
        model: args.model,
        base: base.to_string(),
        roofline,
        points,
    };
    page::write(out, &report)?;
    if context.common.json {
        return output::print_json(&report);
    }
    output::print(&table(&report))
}

fn point(
    context: &Context,
    args: &Args,
    device: &Device,
    varied: Name,
    size: Size,
    roofline: &Roofline,
) -> Outcome<Point> {
    let step = child::step(context, args, size)?;
    let costs = cost::of_step(step.path, size, step.codes, Updated::Fired);
    let model = settings(args.model, size)?;
    Ok(Point {
        varied,
        value: varied.of(size),
        size: size.to_string(),
        path: step.path,
        seconds: step.seconds,
        flops: cost::flops(&costs),
        limit: roofline.limit(&costs),
        memory: step.memory,
        memory_counted: memory_needed(device, &model, &Loss::default(), size.batch),
    })
}

fn table(report: &Report) -> String {
    let mut table = output::Table::new();
    for point in &report.points {
        let memory = point.memory.map_or("–".into(), human_bytes);
        let time = text::figure(1e3 * point.seconds.median);
        let path = format!("{:?}", point.path).to_lowercase();
        table.row(point.size.clone(), format!("{time:>9} ms  {memory:>9}  {path}"));
    }
    format!("{}\n{}\n{}", report.device, report.machine.text(), table.text(2))
}
