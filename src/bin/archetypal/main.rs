//! The `archetypal` command: train, apply, judge and look at archetypal sparse autoencoders.

mod allocator;
mod bench;
#[cfg(feature = "gpu")]
mod cache;
mod checkpoint;
mod compare;
mod demo;
mod devices;
mod encode;
mod eval;
mod explore;
mod export;
mod failure;
mod html;
mod inspect;
mod interrupt;
mod kernels;
mod memory;
mod options;
mod output;
mod plausibility;
mod points;
mod progress;
mod stability;
mod sweep;
mod text;
mod together;
mod train;
mod unfinished;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, parser::ValueSource};
use failure::Outcome;
use options::Common;
use progress::Reporter;
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Data: one 2-D tensor a file, a row for each activation, as .npy (f16, f32, f64) or .safetensors (f16, bf16, f32, \
f64). Several files, or a folder of them, are shards of one set.

Figures go to stdout, progress and warnings to stderr.
Exit status: 0 done, 1 an error of the data or the run (or interrupted), 2 an error of the command line.";

/// Train and explore archetypal sparse autoencoders on any GPU, or on none
#[derive(Parser)]
#[command(name = "archetypal", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Points(points::Args),
    Train(Box<train::Args>),
    Encode(encode::Args),
    Eval(eval::Args),
    Compare(compare::Args),
    Plausibility(plausibility::Args),
    Stability(Box<stability::Args>),
    Sweep(Box<sweep::Args>),
    Explore(explore::Args),
    Export(export::Args),
    Inspect(inspect::Args),
    Devices(devices::Args),
    Bench(Box<bench::Args>),
}

/// What every subcommand gets besides its own options.
struct Context {
    common: Common,
    reporter: Reporter,
    /// The options that stand on the command line, by the names of their fields.
    given: Vec<String>,
}

impl Context {
    fn new(common: Common, matches: &clap::ArgMatches) -> Self {
        let reporter = Reporter::new(common.quiet);
        let given = match matches.subcommand() {
            None => Vec::new(),
            Some((_, matches)) => {
                let ids = matches.ids().map(|id| id.as_str());
                let given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
                ids.filter(given).map(str::to_owned).collect()
            }
        };
        Self { common, reporter, given }
    }
}

fn main() -> ExitCode {
    allocator::give_large_blocks_back();
    quiet_vulkan();
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.format(&mut Cli::command()).exit(),
    };
    let context = Context::new(cli.common, &matches);
    match pollster::block_on(run(&context, cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Keeps a layer of Mesa, which asks the desktop for its favourite GPU, from complaining on stderr where there is no
/// desktop.
fn quiet_vulkan() {
    if cfg!(target_os = "linux") && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: nothing has run before this, so no other thread reads the environment.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

async fn run(context: &Context, command: Command) -> Outcome {
    context.common.check()?;
    match command {
        Command::Demo(args) => demo::run(context, args).await,
        Command::Points(args) => points::run(context, args).await,
        Command::Train(args) => train::run(context, *args).await,
        Command::Eval(args) => eval::run(context, args).await,
        Command::Compare(args) => compare::run(context, args).await,
        Command::Plausibility(args) => plausibility::run(context, args).await,
        Command::Stability(args) => stability::run(context, *args).await,
        Command::Sweep(args) => sweep::run(context, *args).await,
        Command::Explore(args) => explore::run(context, args).await,
        Command::Export(args) => export::run(context, args).await,
        Command::Encode(args) => encode::run(context, args).await,
        Command::Inspect(args) => inspect::run(context, &args),
        Command::Devices(args) => devices::run(context, &args).await,
        Command::Bench(args) => bench::run(context, *args).await,
    }
}
