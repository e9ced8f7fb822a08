//! The shape rules of every operation, checked by both backends before they touch anything.

use super::{ByAtom, Codes, Element, Entries, Gemm, Grad, Halves, Projection, Tensor, TopKRoom};

/// Panics unless `tensor` has the shape, naming the operand.
#[track_caller]
pub(crate) fn expect<T: Element>(what: &str, tensor: &Tensor<T>, shape: [usize; 2]) {
    assert_eq!(tensor.shape(), shape, "shape of {what}");
}

/// (m, n, k) of a product.
#[track_caller]
pub(crate) fn gemm(a: &Tensor, b: &Tensor, c: &Tensor, spec: &Gemm<'_>) -> (usize, usize, usize) {
    assert!(!(spec.transpose_a && spec.transpose_b), "the TT product does not exist");
    let (m, k) = if spec.transpose_a { (a.cols(), a.rows()) } else { (a.rows(), a.cols()) };
    let (k_b, n) = if spec.transpose_b { (b.cols(), b.rows()) } else { (b.rows(), b.cols()) };
    assert_eq!(k, k_b, "inner dimension of {:?} and {:?}", a.shape(), b.shape());
    expect("C", c, [m, n]);
    if let Some(bias) = spec.bias {
        assert_eq!(bias.len(), n, "length of the bias");
    }
    (m, n, k)
}

/// A matrix and its copy in float16.
#[track_caller]
pub(crate) fn narrow(a: &Tensor, out: &Halves) {
    assert_eq!(out.shape(), a.shape(), "shape of the copy in float16");
}

/// (m, n, k) of a product of halves.
#[track_caller]
pub(crate) fn gemm_halves(
    a: &Halves,
    b: &Halves,
    bias: Option<&Tensor>,
    c: &Tensor,
) -> (usize, usize, usize) {
    let ([m, k], [n, k_b]) = (a.shape(), b.shape());
    assert_eq!(k, k_b, "inner dimension of {:?} and {:?}", a.shape(), b.shape());
    expect("C", c, [m, n]);
    if let Some(bias) = bias {
        assert_eq!(bias.len(), n, "length of the bias");
    }
    (m, n, k)
}

/// (B, K, d) of an encoder's product with top-k.
#[track_caller]
pub(crate) fn linear_top_k(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    room: &TopKRoom,
    codes: &Codes,
) -> (usize, usize, usize) {
    encoder(x.shape(), weight.shape(), bias, room, codes)
}

/// The same of halves.
#[track_caller]
pub(crate) fn linear_top_k_halves(
    x: &Halves,
    weight: &Halves,
    bias: Option<&Tensor>,
    room: &TopKRoom,
    codes: &Codes,
) -> (usize, usize, usize) {
    encoder(x.shape(), weight.shape(), bias, room, codes)
}

#[track_caller]
fn encoder(
    [rows, d]: [usize; 2],
    weight: [usize; 2],
    bias: Option<&Tensor>,
    room: &TopKRoom,
    codes: &Codes,
) -> (usize, usize, usize) {
    let concepts = codes.concepts();
    assert_eq!(weight, [concepts, d], "shape of the encoder weight");
    if let Some(bias) = bias {
        assert_eq!(bias.len(), concepts, "length of the bias");
    }
    assert_eq!(codes.rows(), rows, "rows of the codes");
    assert_eq!(room.pre.rows(), rows, "rows of the room for pre-codes");
    (rows, concepts, d)
}

/// Codes against a matrix [K, n] and a batch matrix [B, n].
#[track_caller]
pub(crate) fn sparse_product(codes: &Codes, m: &Tensor, batch: &Tensor) {
    expect("M", m, [codes.concepts(), batch.cols()]);
    assert_eq!(codes.rows(), batch.rows(), "rows of the codes and of the batch matrix");
}

/// Values at the entries of `codes`.
#[track_caller]
pub(crate) fn entries(codes: &Codes, values: &Tensor) {
    expect("entry values", values, [codes.rows(), codes.width()]);
}

/// What a penalty looks at, and the gradient that it adds to.
#[track_caller]
pub(crate) fn penalty(at: &Entries<'_>, grad: &Tensor) {
    expect("gradient of the penalised values", grad, at.values.shape());
    if let Some(counts) = at.counts {
        expect("counts of the entries", counts, [at.values.rows(), 1]);
    }
}

/// The transposed index fits the codes.
#[track_caller]
pub(crate) fn index(codes: &Codes, by_atom: &ByAtom) {
    assert_eq!(codes.concepts(), by_atom.concepts(), "concepts of codes and index");
    assert_eq!(codes.width(), by_atom.width(), "width of codes and index");
}

/// A gradient for a parameter of this shape.
#[track_caller]
pub(crate) fn grad(grad: &Grad<'_>, shape: [usize; 2]) {
    match grad {
        Grad::Dense(dense) => expect("gradient", dense, shape),
        Grad::Rows { by_atom, values, source } => {
            assert_eq!(by_atom.concepts(), shape[0], "rows of the gradient");
            assert_eq!(source.cols(), shape[1], "columns of the gradient");
            expect("entry values", values, [source.rows(), by_atom.width()]);
        }
    }
}

/// Rows of a parameter that catch up.
#[track_caller]
pub(crate) fn catch_up(
    param: &Tensor,
    done: &Tensor<u32>,
    firing: Option<&ByAtom>,
    steps: &Tensor,
    now: u32,
) {
    expect("steps done", done, [param.rows(), 1]);
    if let Some(firing) = firing {
        assert_eq!(firing.concepts(), param.rows(), "atoms that fire");
    }
    assert!(steps.cols() == 3 && steps.rows() >= now as usize, "room for {now} steps");
}

/// An update takes a parameter row by row, and so must the projection at its end.
#[track_caller]
pub(crate) fn row_wise(projection: Projection) {
    assert!(!projection.is_global(), "{projection:?} at the end of an update: a bug of the crate");
}

/// An element of `pre` that is asked for by its rank; any rank will do where there is no element.
#[track_caller]
pub(crate) fn kth_largest(pre: &Tensor, k: usize, out: &Tensor) {
    expect("k-th largest", out, [1, 1]);
    let known = pre.is_empty() || (1..=pre.len()).contains(&k);
    assert!(known, "the {k}-th largest of {} elements", pre.len());
}

/// A bias and for how many rows each concept has not fired, both [K, 1].
#[track_caller]
pub(crate) fn revive(bias: &Tensor, idle: &Tensor<u32>) {
    expect("bias", bias, [idle.rows(), 1]);
    expect("idle", idle, [idle.rows(), 1]);
}

/// Counters of idle rows, one of each for every concept.
#[track_caller]
pub(crate) fn idle(fired: &Tensor<u32>, seen: &Tensor<u32>, idle: &Tensor<u32>) {
    let concepts = fired.rows();
    expect("fired", fired, [concepts, 1]);
    expect("seen", seen, [concepts, 1]);
    expect("idle", idle, [concepts, 1]);
}
