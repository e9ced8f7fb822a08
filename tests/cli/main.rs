//! The command as a user meets it: the built program is run, and its output, files and exit status are looked at.

mod commands;
mod errors;
mod export;
#[cfg(feature = "gpu")]
mod gpu;
mod many;
mod parts;
mod resume;
mod support;
