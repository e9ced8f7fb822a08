//! A matrix that lives on a device.

use super::{Device, cpu::pages::prefer_huge};
use crate::error::{Error, Result};

/// What a [`Tensor`] can hold: `f32` or `u32`.
pub trait Element: bytemuck::Pod + Default + Send + Sync + 'static {}
impl Element for f32 {}
impl Element for u32 {}

/// A row-major matrix [rows, cols] on one device. Vectors are one column or one row, scalars [1, 1].
///
/// The number of rows may be lowered below what was allocated ([`Tensor::set_rows`]), so that the last,
/// shorter batch of an epoch uses the same memory.
#[derive(Debug)]
pub struct Tensor<T: Element = f32> {
    rows: usize,
    cols: usize,
    capacity_rows: usize,
    storage: Storage<T>,
    device: Device,
}

#[derive(Debug)]
pub(crate) enum Storage<T: Element> {
    Cpu(Vec<T>),
    #[cfg(feature = "gpu")]
    Gpu(super::gpu::RowBuffers),
}

impl<T: Element> Tensor<T> {
    /// A matrix of zeros.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the machine or the device cannot hold it.
    pub fn zeros(device: &Device, rows: usize, cols: usize) -> Result<Self> {
        let storage = match device {
            Device::Cpu(_) => Storage::Cpu(zeroed_vec(rows, cols)?),
            #[cfg(feature = "gpu")]
            Device::Gpu(gpu) => Storage::Gpu(gpu.allocate::<T>(rows, cols)?),
        };
        Ok(Self { rows, cols, capacity_rows: rows, storage, device: device.clone() })
    }

    /// A matrix with the values of `data`, row after row.
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    ///
    /// # Panics
    /// If `data` does not hold `rows · cols` values.
    pub fn from_slice(device: &Device, rows: usize, cols: usize, data: &[T]) -> Result<Self> {
        let mut tensor = Self::zeros(device, rows, cols)?;
        tensor.write(data);
        Ok(tensor)
    }

    /// Rows in use.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// [rows, cols].
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }

    /// rows · cols.
    pub fn len(&self) -> usize {
        self.rows * self.cols
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most rows that [`Tensor::set_rows`] takes.
    pub fn capacity_rows(&self) -> usize {
        self.capacity_rows
    }

    /// Where it lives.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Uses only the first `rows` of the allocated rows (or more of them again). Contents stay as they are.
    ///
    /// # Panics
    /// If `rows` exceeds [`Tensor::capacity_rows`].
    pub fn set_rows(&mut self, rows: usize) {
        assert!(rows <= self.capacity_rows, "{rows} rows > capacity {}", self.capacity_rows);
        self.rows = rows;
    }

    /// Overwrites the rows in use. On a GPU the values arrive before the commands that are recorded after this call.
    ///
    /// # Panics
    /// If `data` does not hold `rows · cols` values.
    pub fn write(&mut self, data: &[T]) {
        assert_eq!(data.len(), self.len(), "values for a tensor of shape {:?}", self.shape());
        match &mut self.storage {
            Storage::Cpu(values) => values[..data.len()].copy_from_slice(data),
            #[cfg(feature = "gpu")]
            Storage::Gpu(buffers) => match &self.device {
                Device::Gpu(gpu) => gpu.write(buffers, bytemuck::cast_slice(data)),
                Device::Cpu(_) => unreachable!("storage and device agree"),
            },
        }
    }

    /// The values of the rows in use, after all that was recorded before.
    ///
    /// # Errors
    /// [`Error::Device`] if the device reported a fault.
    pub async fn read(&self) -> Result<Vec<T>> {
        match &self.storage {
            Storage::Cpu(values) => {
                super::pause::breathe().await;
                Ok(values[..self.len()].to_vec())
            }
            #[cfg(feature = "gpu")]
            Storage::Gpu(buffers) => match &self.device {
                Device::Gpu(gpu) => gpu.read::<T>(buffers, self.rows, self.cols).await,
                Device::Cpu(_) => unreachable!("storage and device agree"),
            },
        }
    }

    /// The one value of a [1, 1] tensor.
    ///
    /// # Errors
    /// As [`Tensor::read`].
    pub async fn read_scalar(&self) -> Result<T> {
        assert_eq!(self.shape(), [1, 1]);
        Ok(self.read().await?[0])
    }

    /// The values in place, on the CPU backend only.
    pub fn as_cpu(&self) -> Option<&[T]> {
        match &self.storage {
            Storage::Cpu(values) => Some(&values[..self.rows * self.cols]),
            #[cfg(feature = "gpu")]
            Storage::Gpu(_) => None,
        }
    }

    /// The values in place; only for the CPU kernels.
    pub(crate) fn cpu(&self) -> &[T] {
        self.as_cpu().expect("a tensor of another device was given to the CPU backend")
    }

    /// The values in place, writable; only for the CPU kernels.
    pub(crate) fn cpu_mut(&mut self) -> &mut [T] {
        let len = self.len();
        match &mut self.storage {
            Storage::Cpu(values) => &mut values[..len],
            #[cfg(feature = "gpu")]
            Storage::Gpu(_) => panic!("a tensor of another device was given to the CPU backend"),
        }
    }

    /// The buffers; only for the GPU kernels.
    #[cfg(feature = "gpu")]
    pub(crate) fn gpu(&self) -> &super::gpu::RowBuffers {
        match &self.storage {
            Storage::Gpu(buffers) => buffers,
            Storage::Cpu(_) => panic!("a tensor of another device was given to the GPU backend"),
        }
    }
}

fn zeroed_vec<T: Element>(rows: usize, cols: usize) -> Result<Vec<T>> {
    let too_large = || Error::TooLarge {
        what: format!("a matrix of {rows} × {cols}"),
        needed: format!(
            "{:.1} GiB",
            rows as f64 * cols as f64 * size_of::<T>() as f64 / 1073741824.0
        ),
        limit_name: "what this machine can give".into(),
        limit: "less".into(),
        hint: "Lower --concepts, --points or --batch-size.".into(),
    };
    let len = rows.checked_mul(cols).ok_or_else(too_large)?;
    let mut values: Vec<T> = Vec::new();
    values.try_reserve_exact(len).map_err(|_| too_large())?;
    // A fresh zeroed allocation instead of a fill: the pages are touched only when used.
    drop(values);
    let mut values = vec![T::default(); len];
    prefer_huge(&mut values);
    Ok(values)
}
