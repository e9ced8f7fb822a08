//! Options that several subcommands share.

use crate::{
    Context,
    failure::{Failure, Outcome},
};
use archetypal::{
    Device,
    data::{DataSet, Source, check_writable},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Options of every subcommand.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// What computes: the best GPU or else the CPU (auto), a GPU or else a software driver of one (gpu), or plain
    /// Rust on all cores (cpu)
    #[arg(long, global = true, value_enum, default_value_t, value_name = "NAME")]
    #[arg(help_heading = "Common options")]
    pub backend: BackendChoice,
    /// GPU to use, by a part of its name as `archetypal devices` lists it [default: the best]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Common options")]
    pub adapter: Option<String>,
    /// Say nothing but errors on stderr [default: progress and warnings]
    #[arg(long, short, global = true, help_heading = "Common options")]
    pub quiet: bool,
    /// Print figures as one JSON object [default: text for people]
    #[arg(long, global = true, help_heading = "Common options")]
    pub json: bool,
}

/// What computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum BackendChoice {
    /// The best GPU, else the CPU.
    #[default]
    Auto,
    /// A GPU.
    Gpu,
    /// The CPU.
    Cpu,
}

impl Common {
    /// Refuses options that do not go together.
    pub fn check(&self) -> Outcome {
        if self.backend == BackendChoice::Cpu && self.adapter.is_some() {
            let problem = "--adapter names a GPU, so it does not go with --backend cpu; leave one of them out";
            return Err(Failure::Usage(problem.into()));
        }
        Ok(())
    }
}

impl Context {
    /// The device that the options ask for.
    pub async fn device(&self) -> Outcome<Device> {
        let Common { backend, adapter, .. } = &self.common;
        match (backend, adapter) {
            (BackendChoice::Cpu, _) => Ok(Device::cpu()),
            (BackendChoice::Auto, None) => Ok(Device::best().await),
            (_, adapter) => self.gpu(adapter.as_deref()).await,
        }
    }

    #[cfg(feature = "gpu")]
    async fn gpu(&self, adapter: Option<&str>) -> Outcome<Device> {
        use archetypal::device::GpuOptions;
        let options = GpuOptions { adapter: adapter.map(str::to_owned), ..GpuOptions::default() };
        let real = Device::gpu(&options).await;
        if real.is_ok() || adapter.is_some() {
            return Ok(real?);
        }
        let device = Device::gpu(&GpuOptions { allow_software: true, ..options }).await?;
        self.reporter.warn(&format!(
            "there is no GPU; {} is a software driver, about ten times slower than --backend cpu",
            device.name()
        ));
        Ok(device)
    }

    #[cfg(not(feature = "gpu"))]
    async fn gpu(&self, _: Option<&str>) -> Outcome<Device> {
        Err(Failure::Error(archetypal::Error::NoDevice {
            problem: "this program was built without GPU support".into(),
            hint: "Use --backend cpu, or build it with the feature gpu.".into(),
        }))
    }
}

/// The data that a command works on.
#[derive(Clone, Debug, clap::Args)]
pub struct DataArgs {
    /// Activations: .npy or .safetensors, one 2-D tensor a file; several files are shards of one set
    #[arg(required = true, value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Tensor to read in .safetensors files that hold several [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,
}

impl DataArgs {
    /// Maps the files.
    pub fn open(&self) -> Outcome<Arc<DataSet>> {
        Ok(Arc::new(DataSet::open(&self.data, self.tensor.as_deref())?))
    }

    /// What the data is called in messages.
    pub fn name(&self) -> String {
        match self.data.as_slice() {
            [one] => one.display().to_string(),
            several => format!("{} and {} more files", several[0].display(), several.len() - 1),
        }
    }

    /// The error for data of another width than a model takes.
    pub fn check_width(&self, data: &dyn Source, width: usize, model: &Path) -> Outcome {
        if data.width() == width {
            return Ok(());
        }
        Err(Failure::Error(archetypal::Error::shape(
            self.name(),
            &[data.rows(), data.width()],
            &[data.rows(), width],
            format!(
                "{} takes rows of {width} values: give activations of the layer that it was trained on.",
                model.display()
            ),
        )))
    }
}

/// Whether `out` can be written, and is none of the files that are read.
pub fn check_output(out: &Path, inputs: &[PathBuf]) -> Outcome {
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    };
    if inputs.iter().any(|input| same(input, out)) {
        return Err(Failure::Usage(format!(
            "{} would overwrite a file that is read; name another one",
            out.display()
        )));
    }
    Ok(check_writable(out)?)
}
