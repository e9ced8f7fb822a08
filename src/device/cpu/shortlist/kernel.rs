//! What multiplies packed operands.

#[cfg(target_arch = "x86_64")]
use super::pairs;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::tiles;

use super::narrow::{Format, SIDE};

/// Rows that a kernel takes at once: two panels.
pub(super) const STRIP: usize = 2 * SIDE;

/// A strip of rows and an even number of panels of columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operands<'a> {
    pub rows: &'a [u32],
    pub columns: &'a [u32],
    /// Pairs in a panel.
    pub panel: usize,
    /// What each row's numbers are multiplied by, [`STRIP`] of them; 1 for bfloat16.
    pub row_factors: &'a [f32; STRIP],
    /// The same of each column.
    pub column_factors: &'a [f32],
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// The matrix unit of newer Xeons (AMX).
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Tiles,
    /// Products of pairs that are added up at once (AVX-512 VNNI).
    #[cfg(target_arch = "x86_64")]
    FusedPairs,
    /// Products of pairs (AVX2).
    #[cfg(target_arch = "x86_64")]
    Pairs,
    /// Plain loops: slower than a product in float32, for comparison.
    #[cfg(test)]
    Plain(Format),
}

impl Kernel {
    /// The fastest on this machine, if a shortlist is then faster than a product in float32.
    pub(in crate::device) fn of_machine() -> Option<Self> {
        Self::all_of_machine().find(|kernel| match kernel {
            // A product in float32 has twice as wide vectors there.
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => !is_x86_feature_detected!("avx512f"),
            _ => true,
        })
    }

    /// All that this machine can run, the fastest first.
    pub(super) fn all_of_machine() -> impl Iterator<Item = Self> {
        let all: &[Self] = &[
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles,
            #[cfg(target_arch = "x86_64")]
            Self::FusedPairs,
            #[cfg(target_arch = "x86_64")]
            Self::Pairs,
        ];
        all.iter().copied().filter(|kernel| kernel.is_there())
    }

    /// The name of its instructions.
    pub(in crate::device) fn name(self) -> &'static str {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles => "AMX",
            #[cfg(target_arch = "x86_64")]
            Self::FusedPairs => "AVX-512 VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => "AVX2",
            #[cfg(test)]
            Self::Plain(_) => "none",
        }
    }

    fn is_there(self) -> bool {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles => tiles::are_there(),
            #[cfg(target_arch = "x86_64")]
            Self::FusedPairs => pairs::are_fused(),
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => pairs::are_there(),
            #[cfg(test)]
            Self::Plain(_) => true,
        }
    }

    /// What it multiplies.
    pub(super) fn format(self) -> Format {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles => Format::Bfloat,
            #[cfg(target_arch = "x86_64")]
            Self::FusedPairs | Self::Pairs => Format::Integer,
            #[cfg(test)]
            Self::Plain(format) => format,
        }
    }

    /// out = the products of the rows with the columns, in rows `stride` apart.
    pub(super) fn scores(self, operands: Operands<'_>, out: &mut [f32], stride: usize) {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles => tiles::scores(operands, out, stride),
            #[cfg(target_arch = "x86_64")]
            Self::FusedPairs => pairs::scores_fused(operands, out, stride),
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => pairs::scores(operands, out, stride),
            #[cfg(test)]
            Self::Plain(format) => plain(format, operands, out, stride),
        }
    }
}

/// The twin of the others.
#[cfg(test)]
fn plain(format: Format, operands: Operands<'_>, out: &mut [f32], stride: usize) {
    use super::{bfloat::widen, narrow::TILE};
    let number = |half: u16| match format {
        Format::Bfloat => f64::from(widen(half)),
        Format::Integer => f64::from(half.cast_signed()),
    };
    let numbers = |pair: u32| [pair as u16, (pair >> 16) as u16].map(number);
    let Operands { rows, columns, panel, row_factors, column_factors } = operands;
    for (j, columns) in columns.chunks(panel).enumerate() {
        for (i, row) in (0..STRIP).map(|i| (i, &rows[i / SIDE * panel..][..panel])) {
            for column in 0..SIDE {
                let mut sum = 0.0;
                for (row, columns) in row.chunks(TILE).zip(columns.chunks(TILE)) {
                    for pair in 0..SIDE {
                        let x = numbers(row[i % SIDE * SIDE + pair]);
                        let y = numbers(columns[pair * SIDE + column]);
                        sum += x[0] * y[0] + x[1] * y[1];
                    }
                }
                let factor =
                    f64::from(row_factors[i]) * f64::from(column_factors[j * SIDE + column]);
                out[i * stride + j * SIDE + column] = (sum * factor) as f32;
            }
        }
    }
}
