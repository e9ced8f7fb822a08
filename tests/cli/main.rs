//! The command as a user meets it: the built program is run, and its output, files and exit status are looked at.

mod bench;
mod commands;
mod errors;
mod explore;
mod export;
#[cfg(feature = "gpu")]
mod gpu;
mod many;
#[cfg(feature = "page")]
mod page;
mod parts;
mod plausibility;
mod resume;
#[cfg(unix)]
mod stopped;
mod support;
