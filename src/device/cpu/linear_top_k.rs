//! The encoder's product and top-k in one: a block of pre-codes is selected from while it is in the cache.

use super::{
    gemm::affine,
    select::{finish_blocks, take_block, top_k},
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
    let TopKRoom { pre, keys, kept, capacity } = room;
    let stride = pre.cols();
    if stride == concepts {
        super::gemm::gemm(x, weight, pre, Gemm { transpose_b: true, bias, ..Gemm::default() });
        return top_k(pre, codes);
    }
    let (kept, keys) = (&mut kept[..rows], &mut keys[..rows * *capacity]);
    kept.fill_with(Default::default);
    for first in (0..concepts).step_by(stride) {
        let width = stride.min(concepts - first);
        let weight = &weight.cpu()[first * d..][..width * d];
        let bias = bias.map(|bias| &bias.cpu()[first..][..width]);
        affine(x.cpu(), weight, bias, pre.cpu_mut(), (rows, width, d, stride));
        take_block(pre.cpu(), (stride, first, width), codes.width(), keys, kept);
    }
    finish_blocks(codes.width(), keys, kept, codes);
}
