//! Where numbers live and what computes.

mod backend;
mod codes;
pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
mod halves;
pub(crate) mod pause;
mod profile;
mod shapes;
mod tensor;
mod top_k_room;

pub use backend::{
    ACTIVE_FROM, AdamStep, Backend, Entries, Gemm, Grad, NORM_EPS, NORM_MOMENTUM, Projection, REST,
    RowPenalty, log,
};
pub use codes::{ByAtom, Codes};
pub use halves::Halves;
pub(crate) use halves::WIDENED_ROWS;
pub use profile::OperationTime;
pub use tensor::{Element, Tensor};
pub use top_k_room::TopKRoom;

#[cfg(feature = "gpu")]
pub(crate) use gpu::Kernel;
#[cfg(feature = "gpu")]
pub use gpu::{AdapterChoice, GpuOptions};

/// Without a GPU there is none.
#[cfg(not(feature = "gpu"))]
pub(crate) type Kernel = std::convert::Infallible;

use crate::error::Result;
use std::{ops::Deref, sync::Arc};

/// A handle to what computes; cheap to clone. It dereferences to its [`Backend`].
///
/// Record on one GPU from one thread at a time: operations of several dispatches share scratch memory, so that two
/// threads that record at once would get wrong numbers. Open a device of its own for each.
#[derive(Clone)]
pub enum Device {
    /// Plain Rust on all cores.
    Cpu(Arc<cpu::Cpu>),
    /// WGSL through wgpu.
    #[cfg(feature = "gpu")]
    Gpu(Arc<gpu::Gpu>),
}

impl Device {
    /// The CPU backend.
    pub fn cpu() -> Self {
        Self::Cpu(Arc::new(cpu::Cpu::new(cpu::shortlist::Kernel::of_machine())))
    }

    /// The CPU backend, making all products of an encoder in float32 even where this machine finds the few that count by
    /// others ([`Cpu::shortlists`](cpu::Cpu::shortlists)); to compare. Codes differ by rounding at most, which also
    /// chooses between concepts that are as good as equal.
    pub fn cpu_without_shortlists() -> Self {
        Self::Cpu(Arc::new(cpu::Cpu::new(None)))
    }

    /// The best GPU, else the CPU. A software driver (lavapipe, SwiftShader, WARP) is not taken: the CPU backend is
    /// about ten times faster; ask for it with [`Device::gpu`].
    pub async fn best() -> Self {
        #[cfg(feature = "gpu")]
        if let Ok(device) = Self::gpu(&GpuOptions::default()).await {
            return device;
        }
        Self::cpu()
    }

    /// A GPU chosen by `options`.
    ///
    /// # Errors
    /// [`Error::NoDevice`](crate::Error::NoDevice) if there is none of that kind.
    #[cfg(feature = "gpu")]
    pub async fn gpu(options: &GpuOptions) -> Result<Self> {
        Ok(Self::Gpu(Arc::new(gpu::Gpu::new(options).await?)))
    }

    /// Whether this is a GPU, real or software.
    pub fn is_gpu(&self) -> bool {
        match self {
            Self::Cpu(_) => false,
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => true,
        }
    }

    /// Whether this is a GPU whose driver computes on the CPU.
    pub fn is_software(&self) -> bool {
        match self {
            Self::Cpu(_) => false,
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.is_software(),
        }
    }

    /// This device, or the CPU itself in the place of a GPU whose driver computes there.
    pub fn without_software(&self) -> Self {
        if self.is_software() { Self::cpu() } else { self.clone() }
    }

    /// A name for people: "CPU, 8 threads" or the adapter's name and API.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu(cpu) => cpu.name(),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.name(),
        }
    }

    /// The kernels that `work` asks for and that are yet to be made; nothing of it is computed, and it must not read
    /// anything back. On the CPU, which has none, it is not even done.
    pub(crate) fn missing_kernels(&self, work: impl FnOnce()) -> Vec<Kernel> {
        match self {
            Self::Cpu(_) => {
                drop(work);
                Vec::new()
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => {
                gpu.begin_list();
                work();
                gpu.end_list()
            }
        }
    }

    /// Makes a kernel, so that its first use need not.
    pub(crate) fn make_kernel(&self, kernel: &Kernel) {
        let _ = kernel;
        match self {
            Self::Cpu(_) => {}
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.make(kernel),
        }
    }

    /// Sends what was recorded to the device. Nothing to do on the CPU.
    pub fn submit(&self) {
        match self {
            Self::Cpu(_) => {}
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.submit(),
        }
    }

    /// Submits, waits until all is done, and reports any fault of the device since the last call.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) with what the driver said.
    pub async fn sync(&self) -> Result<()> {
        match self {
            Self::Cpu(_) => Ok(()),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.sync().await,
        }
    }
}

impl Deref for Device {
    type Target = dyn Backend;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Cpu(cpu) => &**cpu,
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => &**gpu,
        }
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}
