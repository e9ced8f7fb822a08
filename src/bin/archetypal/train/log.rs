//! The JSONL log of events.

use archetypal::{Error, Result, train::Event};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// Whether the log can be written; what is in it stays.
pub fn check(path: &Path) -> Result<()> {
    EventLog::open(Some(path), true, 1).map(drop)
}

/// A file that every event is written to as one line, at once; nothing without a file.
pub struct EventLog {
    file: Option<(File, PathBuf)>,
    monitoring: u8,
}

impl EventLog {
    /// Opens `path`: to append to if the run is resumed, else anew. At monitoring 0 neither steps nor epochs are
    /// written.
    pub fn open(path: Option<&Path>, resumed: bool, monitoring: u8) -> Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None, monitoring }) };
        let mut options = OpenOptions::new();
        options.create(true);
        if resumed {
            options.append(true);
        } else {
            options.write(true).truncate(true);
        }
        let file = options.open(path).map_err(|e| Error::io("write", path, e))?;
        Ok(Self { file: Some((file, path.to_owned())), monitoring })
    }

    /// Writes one line. Figures that are not finite become null.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        let silent = self.monitoring == 0;
        if silent && matches!(event, Event::Step { .. } | Event::Epoch { .. }) {
            return Ok(());
        }
        let Some((file, path)) = &mut self.file else { return Ok(()) };
        let mut line = serde_json::to_vec(event).expect("an event is plain data");
        line.push(b'\n');
        file.write_all(&line).map_err(|e| Error::io("write", &*path, e))
    }
}
