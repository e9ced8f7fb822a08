//! How a command ends when it does not succeed: its message and its exit status.

use archetypal::Error;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// What a command returns.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    /// The library's reason.
    Error(Error),
    /// The options do not go together.
    Usage(String),
    /// The library's reason, and what else there is to know of it.
    Told(String),
    /// The user stopped it; what there is to know.
    Interrupted(String),
    /// Nobody reads the output any more.
    Closed,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Failure {
    /// An error of writing to stdout.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Error(Error::io("write to", "stdout", error)),
        }
    }
}

impl Failure {
    /// The library's reason, of one model among several.
    pub fn of_model(name: &str, error: Error) -> Self {
        Self::Told(format!("{name}: {error}"))
    }

    /// 1 for an error of the data or the run, 2 for one of the command line.
    fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Error(Error::Setting { .. }) | Self::Usage(_) => 2,
            Self::Error(_) | Self::Told(_) | Self::Interrupted(_) => 1,
        }
    }

    /// Says on stderr what happened.
    pub fn report(self) -> ExitCode {
        let message = match &self {
            Self::Closed => String::new(),
            Self::Error(error) => format!("error: {}\n", error.to_string().trim_end()),
            Self::Told(message) | Self::Usage(message) => format!("error: {message}\n"),
            Self::Interrupted(message) => format!("{message}\n"),
        };
        // Where stderr is closed there is nobody to tell.
        let _ = io::stderr().write_all(message.as_bytes());
        ExitCode::from(self.code())
    }
}
