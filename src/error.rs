//! One error type: each variant is a cause, and says what was asked, what is allowed and what to do.

use std::path::PathBuf;

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong. The message is meant for the person who runs the program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of its range, or unknown.
    #[error("{setting} is {got}, but must be {allowed}. {hint}")]
    Setting {
        /// Name of the setting as the user writes it.
        setting: &'static str,
        /// What was given.
        got: String,
        /// What is allowed.
        allowed: String,
        /// What to do about it.
        hint: String,
    },

    /// A tensor does not have the shape that its place asks for.
    #[error("{what} has shape {got:?}, expected {expected:?}. {hint}")]
    Shape {
        /// Which tensor.
        what: String,
        /// Its shape.
        got: Vec<usize>,
        /// The shape that its place asks for.
        expected: Vec<usize>,
        /// What to do about it.
        hint: String,
    },

    /// A value in the data is NaN or infinite.
    #[error(
        "{file}: row {row}, column {column} is {value} as a float32; every value must be finite. \
         Remove or repair that row and run again."
    )]
    NotFinite {
        /// File, or description of the source.
        file: String,
        /// Row within the file, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value found.
        value: f32,
    },

    /// There is nothing to work on.
    #[error("{what} holds no rows; at least one is needed. {hint}")]
    Empty {
        /// The source without rows.
        what: String,
        /// What to do about it.
        hint: String,
    },

    /// A file is not what it should be: truncated, of another format, or without what is needed.
    #[error("{path}: {problem}. {hint}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        hint: String,
    },

    /// The operating system refused to read or write.
    #[error("could not {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried, as a verb: "read", "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason given.
        source: std::io::Error,
    },

    /// More memory is needed than the device or the machine has.
    #[error("{what} needs {needed}, but {limit_name} is {limit}. {hint}")]
    TooLarge {
        /// What was to be stored.
        what: String,
        /// How much it takes, in words.
        needed: String,
        /// Which limit.
        limit_name: String,
        /// How much there is, in words.
        limit: String,
        /// What to lower.
        hint: String,
    },

    /// No device of the kind that was asked for.
    #[error("no usable device: {problem}. {hint}")]
    NoDevice {
        /// What was looked for and not found.
        problem: String,
        /// What to do about it.
        hint: String,
    },

    /// The device reported a fault while it worked: lost, out of memory, or a rejected command.
    #[error("the device {device} failed: {problem}. {hint}")]
    Device {
        /// Its name.
        device: String,
        /// What the driver said.
        problem: String,
        /// What to do about it.
        hint: String,
    },

    /// The loss or the gradient is no longer a number.
    #[error(
        "the loss became {loss} at step {step} (epoch {epoch}, gradient norm {grad_norm}). {hint}"
    )]
    Diverged {
        /// Step, from 0, counted over the whole run.
        step: u64,
        /// Epoch, from 0.
        epoch: u64,
        /// The loss of that step.
        loss: f32,
        /// The gradient norm before clipping.
        grad_norm: f32,
        /// What to do about it.
        hint: String,
    },
}

impl Error {
    /// An [`Error::Setting`] from displayable parts.
    pub fn setting(
        setting: &'static str,
        got: impl ToString,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Setting { setting, got: got.to_string(), allowed: allowed.into(), hint: hint.into() }
    }

    /// An [`Error::File`] from displayable parts.
    pub fn file(
        path: impl Into<PathBuf>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::File { path: path.into(), problem: problem.into(), hint: hint.into() }
    }

    /// An [`Error::Io`] for `action` ("read", "write") on `path`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }

    /// An [`Error::Shape`] from its parts.
    pub fn shape(
        what: impl Into<String>,
        got: &[usize],
        expected: &[usize],
        hint: impl Into<String>,
    ) -> Self {
        Self::Shape {
            what: what.into(),
            got: got.to_vec(),
            expected: expected.to_vec(),
            hint: hint.into(),
        }
    }
}

/// `bytes` for people: "1.5 GiB".
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
