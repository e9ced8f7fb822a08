//! The command as a user meets it: the built program is run, and its output, files and exit status are looked at.

mod commands;
mod errors;
#[cfg(feature = "gpu")]
mod gpu;
mod resume;
mod support;
