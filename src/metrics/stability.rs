//! How much two dictionaries agree: their atoms matched one to one, and the mean cosine of the pairs.

use super::dictionary::{NT, normalize_rows};
use crate::parallel::*;
use crate::{
    device::{Device, Tensor},
    error::{Error, Result},
};
use pathfinding::{kuhn_munkres::kuhn_munkres, matrix::Matrix};
use serde::Serialize;

/// Up to this many atoms the matching is the best there is (Hungarian algorithm).
pub const EXACT_ATOMS: usize = 4096;
/// Beyond, each atom looks at this many of its nearest in the other dictionary.
const CANDIDATES: usize = 32;
/// Cosines are matched as whole numbers of this fineness.
const FINENESS: f64 = 1e9;
/// Atoms whose cosines to all others are held at once.
const BLOCK: usize = 1024;

/// Two atoms that were matched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Match {
    /// Atom of the first dictionary.
    pub first: usize,
    /// Atom of the second.
    pub second: usize,
    /// Cosine between the two; 0 if either is zero.
    pub cosine: f32,
}

/// How two dictionaries agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Mean cosine of the matched pairs, over the atoms of the smaller dictionary: 1 if they are the same but for the
    /// order and the lengths of the atoms (Fel et al. 2025, eq. 3).
    pub stability: f64,
    /// Whether the matching is the best there is. Otherwise it is a greedy one among the 32 nearest of each atom, atoms
    /// that it leaves over counting as cosine 0.
    pub exact: bool,
    /// The pairs, in the order of the first dictionary.
    pub matches: Vec<Match>,
}

/// Matches the atoms of two dictionaries, each [K, width] row by row; K may differ.
///
/// # Errors
/// [`Error::Shape`] if either is empty or not of whole atoms, [`Error::TooLarge`], [`Error::Device`].
pub async fn agreement(
    device: &Device,
    first: &[f32],
    second: &[f32],
    width: usize,
) -> Result<Agreement> {
    check(first, width)?;
    check(second, width)?;
    // The matching goes from the smaller one to the larger one.
    let swapped = first.len() > second.len();
    let (few, many) = if swapped { (second, first) } else { (first, second) };
    let (count, others) = (few.len() / width, many.len() / width);
    let exact = others <= EXACT_ATOMS;
    let mut cosines = Cosines::new(device, many, width)?;
    let mut matches = match exact {
        true => best(&mut cosines, few).await?,
        false => greedy(&mut cosines, few).await?,
    };
    if swapped {
        for pair in &mut matches {
            (pair.first, pair.second) = (pair.second, pair.first);
        }
        matches.sort_by_key(|pair| pair.first);
    }
    let sum: f64 = matches.iter().map(|pair| f64::from(pair.cosine)).sum();
    Ok(Agreement { stability: sum / count as f64, exact, matches })
}

/// Atoms [K, width] at length 1, less their mean: what they have in common then makes no two of them agree. The agreement of two
/// dictionaries of these is their centred stability.
///
/// # Errors
/// [`Error::Shape`] if it is empty or not of whole atoms.
pub fn centred(atoms: &[f32], width: usize) -> Result<Vec<f32>> {
    check(atoms, width)?;
    let mut centred = atoms.to_vec();
    normalize_rows(&mut centred, width);
    let mut mean = vec![0.0_f64; width];
    for atom in centred.chunks_exact(width) {
        mean.iter_mut().zip(atom).for_each(|(mean, &value)| *mean += f64::from(value));
    }
    let count = (centred.len() / width) as f64;
    for atom in centred.chunks_exact_mut(width) {
        let less = |(value, mean): (&mut f32, &f64)| *value -= (mean / count) as f32;
        atom.iter_mut().zip(&mean).for_each(less);
    }
    Ok(centred)
}

fn check(atoms: &[f32], width: usize) -> Result<()> {
    if width == 0 || atoms.is_empty() || !atoms.len().is_multiple_of(width) {
        let hint = "Both dictionaries must be of atoms of one width.";
        return Err(Error::shape("a dictionary", &[atoms.len()], &[1, width], hint));
    }
    Ok(())
}

/// Cosines of some atoms to all of one dictionary.
struct Cosines {
    many: Tensor,
    few: Tensor,
    products: Tensor,
}

impl Cosines {
    fn new(device: &Device, many: &[f32], width: usize) -> Result<Self> {
        let others = many.len() / width;
        let mut unit = many.to_vec();
        normalize_rows(&mut unit, width);
        Ok(Self {
            many: Tensor::from_slice(device, others, width, &unit)?,
            few: Tensor::zeros(device, BLOCK, width)?,
            products: Tensor::zeros(device, BLOCK, others)?,
        })
    }

    /// [rows, K] for at most [`BLOCK`] atoms.
    async fn of(&mut self, atoms: &[f32]) -> Result<Vec<f32>> {
        let Self { many, few, products } = self;
        let mut unit = atoms.to_vec();
        normalize_rows(&mut unit, few.cols());
        few.set_rows(atoms.len() / few.cols());
        products.set_rows(few.rows());
        few.write(&unit);
        few.device().clone().gemm(few, many, products, NT);
        products.read().await
    }

    fn blocks<'a>(&self, atoms: &'a [f32]) -> std::slice::Chunks<'a, f32> {
        atoms.chunks(BLOCK * self.few.cols())
    }
}

