//! Options that several subcommands share.

use crate::{
    Context,
    failure::{Failure, Outcome},
};
use archetypal::{
    Device, Error,
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
    /// Let a GPU's matrix units make the products of --half; wgpu calls them experimental, and not every driver has
    /// what is needed [default: kernels without them]
    #[arg(long, global = true, help_heading = "Common options")]
    pub cooperative: bool,
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
        if self.backend == BackendChoice::Cpu && self.cooperative {
            let problem = "--cooperative is for a GPU, so it does not go with --backend cpu; leave one of them out";
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
            (BackendChoice::Auto, None) if !self.common.cooperative => Ok(best().await),
            (_, adapter) => self.gpu(adapter.as_deref()).await,
        }
    }

    #[cfg(feature = "gpu")]
    async fn gpu(&self, adapter: Option<&str>) -> Outcome<Device> {
        use archetypal::device::GpuOptions;
        let options = GpuOptions {
            adapter: adapter.map(str::to_owned),
            cooperative: self.common.cooperative,
            ..gpu_options()
        };
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
        Err(Failure::Error(Error::NoDevice {
            problem: "this program was built without GPU support".into(),
            hint: "Use --backend cpu, or build it with the feature gpu.".into(),
        }))
    }
}

/// As [`Device::best`].
#[cfg(feature = "gpu")]
async fn best() -> Device {
    Device::gpu(&gpu_options()).await.unwrap_or_else(|_| Device::cpu())
}

#[cfg(not(feature = "gpu"))]
async fn best() -> Device {
    Device::cpu()
}

/// The best GPU, with kernels chosen by timing them.
#[cfg(feature = "gpu")]
fn gpu_options() -> archetypal::device::GpuOptions {
    archetypal::device::GpuOptions { autotune: crate::cache::autotune(), ..Default::default() }
}

/// The data that a command works on.
#[derive(Clone, Debug, clap::Args)]
pub struct DataArgs {
    /// Activations: .npy or .safetensors, one 2-D tensor a file. Several files are shards of one set; a folder stands
    /// for all such files in it, in the order of their names
    #[arg(required = true, value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Tensor to read in .safetensors files that hold several [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,
}

impl DataArgs {
    /// Maps the files.
    pub fn open(&self) -> Outcome<Arc<DataSet>> {
        Ok(Arc::new(DataSet::open(&self.files()?, self.tensor.as_deref())?))
    }

    /// The files, those of folders among them.
    pub fn files(&self) -> Outcome<Vec<PathBuf>> {
        let mut files = Vec::new();
        for path in &self.data {
            if path.is_dir() {
                files.extend(files_in(path)?);
            } else {
                files.push(path.clone());
            }
        }
        Ok(files)
    }

    /// What the data is called in messages.
    pub fn name(&self) -> String {
        match self.data.as_slice() {
            [one] => one.display().to_string(),
            several => format!("{} and {} more files", several[0].display(), several.len() - 1),
        }
    }

    /// What tells the data from others in what is kept for a later command: every file that is named, and the tensor.
    pub fn identity(&self) -> String {
        let name = match self.data.as_slice() {
            [_] => self.name(),
            several => {
                let paths: Vec<_> = several.iter().map(|path| path.display().to_string()).collect();
                crate::unfinished::name(&self.name(), &paths)
            }
        };
        match &self.tensor {
            None => name,
            Some(tensor) => format!("{name}, tensor {tensor}"),
        }
    }

    /// The error for data of another width than a model takes.
    pub fn check_width(&self, data: &dyn Source, width: usize, model: &Path) -> Outcome {
        self.expect_width(data, width, || {
            let model = model.display();
            format!("{model} takes rows of {width} values: give activations of the layer that it was trained on.")
        })
    }

    /// The error for data of another width than is wanted; `hint` says what to do.
    pub fn expect_width(
        &self,
        data: &dyn Source,
        width: usize,
        hint: impl FnOnce() -> String,
    ) -> Outcome {
        if data.width() == width {
            return Ok(());
        }
        let (found, wanted) = ([data.rows(), data.width()], [data.rows(), width]);
        Err(Failure::Error(Error::shape(self.name(), &found, &wanted, hint())))
    }
}

/// The data files in a folder, by name.
fn files_in(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let unreadable = |error| Error::io("read", folder, error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_data(&path) {
            files.push(path);
        }
    }
    if files.is_empty() {
        let hint = "Name a folder with activations, or the files themselves.";
        return Err(Error::file(folder, "there is no .npy or .safetensors file in it", hint).into());
    }
    files.sort();
    Ok(files)
}

fn is_data(path: &Path) -> bool {
    is_named_as_data(path) && path.is_file()
}

fn is_named_as_data(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("npy") || e.eq_ignore_ascii_case("safetensors"))
}

/// Whether `out` can be written, and is neither read nor among the data of a folder.
pub fn check_output(out: &Path, data: &DataArgs, others: &[&Path]) -> Outcome {
    refuse_input(out, data, others)?;
    Ok(check_writable(out)?)
}

/// Whether both paths name one file, which need not be there yet.
pub fn same_target(a: &Path, b: &Path) -> bool {
    let resolved = |path: &Path| {
        path.canonicalize()
            .ok()
            .or_else(|| Some(folder(path).canonicalize().ok()?.join(path.file_name()?)))
    };
    a == b || matches!((resolved(a), resolved(b)), (Some(a), Some(b)) if a == b)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Refuses to write where something is read.
pub fn refuse_input(out: &Path, data: &DataArgs, others: &[&Path]) -> Outcome {
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    // Read as one of the shards the next time, whether it is there already or not.
    let joins = is_named_as_data(out)
        && data.data.iter().any(|input| input.is_dir() && same(input, folder(out)));
    let files = data.data.iter().map(PathBuf::as_path).chain(others.iter().copied());
    let overwrites = files.filter(|file| file.is_file()).any(|file| same(file, out));
    if joins || overwrites {
        let problem =
            if joins { "would lie among the data" } else { "would overwrite a file that is read" };
        return Err(Failure::Usage(format!("{} {problem}; name another one", out.display())));
    }
    Ok(())
}
