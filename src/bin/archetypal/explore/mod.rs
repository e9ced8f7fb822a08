//! `archetypal explore`.

mod folder;
mod page;
mod pictures;
#[cfg(feature = "page")]
mod serve;
mod stages;

use crate::{
    Context,
    checkpoint::{self, OverrideArgs},
    eval,
    failure::{Failure, Outcome},
    interrupt,
    options::DataArgs,
    output::{self, Table},
    text,
};
use archetypal::{
    data::{Examples, Grid, Source},
    explore::atlas::{About, atlas},
    human_bytes,
    sae::Sae,
    train::TrainSettings,
};
use folder::Draft;
use serde_json::json;
use stages::Stages;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

const LONG_ABOUT: &str = "\
Look at an SAE: write the explorer page of it, or serve it on this machine

Encodes all rows, finds what there is to see of every concept (the examples that it fires on most, where in a picture, \
its neighbours, the points that its atom is made of), and writes it as an atlas: files that the explorer page reads. With \
--out the page and the atlas become a folder that opens on any static host; otherwise they are served on 127.0.0.1 until \
Ctrl-C.";

/// Data up to this size, as halves, is given along unless the user says otherwise.
const MOST_DATA: u64 = 32 << 20;

/// Look at an SAE: write the explorer page of it, or serve it on this machine
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT)]
pub struct Args {
    /// SAE: a checkpoint of `archetypal train`, or overcomplete's state dict as .safetensors
    #[arg(value_name = "SAE")]
    sae: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// What the rows are of: one JSON object a line with text, image, label or name; a line for each row or, where the
    /// data's metadata has a grid, for each picture. Images are paths relative to this file
    #[arg(long, value_name = "FILE.jsonl")]
    examples: Option<PathBuf>,
    /// Where it goes, a folder; an atlas of before is replaced
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Port of 127.0.0.1 to serve on, 0 for any [default: 7878, or any if that is taken]
    #[arg(long, value_name = "N", conflicts_with = "out")]
    port: Option<u16>,
    /// Write the atlas only, without the page that shows it
    #[arg(long, requires = "out")]
    data_only: bool,
    /// What the page calls it [default: the name of the SAE's file]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Leave out the normalised rows, with which the page encodes what its visitor chooses
    #[arg(long)]
    no_rows: bool,
    /// Give the raw data along, on which the page can train [default: if they take at most 32 MiB]
    #[arg(long, conflicts_with = "no_data")]
    with_data: bool,
    /// Leave out the raw data
    #[arg(long)]
    no_data: bool,
    #[command(flatten)]
    overrides: OverrideArgs,
}

/// What is read.
struct Inputs {
    sae: Sae,
    training: Option<TrainSettings>,
    data: Arc<dyn Source>,
    examples: Option<Examples>,
    /// The cells of a picture, if examples are pictures of several rows.
    grid: Option<Grid>,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    match &args.out {
        Some(out) => write(context, &args, out).await,
        None => serve(context, &args).await,
    }
}

/// Writes a folder.
async fn write(context: &Context, args: &Args, out: &Path) -> Outcome {
    let started = Instant::now();
    if !args.data_only {
        page::check()?;
    }
    args.refuse_inputs_in(out)?;
    folder::check_replaceable(out)?;
    let draft = Draft::beside(out)?;
    let sizes = make(context, args, &draft).await?;
    let size = draft.size();
    draft.place(out)?;
    sizes.tell(context, "out", &out.display().to_string(), size, started)
}

/// Serves the page until Ctrl-C.
#[cfg(feature = "page")]
async fn serve(context: &Context, args: &Args) -> Outcome {
    let started = Instant::now();
    page::check()?;
    // First of all, so that a port that is taken shows at once.
    let door = serve::Door::open(args.port)?;
    let draft = Draft::for_now()?;
    let sizes = make(context, args, &draft).await?;
    sizes.tell(context, "url", &door.url(), draft.size(), started)?;
    context.reporter.note("Open it in a browser; Ctrl-C ends.");
    door.serve(draft.path())
}

/// Without a page there is nothing to serve.
#[cfg(not(feature = "page"))]
async fn serve(_: &Context, _: &Args) -> Outcome {
    page::check()
}

