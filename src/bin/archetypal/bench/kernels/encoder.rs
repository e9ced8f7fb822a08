//! The encoder's product with the selection from it, in float32 and as `--half` has it, of the model and its first batch.

use super::{Bench, Setting};
use crate::{bench::model, failure::Outcome};
use archetypal::{
    Device, Tensor,
    device::{Codes, Halves, TopKRoom},
    sae::Sae,
};

/// X, E and b, and what their product costs.
struct Product<'a> {
    x: Tensor,
    weight: &'a Tensor,
    bias: &'a Tensor,
    flops: f64,
    moved: Moved,
}

/// Numbers that are read and written: X and E; the pre-codes and b; the codes and b.
struct Moved {
    operands: f64,
    pre_codes: f64,
    codes: f64,
}

pub async fn measure(bench: &mut Bench<'_>) -> Outcome {
    let Setting { device, size, rows, l0, .. } = *bench.setting;
    let sae = model::build(device, model::Model::RaTopK, size, rows, l0).await?;
    let product = product(&sae, bench.setting)?;
    single(bench, &product).await?;
    halves(bench, &product).await
}

fn product<'a>(sae: &'a Sae, setting: &Setting<'_>) -> Outcome<Product<'a>> {
    let Setting { device, size, rows, .. } = *setting;
    let named = |name: &str| {
        let parameters = sae.parameters();
        let found = parameters.into_iter().find(|parameter| parameter.name.ends_with(name));
        &found.expect("a linear encoder").value
    };
    let (b, d, k) = (size.batch as f64, size.d as f64, size.concepts as f64);
    Ok(Product {
        x: Tensor::from_slice(device, size.batch, size.d, rows.first(size.batch))?,
        weight: named("final_block.0.weight"),
        bias: named("final_block.0.bias"),
        flops: 2.0 * b * k * d,
        moved: Moved {
            operands: b * d + k * d,
            pre_codes: b * k + k,
            codes: 2.0 * b * size.k as f64 + k,
        },
    })
}

fn room(device: &Device, setting: &Setting<'_>) -> Outcome<(TopKRoom, Codes)> {
    let Setting { size, .. } = *setting;
    let room = TopKRoom::new(device, size.batch, size.k, size.concepts)?;
    Ok((room, Codes::new(device, size.batch, size.k, size.concepts)?))
}

async fn single(bench: &mut Bench<'_>, product: &Product<'_>) -> Outcome {
    let device = bench.device();
    let Product { x, weight, bias, flops, moved } = product;
    let (mut room, mut codes) = self::room(&device, bench.setting)?;
    let work = || device.linear_top_k(x, weight, Some(bias), &mut room, &mut codes);
    bench.time("linear_top_k", *flops, moved.operands + moved.codes, work).await?;
    if !room.makes_shortlists() {
        return Ok(());
    }
    let exhaustive = Device::cpu_without_shortlists();
    let (mut room, _) = self::room(&exhaustive, bench.setting)?;
    let work = || device.linear_top_k(x, weight, Some(bias), &mut room, &mut codes);
    bench.time("linear_top_k, no shortlists", *flops, moved.operands + moved.codes, work).await
}

/// A half is half a number to move.
async fn halves(bench: &mut Bench<'_>, product: &Product<'_>) -> Outcome {
    let device = bench.device();
    let &Product { ref x, weight, bias, flops, ref moved } = product;
    let [batch, d] = x.shape();
    let concepts = weight.rows();
    let mut narrow_x = Halves::zeros(&device, batch, d)?;
    let mut narrow_weight = Halves::zeros(&device, concepts, d)?;
    let work = || {
        device.narrow(x, &mut narrow_x);
        device.narrow(weight, &mut narrow_weight);
    };
    bench.time("narrow: X, E", 0.0, 1.5 * moved.operands, work).await?;
    let (x, weight, bias) = (&narrow_x, &narrow_weight, Some(bias));
    let mut pre = bench.zeros(batch, concepts)?;
    let work = || device.gemm_halves(x, weight, bias, &mut pre);
    let values = 0.5 * moved.operands + moved.pre_codes;
    bench.time("gemm_halves: X Eᵀ + b", flops, values, work).await?;
    drop(pre);
    let (mut room, mut codes) = room(&device, bench.setting)?;
    let work = || device.linear_top_k_halves(x, weight, bias, &mut room, &mut codes);
    let values = 0.5 * moved.operands + moved.codes;
    bench.time("linear_top_k_halves", flops, values, work).await
}
