//! `archetypal explore`.

mod args;
mod folder;
mod page;
mod pictures;
#[cfg(feature = "page")]
mod serve;
mod stages;

pub use args::Args;

use crate::{
    Context, eval,
    failure::{Failure, Outcome},
    interrupt,
    output::{self, Table},
    text,
};
use archetypal::{
    explore::atlas::{About, atlas},
    human_bytes,
};
use args::Inputs;
use folder::Draft;
use serde_json::json;
use stages::Stages;
use std::{path::Path, time::Instant};

/// Data up to this size, as halves, is given along unless the user says otherwise.
const MOST_DATA: u64 = 32 << 20;

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