/// How large everything is.
struct Sizes {
    rows: usize,
    concepts: usize,
}

impl Sizes {
    /// Prints what was made, and where it is.
    fn tell(
        &self,
        context: &Context,
        key: &str,
        place: &str,
        (files, bytes): (u64, u64),
        started: Instant,
    ) -> Outcome {
        let Self { rows, concepts } = *self;
        if context.common.json {
            let seconds = started.elapsed().as_secs_f64();
            return output::print_json(&json!({
                key: place, "rows": rows, "concepts": concepts, "files": files, "bytes": bytes, "seconds": seconds,
            }));
        }
        let mut table = Table::new();
        table.row(key, place);
        table.row("rows", text::count(rows as u64)).row("concepts", text::count(concepts as u64));
        table.row("files", format!("{}, {}", text::count(files), human_bytes(bytes)));
        output::print(&table.text(0))
    }
}

/// Makes all that is asked for in `draft`.
async fn make(context: &Context, args: &Args, draft: &Draft) -> Outcome<Sizes> {
    let inputs = args.open(context).await?;
    interrupt::install()?;
    interrupt::listen();
    let made = fill(context, args, &inputs, draft).await;
    if made.is_err() && interrupt::requested() {
        return Err(Failure::Interrupted("interrupted: nothing was written".into()));
    }
    made?;
    Ok(Sizes { rows: inputs.data.rows(), concepts: inputs.sae.settings().nb_concepts })
}

impl Args {
    async fn open(&self, context: &Context) -> Outcome<Inputs> {
        let file = checkpoint::open(&self.sae)?;
        let data = self.data.open()?;
        let grid = data.grid()?;
        let examples = match &self.examples {
            None => None,
            Some(path) => Some(Examples::read(path, data.rows(), grid)?),
        };
        let device = context.device().await?;
        let sae = checkpoint::model(&file, &device, &self.overrides)?;
        self.data.check_width(&*data, sae.settings().input_shape, &self.sae)?;
        Ok(Inputs {
            sae,
            training: file.manifest().and_then(|manifest| manifest.training.clone()),
            grid: examples.as_ref().map_or(grid, Examples::grid),
            data,
            examples,
        })
    }

    fn title(&self) -> String {
        let stem = self.sae.file_stem().unwrap_or(self.sae.as_os_str());
        self.title.clone().unwrap_or_else(|| stem.to_string_lossy().into_owned())
    }

    /// Refuses to replace a folder with what is read in it.
    fn refuse_inputs_in(&self, out: &Path) -> Outcome {
        let Ok(out) = out.canonicalize() else { return Ok(()) };
        let inputs = self.data.data.iter().chain([&self.sae]).chain(&self.examples);
        let within = |path: &&PathBuf| path.canonicalize().is_ok_and(|path| path.starts_with(&out));
        match inputs.into_iter().find(within) {
            None => Ok(()),
            Some(path) => Err(Failure::Usage(format!(
                "{} lies in {}, which would be replaced; name another folder",
                path.display(),
                out.display()
            ))),
        }
    }
}

/// The atlas, beside the page or by itself.
async fn fill(context: &Context, args: &Args, inputs: &Inputs, draft: &Draft) -> Outcome {
    let Inputs { sae, data, .. } = inputs;
    let mut sink = draft.sink(if args.data_only { "" } else { "atlas" });
    if !args.data_only {
        page::put(draft)?;
    }
    let examples = match &inputs.examples {
        None => Vec::new(),
        Some(examples) => pictures::copy(examples, &mut sink)?,
    };
    let title = args.title();
    let bytes = 2 * (data.rows() * data.width()) as u64;
    let about = About {
        examples: &examples,
        grid: inputs.grid,
        training: inputs.training.as_ref(),
        with_rows: !args.no_rows,
        with_data: args.with_data || !args.no_data && bytes <= MOST_DATA,
        ..About::new(&title)
    };
    let loader = eval::pass_loader(sae, data.clone())?;
    let mut stages = Stages::new(&context.reporter);
    atlas(sae, &loader, &about, &mut sink, &mut |progress| stages.at(progress)).await?;
    stages.done();
    Ok(())
}
