//! `archetypal bench`.

mod apply;
mod args;
mod clock;
mod cost;
mod data;
mod kernels;
mod machine;
mod model;
mod roofline;
mod scaling;
mod show;
mod size;
mod step;

use crate::{Context, failure::Outcome, memory, options::DataArgs, output};
use apply::Work;
use archetypal::{
    Device,
    sae::{ModelKind, ModelSettings, SaeSettings},
    train::TrainSettings,
};
pub use args::Args;
use args::What;
use clock::Runs;
use data::Rows;
use machine::Machine;
use model::Model;
use roofline::Roofline;
use serde::Serialize;
use size::Size;
use std::path::Path;
use step::Step;

/// What every measurement needs to know.
#[derive(Clone, Copy)]
struct Setting<'a> {
    device: &'a Device,
    model: Model,
    size: Size,
    rows: &'a Rows,
    runs: Runs,
    l0: f64,
}

/// Everything that was found.
#[derive(Serialize)]
struct Report {
    archetypal: &'static str,
    device: String,
    machine: Machine,
    data: String,
    model: Model,
    runs: usize,
    roofline: Option<Roofline>,
    sizes: Vec<Figures>,
}

/// What was found of a size.
#[derive(Serialize)]
struct Figures {
    size: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encode: Option<Work>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    top_k: Vec<Work>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    k_means: Vec<Work>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kernels: Vec<Work>,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    args.check()?;
    let sizes = args.sizes();
    let data = args.data();
    if let Some(data) = &data {
        data::check_all(&sizes, data)?;
    }
    if let Some(out) = &args.save_data {
        return save(&args, sizes[0], data.as_ref(), out).await;
    }
    let machine = Machine::this();
    let device = match context.device().await? {
        device if !args.no_shortlists => device,
        Device::Cpu(_) => Device::cpu_without_shortlists(),
        #[cfg(feature = "gpu")]
        Device::Gpu(gpu) => {
            return Err(crate::failure::Failure::Usage(format!(
                "--no-shortlists is about the CPU, but the device is {}: leave it out, or say --backend cpu",
                gpu.name()
            )));
        }
    };
    for &size in &sizes {
        fits(&device, args.model, size)?;
    }
    if let Some(out) = &args.scaling {
        return scaling::run(context, &args, &device, machine, sizes[0], out).await;
    }
    let roofline = match args.wants(What::Roofline) {
        true => Some(Roofline::measure(&device, args.runs()).await?),
        false => None,
    };
    let mut report = Report {
        archetypal: env!("CARGO_PKG_VERSION"),
        device: device.name(),
        machine,
        data: data.as_ref().map_or("planted rows".into(), DataArgs::name),
        model: args.model,
        runs: args.runs as usize,
        roofline,
        sizes: Vec::new(),
    };
    let task = context.reporter.task("bench", sizes.len() as u64);
    for (i, &size) in sizes.iter().enumerate() {
        let rows = Rows::for_size(size, data.as_ref())?;
        let Args { model, l0, .. } = args;
        let setting = Setting { device: &device, model, size, rows: &rows, runs: args.runs(), l0 };
        report.sizes.push(
            measure(&args, &setting, roofline.as_ref(), &|what| {
                task.say(format!("{size}: {what}"))
            })
            .await?,
        );
        task.at(i as u64 + 1);
    }
    task.done(&format!("{} runs each", args.runs));
    if context.common.json {
        return output::print_json(&report);
    }
    output::print(&show::text(&report))
}

/// Writes what a step of `size` starts with, for other programs.
async fn save(args: &Args, size: Size, data: Option<&DataArgs>, out: &Path) -> Outcome {
    let device = Device::cpu();
    fits(&device, args.model, size)?;
    let rows = Rows::for_size(size, data)?;
    let sae = model::build(&device, args.model, size, &rows, args.l0).await?;
    rows.save(&sae.state().await?, out)
}

/// Refuses what the machine cannot hold, before anything is measured.
fn fits(device: &Device, model: Model, size: Size) -> Outcome {
    let training = TrainSettings { batch_size: size.batch, ..TrainSettings::default() };
    memory::check(device, &settings(model, size)?, &training, size.batch)
}

/// What is measured, as training describes it.
fn settings(model: Model, size: Size) -> Outcome<SaeSettings> {
    let (kind, top_k) = match model {
        Model::RaTopK => (ModelKind::RaTopK, Some(size.k)),
        Model::RaJump => (ModelKind::RaJump, None),
    };
    let concepts = Some(size.concepts);
    let settings = ModelSettings { model: Some(kind), concepts, top_k, ..ModelSettings::default() };
    Ok(settings.resolve(size.d, size.points)?)
}

/// All that `args` want to know of one size.
async fn measure(
    args: &Args,
    setting: &Setting<'_>,
    roofline: Option<&Roofline>,
    tell: &dyn Fn(&str),
) -> Outcome<Figures> {
    let size = setting.size.to_string();
    let mut figures =
        Figures { size, step: None, encode: None, top_k: vec![], k_means: vec![], kernels: vec![] };
    if args.wants(What::Step) {
        tell("step");
        figures.step = Some(step::measure(setting, roofline).await?);
    }
    if args.wants(What::Encode) {
        tell("encode");
        figures.encode = Some(apply::encode(setting, roofline).await?);
    }
    if args.wants(What::TopK) {
        tell("top-k");
        figures.top_k = apply::top_k(setting, roofline).await?;
    }
    if args.wants(What::KMeans) {
        tell("k-means");
        figures.k_means = apply::k_means(setting, roofline).await?;
    }
    if args.wants(What::Kernels) {
        tell("kernels");
        figures.kernels = kernels::measure(setting, roofline).await?;
    }
    Ok(figures)
}
