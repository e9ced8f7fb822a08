//! `archetypal demo`.

mod concepts;
mod heat;
mod sets;
mod show;

use crate::{Context, eval, failure::Outcome, kernels, output, text, train};
use archetypal::{
    Device, Error,
    metrics::Evaluation,
    recipe::Ingredients,
    sae::Sae,
    train::{Flow, train_sae},
};
use serde::Serialize;
use sets::{DemoSet, Opened};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Train on the two sets that ship with the program, and show what comes out
///
/// The activations of a vision network on pictures, and of a language network on dictionary entries. For each it
/// trains an SAE, judges it, and shows for a few concepts the pictures or texts that fire most and the points that
/// their atoms are made of. Takes less than a minute on two cores; writes nothing.
#[derive(clap::Args)]
pub struct Args {
    /// Seed of everything that is random
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Folder with the demo data [default: examples/data in the source of the program]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Figures {
    pictures: Evaluation,
    texts: Evaluation,
    seconds: f64,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let started = Instant::now();
    let folder = folder(args.data.as_deref())?;
    let device = context.device().await?;
    context.reporter.note(&format!("on {}", device.name()));
    let pictures = demonstrate(context, &device, &sets::PICTURES, &folder, args.seed).await?;
    let texts = demonstrate(context, &device, &sets::TEXTS, &folder, args.seed).await?;
    let seconds = started.elapsed().as_secs_f64();
    if context.common.json {
        return output::print_json(&Figures { pictures, texts, seconds });
    }
    output::print(&show::next_steps(&folder, started.elapsed()))
}

/// One set, from its file to what its concepts look like.
async fn demonstrate(
    context: &Context,
    device: &Device,
    set: &DemoSet,
    folder: &Path,
    seed: u64,
) -> Outcome<Evaluation> {
    let opened = set.open(folder)?;
    let json = context.common.json;
    if !json {
        output::print(&show::heading(set, &opened))?;
    }
    let sae = trained(context, device, set, &opened, seed).await?;
    let evaluation = eval::evaluation(context, &sae, opened.data.clone()).await?;
    if !json {
        output::print(&format!("\n{}", eval::table(&evaluation)))?;
        let shown = concepts::choose(context, &sae, &opened).await?;
        output::print(&show::concepts(set, &opened, &shown))?;
    }
    Ok(evaluation)
}

async fn trained(
    context: &Context,
    device: &Device,
    set: &DemoSet,
    opened: &Opened,
    seed: u64,
) -> Outcome<Sae> {
    let data = &opened.data;
    let recipe = set.recipe(&**data, seed)?;
    let statistics = train::statistics(context, &**data)?;
    let ingredients = Ingredients::new(data.clone(), recipe.training.normalize, statistics);
    let normalizer = &ingredients.normalizer;
    let points = train::kmeans(context, device, &**data, normalizer, set.points, seed).await?;
    let sae = train::initial(context, device, &recipe, &ingredients, points).await?;
    let loader = recipe.loader(&ingredients)?;
    let mut trainer = recipe.trainer(sae, &ingredients)?;
    kernels::warm_up(context, [&mut trainer]).await?;
    let mut view = context.reporter.training(recipe.training.epochs).brief();
    let started = Instant::now();
    let mut sae = train_sae(trainer, loader, &mut |event| {
        view.event(&event);
        Flow::Continue
    })
    .await?;
    context.reporter.note(&format!(
        "{:<10} {} epochs, {} concepts over {} points ({})",
        "train",
        set.epochs,
        set.concepts,
        set.points,
        text::duration(started.elapsed())
    ));
    sae.eval()?;
    Ok(sae)
}

/// Where the demo data are: as asked, or in the source tree that the program was built from or is run in.
fn folder(asked: Option<&Path>) -> Outcome<PathBuf> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    let program = std::env::current_exe().unwrap_or_default();
    let above = program.ancestors().skip(1).map(|folder| folder.join("examples/data"));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut places = [PathBuf::from("examples/data"), built].into_iter().chain(above);
    places.find(|place| place.join(sets::PICTURES.data).is_file()).ok_or_else(|| {
        let hint = "It comes with the source of archetypal: run `archetypal demo` in a clone of it, or name its \
                    examples/data with --data.";
        Error::file("examples/data", "the demo data are not here", hint).into()
    })
}
