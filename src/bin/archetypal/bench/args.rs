//! The options of `archetypal bench`.

use super::{
    clock::Runs,
    model::Model,
    size::{self, Size},
};
use crate::{
    failure::{Failure, Outcome},
    options::DataArgs,
};
use std::path::PathBuf;

/// Measure how fast training, encoding and every kernel are on this machine, beside what it could do at best
///
/// The roofline is measured in the same run: a large product and a large copy on the same device. A limit is the least
/// time for the floating-point operations and the bytes that a piece of work needs, each operand moved once; a share is
/// limit / median. Rows have a planted sparse structure from a fixed seed, unless --data names some; they are
/// standardised, and points are taken from among them. Steps are those of the reference: its initial values, Adam with
/// a learning rate of 0.0005, gradients clipped to a norm of 1, mean squared error.
#[derive(clap::Args)]
pub struct Args {
    /// Sizes d/K/N/B/k: dimensions, concepts, points, rows in a batch, codes of a row [default:
    /// 384/4096/1024/1024/16,768/10000/2000/1024/20]
    #[arg(long, value_delimiter = ',', value_name = "d/K/N/B/k[,...]")]
    pub sizes: Vec<Size>,
    /// Measure 768/32768/8192/2048/32 too: some minutes, 6 GB of memory [default: --sizes alone]
    #[arg(long)]
    pub large: bool,
    /// The model
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    pub model: Model,
    /// Share of the K codes of a row that jump begins with, above 0 and at most 1: all its thresholds are set so that
    /// the first batch has so many
    #[arg(long, default_value_t = 0.03, value_name = "SHARE")]
    pub l0: f64,
    /// What is measured [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME[,...]")]
    pub what: Vec<What>,
    /// Times that each is run; the median counts
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Rows to train on, all of one width d [default: planted rows]
    #[arg(long, num_args = 1.., value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Tensor to read in .safetensors files that hold several [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,
    /// Write the rows and the points of the first size to this .safetensors file, as `rows` and `points`, and the initial
    /// encoder and thresholds under the reference's names, for other programs to do the same with, and end [default: measure]
    #[arg(long, value_name = "FILE")]
    pub save_data: Option<PathBuf>,
    /// Make all products of the encoder in float32, also where the processor finds the few that count by others: to
    /// compare. Codes differ by rounding at most [default: as few as possible]
    #[arg(long)]
    pub no_shortlists: bool,
    /// Instead of all this, let each of d, K, N, B and k vary around the first size, K up to 65 536, and write time
    /// and memory of a step as a page with plots, or as a picture of these alone if FILE ends in .svg [default: one size at a
    /// time]
    #[arg(long, value_name = "FILE")]
    pub scaling: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// The device at its best; without it there are no limits
    Roofline,
    /// A whole step of training, and its time by operation
    Step,
    /// Codes of a batch
    Encode,
    /// The selection alone
    TopK,
    /// Seeds and an iteration
    KMeans,
    /// Every operation of a step by itself
    Kernels,
}

impl Args {
    /// Those named, or the usual ones.
    pub fn sizes(&self) -> Vec<Size> {
        let mut sizes = self.sizes.clone();
        if sizes.is_empty() {
            sizes.extend(size::USUAL);
        }
        if self.large && !sizes.contains(&size::LARGE) {
            sizes.push(size::LARGE);
        }
        sizes
    }

    /// Whether `what` is to be measured.
    pub fn wants(&self, what: What) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }

    /// The user's rows.
    pub fn data(&self) -> Option<DataArgs> {
        let Self { data, tensor, .. } = self;
        (!data.is_empty()).then(|| DataArgs { data: data.clone(), tensor: tensor.clone() })
    }

    /// How often each thing is run.
    pub fn runs(&self) -> Runs {
        Runs { warm_up: 2, timed: self.runs as usize }
    }

    /// Refuses options that do not go together.
    pub fn check(&self) -> Outcome {
        if !(self.l0 > 0.0 && self.l0 <= 1.0) {
            let problem =
                format!("--l0 is {}, but a share of the codes is above 0 and at most 1", self.l0);
            return Err(Failure::Usage(problem));
        }
        if self.tensor.is_some() && self.data.is_empty() {
            return Err(Failure::Usage(
                "--tensor names a tensor of --data, which is not given".into(),
            ));
        }
        if self.scaling.is_some() && !self.data.is_empty() {
            let problem = "--scaling takes planted rows, for their width varies: leave out --data";
            return Err(Failure::Usage(problem.into()));
        }
        Ok(())
    }
}
