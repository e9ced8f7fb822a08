//! The floating-point types that files hold, and their conversion to f32.

use bytemuck::Pod;
use half::{bf16, f16, slice::HalfFloatSliceExt};

/// How the numbers of a data file are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE half precision.
    F16,
    /// The upper half of an f32.
    Bf16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision; read as f32, what exceeds its range counting as infinite.
    F64,
}

impl Dtype {
    /// Bytes a number.
    pub fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// "f16", "bf16", "f32" or "f64".
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Converts stored numbers, at any alignment, to f32. `swap` when their byte order is not this machine's.
    ///
    /// # Panics
    /// If `bytes` does not hold exactly as many numbers as `out`.
    pub(crate) fn to_f32(self, bytes: &[u8], swap: bool, out: &mut [f32]) {
        assert_eq!(bytes.len(), out.len() * self.size(), "bytes for {} {}", out.len(), self.name());
        match self {
            Self::F16 => convert::<f16>(bytes, swap, out),
            Self::Bf16 => convert::<bf16>(bytes, swap, out),
            Self::F32 => convert::<f32>(bytes, swap, out),
            Self::F64 => convert::<f64>(bytes, swap, out),
        }
    }
}

/// A stored number.
trait Number: Pod {
    fn swapped(self) -> Self;
    fn widen(values: &[Self], out: &mut [f32]);
}

impl Number for f16 {
    fn swapped(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }
    fn widen(values: &[Self], out: &mut [f32]) {
        values.convert_to_f32_slice(out);
    }
}

impl Number for bf16 {
    fn swapped(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }
    fn widen(values: &[Self], out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(values) {
            *out = f32::from_bits(u32::from(value.to_bits()) << 16);
        }
    }
}

impl Number for f32 {
    fn swapped(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }
    fn widen(values: &[Self], out: &mut [f32]) {
        out.copy_from_slice(values);
    }
}

impl Number for f64 {
    fn swapped(self) -> Self {
        Self::from_bits(self.to_bits().swap_bytes())
    }
    fn widen(values: &[Self], out: &mut [f32]) {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = value as f32;
        }
    }
}

fn convert<T: Number>(bytes: &[u8], swap: bool, out: &mut [f32]) {
    if !swap && let Ok(values) = bytemuck::try_cast_slice::<u8, T>(bytes) {
        return T::widen(values, out);
    }
    // Unaligned or of the other byte order: by way of a buffer that stays in the first-level cache.
    const STAGE: usize = 512;
    let mut stage = [T::zeroed(); STAGE];
    for (bytes, out) in bytes.chunks(STAGE * size_of::<T>()).zip(out.chunks_mut(STAGE)) {
        let stage = &mut stage[..out.len()];
        bytemuck::cast_slice_mut::<T, u8>(stage).copy_from_slice(bytes);
        if swap {
            stage.iter_mut().for_each(|value| *value = value.swapped());
        }
        T::widen(stage, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(dtype: Dtype, values: &[f64], big: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &value in values {
            let mut number = match dtype {
                Dtype::F16 => f16::from_f64(value).to_le_bytes().to_vec(),
                Dtype::Bf16 => bf16::from_f64(value).to_le_bytes().to_vec(),
                Dtype::F32 => (value as f32).to_le_bytes().to_vec(),
                Dtype::F64 => value.to_le_bytes().to_vec(),
            };
            if big {
                number.reverse();
            }
            bytes.extend(number);
        }
        bytes
    }

    #[test]
    fn every_type_at_every_alignment_and_byte_order() {
        // More than one stage, and not a multiple of it; all exact in bf16.
        let values: Vec<f64> = (0..1200).map(|i| f64::from(i % 127) - 60.0).collect();
        for dtype in [Dtype::F16, Dtype::Bf16, Dtype::F32, Dtype::F64] {
            for big in [false, true] {
                for shift in [0, 1] {
                    let mut bytes = vec![0; shift];
                    bytes.extend(bytes_of(dtype, &values, big));
                    let mut out = vec![f32::NAN; values.len()];
                    dtype.to_f32(&bytes[shift..], big != cfg!(target_endian = "big"), &mut out);
                    for (got, &want) in out.iter().zip(&values) {
                        assert_eq!(f64::from(*got), want, "{dtype:?} big {big} shift {shift}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_f32_cannot_hold_becomes_infinite() {
        let bytes = bytes_of(Dtype::F64, &[1e300, -1e39, f64::NAN, 1e-300], false);
        let mut out = [0.0; 4];
        Dtype::F64.to_f32(&bytes, cfg!(target_endian = "big"), &mut out);
        assert_eq!(out[..2], [f32::INFINITY, f32::NEG_INFINITY]);
        assert!(out[2].is_nan());
        assert_eq!(out[3], 0.0);
    }
}
