//! Ctrl-C: the first one lets the command finish what it is at, the second one ends it.

use crate::failure::Failure;
use archetypal::Error;
use std::{
    process,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

/// Whether there is something to finish.
static LISTENING: AtomicBool = AtomicBool::new(false);
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Installs the handler. Until [`listen`] is called Ctrl-C ends the program at once, for nothing is lost.
pub fn install() -> Result<(), Failure> {
    let handler = || {
        if !LISTENING.load(SeqCst) || REQUESTED.swap(true, SeqCst) {
            process::exit(1);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| {
        let error = std::io::Error::other(error);
        Failure::Error(Error::io("listen to", "Ctrl-C", error))
    })
}

/// From now on the first Ctrl-C only sets [`requested`].
pub fn listen() {
    LISTENING.store(true, SeqCst);
}

/// Whether the user asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(SeqCst)
}
