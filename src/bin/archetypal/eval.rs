//! `archetypal eval`.

use crate::{
    Context,
    checkpoint::{self, OverrideArgs},
    failure::Outcome,
    options::DataArgs,
    output, text,
};
use archetypal::{
    data::{Loader, Shuffle, Source},
    metrics::{DEFINITIONS, Evaluation, evaluate},
    sae::Sae,
};
use std::{fmt::Write, path::PathBuf, sync::Arc};

/// Judge an SAE on activations: reconstruction, sparsity, and what its dictionary is like
#[derive(clap::Args)]
#[command(after_long_help = definitions())]
pub struct Args {
    /// SAE: a checkpoint of `archetypal train`, or overcomplete's state dict as .safetensors
    #[arg(value_name = "SAE")]
    sae: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    overrides: OverrideArgs,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let file = checkpoint::open(&args.sae)?;
    let data = args.data.open()?;
    let device = context.device().await?;
    let sae = checkpoint::model(&file, &device, &args.overrides)?;
    args.data.check_width(&*data, sae.settings().input_shape, &args.sae)?;
    let evaluation = evaluation(context, &sae, data).await?;
    match context.common.json {
        true => output::print_json(&evaluation),
        false => output::print(&table(&evaluation)),
    }
}

/// Evaluates on all of `data`, telling of progress.
pub async fn evaluation(
    context: &Context,
    sae: &Sae,
    data: Arc<dyn Source>,
) -> Outcome<Evaluation> {
    let task = context.reporter.task("evaluate", data.rows() as u64);
    let loader = pass_loader(sae, data)?;
    let evaluation = evaluate(sae, &loader, &mut |rows| task.at(rows as u64)).await?;
    task.done(&format!("{} rows", text::count(evaluation.rows as u64)));
    Ok(evaluation)
}

/// Batches of all rows in the order of the files, normalised for `sae`.
pub fn pass_loader(sae: &Sae, data: Arc<dyn Source>) -> Outcome<Loader> {
    let normalizer = Arc::new(sae.normalizer().clone());
    Ok(Loader::new(data, normalizer, Shuffle::none(), output::batch_rows(sae.settings()))?)
}

/// A line a figure, with what it is.
pub fn table(evaluation: &Evaluation) -> String {
    let optional = |x: Option<f64>| x.map_or("undefined".into(), text::figure);
    let e = evaluation;
    let rows = [
        ("r2", optional(e.r2), "R², mean of each dimension taken out"),
        ("r2_scalar_mean", optional(e.r2_scalar_mean), "R², one mean over all (overcomplete's)"),
        ("mse", text::figure(e.mse), "mean squared error"),
        ("l0", text::figure(e.l0), "active codes a row"),
        ("dead_share", text::figure(e.dead_share), "concepts that never fire"),
        ("coherence", text::figure(e.coherence), "largest |cosine| of two atoms"),
        ("ood", text::figure(e.ood), "1 − cosine of an atom to its nearest row"),
        ("max_weight_mean", optional(e.max_weight_mean), "an atom's largest weight on a point"),
        ("weight_entropy_mean", optional(e.weight_entropy_mean), "entropy of its weights, nats"),
        (
            "relaxation_ratio_mean",
            optional(e.relaxation_ratio_mean),
            "‖R‖/δ: 0 in the hull, 1 at the rim",
        ),
        ("multiplier", text::figure(e.multiplier), "scale eᵐ of the dictionary"),
    ];
    let mut out = format!("{:22} {:>10}\n", "rows", text::count(e.rows as u64));
    for (name, value, what) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:22} {value:>10}  {what}");
    }
    out += "density_quantiles      share of rows in which a concept fires, over the concepts\n";
    let (mut quantiles, mut shares) = (String::from("  quantile"), String::from("  share   "));
    for [q, share] in &e.density_quantiles {
        let _ = write!(quantiles, " {q:>8}");
        let _ = write!(shares, " {:>8}", text::percent(*share));
    }
    out + &quantiles + "\n" + &shares + "\n"
}

/// What every figure means, for --help.
fn definitions() -> String {
    let mut out = String::from(
        "Figures, by their names in --json; all of them in the space of the normalised data, x̂ being the reconstruction \
         of a row x, z its codes, W_i and R_i the mixing weights and the relaxation of atom i, δ the radius of the \
         relaxation:\n",
    );
    for (name, definition) in DEFINITIONS {
        let _ = write!(out, "\n  {name}\n      {definition}\n");
    }
    out
}