async fn best(cosines: &mut Cosines, few: &[f32]) -> Result<Vec<Match>> {
    let mut all = Vec::new();
    for block in cosines.blocks(few) {
        all.extend(cosines.of(block).await?);
    }
    let others = cosines.many.rows();
    // Whole numbers, for an order that rounding cannot upset; NaN counts as 0.
    let weights = all.iter().map(|&cosine| (f64::from(cosine) * FINENESS) as i64).collect();
    let weights = Matrix::from_vec(all.len() / others, others, weights)
        .expect("a row of cosines for each atom");
    let (_, assigned) = kuhn_munkres(&weights);
    let pair = |(first, second): (usize, usize)| Match {
        first,
        second,
        cosine: all[first * others + second],
    };
    Ok(assigned.into_iter().enumerate().map(pair).collect())
}

async fn greedy(cosines: &mut Cosines, few: &[f32]) -> Result<Vec<Match>> {
    let others = cosines.many.rows();
    let mut candidates = Vec::new();
    for (block, atoms) in cosines.blocks(few).enumerate() {
        let rows = cosines.of(atoms).await?;
        let nearest = |(i, row): (usize, &[f32])| {
            let mut order: Vec<u32> = (0..others as u32).collect();
            let larger =
                |a: &u32, b: &u32| row[*b as usize].total_cmp(&row[*a as usize]).then(a.cmp(b));
            let kept = CANDIDATES.min(others);
            order.select_nth_unstable_by(kept - 1, larger);
            let first = block * BLOCK + i;
            let pair = |&second: &u32| {
                let second = second as usize;
                Match { first, second, cosine: row[second] }
            };
            order[..kept].iter().map(pair).collect::<Vec<_>>()
        };
        candidates.par_extend(rows.par_chunks(others).enumerate().flat_map_iter(nearest));
    }
    candidates.par_sort_by(|a: &Match, b: &Match| {
        b.cosine.total_cmp(&a.cosine).then((a.first, a.second).cmp(&(b.first, b.second)))
    });
    let mut taken = [vec![false; few.len() / cosines.few.cols()], vec![false; others]];
    candidates.retain(|pair| {
        let free = !taken[0][pair.first] && !taken[1][pair.second] && pair.cosine > 0.0;
        taken[0][pair.first] |= free;
        taken[1][pair.second] |= free;
        free
    });
    candidates.sort_by_key(|pair| pair.first);
    Ok(candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atoms(count: usize, width: usize, seed: usize) -> Vec<f32> {
        (0..count * width).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 - 504.0).collect()
    }

    fn between(first: &[f32], second: &[f32], width: usize) -> Agreement {
        pollster::block_on(agreement(&Device::cpu(), first, second, width)).unwrap()
    }

    #[test]
    fn order_and_length_do_not_matter() {
        let first = atoms(37, 5, 1);
        let second: Vec<f32> = first.chunks(5).rev().flatten().map(|x| 0.1 * x).collect();
        let found = between(&first, &second, 5);
        assert!(found.exact && (found.stability - 1.0).abs() < 1e-6, "{}", found.stability);
        assert!(found.matches.iter().all(|pair| pair.first + pair.second == 36));
    }

    #[test]
    fn the_best_matching_is_no_greedy_one() {
        // Greedy takes (0, 0) at 0.75 and is left with (1, 1) at 0.1; the best pairs crosswise at 0.66 each.
        let first = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let second = [0.75, 0.66, 0.0437, 0.66, 0.1, 0.7446];
        let found = between(&first, &second, 3);
        assert!((found.stability - 0.66).abs() < 1e-3, "{}", found.stability);
        assert_eq!((found.matches[0].second, found.matches[1].second), (1, 0));
    }

    #[test]
    fn the_smaller_one_decides() {
        let first = atoms(9, 4, 2);
        let found = between(&first, &first[8..24], 4);
        assert!((found.stability - 1.0).abs() < 1e-6);
        let pairs: Vec<_> = found.matches.iter().map(|pair| (pair.first, pair.second)).collect();
        assert_eq!(pairs, [(2, 0), (3, 1), (4, 2), (5, 3)]);
    }

    #[test]
    fn greedy_finds_what_is_the_same() {
        let first = atoms(300, 6, 3);
        let second: Vec<f32> = first.chunks(6).rev().flatten().copied().collect();
        let mut cosines = Cosines::new(&Device::cpu(), &second, 6).unwrap();
        let found = pollster::block_on(greedy(&mut cosines, &first)).unwrap();
        let sum: f64 = found.iter().map(|pair| f64::from(pair.cosine)).sum();
        assert!(sum / 300.0 > 0.99, "{}", sum / 300.0);
    }

    #[test]
    fn what_atoms_have_in_common_makes_them_agree_and_is_taken_out() {
        // Each atom one axis and much of a ninth that all share; the two dictionaries have other axes.
        let of = |axes: std::ops::Range<usize>| -> Vec<f32> {
            let atom = |axis| {
                (0..9).map(move |j| if j == 8 { 10.0 } else { f32::from(u8::from(j == axis)) })
            };
            axes.flat_map(atom).collect()
        };
        let (first, second) = (of(0..4), of(4..8));
        assert!(between(&first, &second, 9).stability > 0.98);
        let [a, b] = [&first, &second].map(|atoms| centred(atoms, 9).unwrap());
        assert!(between(&a, &b, 9).stability.abs() < 1e-5);
        assert!((between(&a, &a, 9).stability - 1.0).abs() < 1e-6);
        let mean = |j: usize| a.iter().skip(j).step_by(9).sum::<f32>();
        assert!((0..9).all(|j| mean(j).abs() < 1e-6));
        // Length says nothing.
        let longer: Vec<f32> = first.iter().map(|v| 3.0 * v).collect();
        let same = centred(&longer, 9).unwrap();
        assert!(a.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn nothing_to_compare_is_an_error() {
        assert!(matches!(centred(&[1.0; 3], 2), Err(Error::Shape { .. })));
        let found = pollster::block_on(agreement(&Device::cpu(), &[], &[1.0], 1));
        assert!(matches!(found, Err(Error::Shape { .. })));
    }
}
