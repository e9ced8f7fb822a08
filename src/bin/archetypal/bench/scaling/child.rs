//! A step of one size in a process of its own, so that its peak memory is nobody else's.

use super::super::{Args, clock::Time, cost::Fill, size::Size};
use crate::{
    Context,
    failure::{Failure, Outcome},
    options::{BackendChoice, Common},
};
use archetypal::{Error, train::Path};
use clap::ValueEnum;
use serde::Deserialize;
use std::process::Command;

/// What the process says of its step.
#[derive(Deserialize)]
pub struct Said {
    pub seconds: Time,
    pub path: Path,
    pub codes: Fill,
    pub memory: Option<u64>,
}

#[derive(Deserialize)]
struct Report {
    sizes: Vec<Sized>,
}

#[derive(Deserialize)]
struct Sized {
    step: Said,
}

/// Runs this program once more, for a step of `size` only.
pub fn step(context: &Context, args: &Args, size: Size) -> Outcome<Said> {
    let program =
        std::env::current_exe().map_err(|error| Error::io("find", "this program", error))?;
    let Common { backend, adapter, .. } = &context.common;
    let mut command = Command::new(&program);
    command.args(["bench", "--what", "step", "--json", "--quiet", "--sizes", &size.to_string()]);
    command.args(["--runs", &args.runs.to_string(), "--l0", &args.l0.to_string()]);
    if args.no_shortlists {
        command.arg("--no-shortlists");
    }
    command.args(["--model", &name(args.model), "--backend", &name::<BackendChoice>(*backend)]);
    if let Some(adapter) = adapter {
        command.args(["--adapter", adapter]);
    }
    let output = command.output().map_err(|error| Error::io("run", &program, error))?;
    if !output.status.success() {
        let problem = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let (device, hint) = (format!("a step of size {size}"), String::new());
        return Err(Failure::Error(Error::Device { device, problem, hint }));
    }
    let report: Report = serde_json::from_slice(&output.stdout).expect("this program's own report");
    Ok(report.sizes.into_iter().next().expect("one size was asked for").step)
}

/// As it is written on the command line.
fn name<T: ValueEnum>(value: T) -> String {
    value.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned())
}
