//! The encoder's product and top-k in one: a block of pre-codes is selected from while it is in the cache.

use super::{
    gemm::rows_by_rows,
    select::{finish_blocks, take_block, top_k},
    shortlist,
};
use crate::device::{Codes, Gemm, Tensor, TopKRoom, shapes};

/// Top-k of relu(X Eᵀ + b).
pub(super) fn linear_top_k(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    room: &mut TopKRoom,
    codes: &mut Codes,
) {
    let (rows, concepts, d) = shapes::linear_top_k(x, weight, bias, room, codes);
    if let Some(kernel) = room.shortlist
        && shortlist::top_k(kernel, x, weight, bias, room, codes)
    {
        return;
    }
    if is_whole(room, concepts) {
        let spec = Gemm { transpose_b: true, bias, ..Gemm::default() };
        super::gemm::gemm(x, weight, &mut room.pre, spec);
        return top_k(&room.pre, codes);
    }
    let stride = room.pre.cols();
    by_blocks(bias, room, codes, |first, width, out| {
        let weight = &weight.cpu()[first * d..][..width * d];
        rows_by_rows(x.cpu(), weight, out, (rows, width, d, stride), false);
    });
}

/// Whether there is room for all pre-codes at once.
pub(super) fn is_whole(room: &TopKRoom, concepts: usize) -> bool {
    room.pre.cols() == concepts
}

/// Selects from one block of concepts after the other. `product` makes X Eᵀ of a block, given its first concept, how many
/// there are, and where the products go: rows as far apart as the room has columns.
pub(super) fn by_blocks(
    bias: Option<&Tensor>,
    room: &mut TopKRoom,
    codes: &mut Codes,
    mut product: impl FnMut(usize, usize, &mut [f32]),
) {
    let (rows, concepts) = (codes.rows(), codes.concepts());
    let TopKRoom { pre, keys, kept, capacity, .. } = room;
    let (stride, capacity) = (pre.cols(), *capacity);
    let (kept, keys) = (&mut kept[..rows], &mut keys[..rows * capacity]);
    kept.fill_with(Default::default);
    for first in (0..concepts).step_by(stride) {
        let width = stride.min(concepts - first);
        let bias = bias.map(|bias| &bias.cpu()[first..][..width]);
        product(first, width, pre.cpu_mut());
        take_block(pre.cpu(), bias, (stride, first, width), (codes.width(), capacity), keys, kept);
    }
    finish_blocks((codes.width(), capacity), keys, kept, codes);
}
