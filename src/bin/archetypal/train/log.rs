//! The JSONL log of events.

use archetypal::{Error, Result, train::Event};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Whether the log can be written; what is in it stays.
pub fn check(path: &Path) -> Result<()> {
    let open = OpenOptions::new().create(true).append(true).open(path);
    open.map(drop).map_err(|e| Error::io("write", path, e))
}

/// A file that every event is written to as one line, at once; nothing without a file.
pub struct EventLog {
    file: Option<(File, PathBuf)>,
    monitoring: u8,
}

impl EventLog {
    /// Opens `path`: anew, or to go on with a run from its `resumed` checkpoint, a file and its step, after which steps are
    /// written again. At monitoring 0 neither steps nor epochs are written.
    pub fn open(
        path: Option<&Path>,
        resumed: Option<(&Path, u64)>,
        monitoring: u8,
    ) -> Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None, monitoring }) };
        let mut options = OpenOptions::new();
        options.create(true);
        let file = match resumed {
            // A pipe or a terminal has nothing to go on from.
            Some(checkpoint) if path.is_file() => {
                cut(path, checkpoint).and_then(|()| options.append(true).open(path))
            }
            _ => options.write(true).truncate(true).open(path),
        };
        let file = file.map_err(|e| Error::io("write", path, e))?;
        Ok(Self { file: Some((file, path.to_owned())), monitoring })
    }

    /// Writes nothing from now on.
    pub fn close(&mut self) {
        self.file = None;
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

/// Takes from the log of a run that goes on what it would have twice: a line that was cut short, and the steps after the checkpoint,
/// which a killed run leaves behind.
fn cut(path: &Path, checkpoint: (&Path, u64)) -> io::Result<()> {
    let text = std::fs::read(path)?;
    let kept = kept(&text, checkpoint);
    if kept < text.len() {
        OpenOptions::new().write(true).open(path)?.set_len(kept as u64)?;
    }
    Ok(())
}

/// How many bytes stay.
fn kept(text: &[u8], (file, step): (&Path, u64)) -> usize {
    let file = file.display().to_string();
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let (mut at, mut after_checkpoint, mut kept) = (0, false, whole);
    for line in text[..whole].split_inclusive(|&byte| byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(Line::Checkpoint { step: saved, path }) if saved == step && path == file => {
                (after_checkpoint, kept) = (true, whole);
            }
            Ok(Line::Step {}) if after_checkpoint => (after_checkpoint, kept) = (false, at),
            _ => {}
        }
        at += line.len();
    }
    kept
}

/// What tells where a line belongs.
#[derive(serde::Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line {
    Step {},
    Checkpoint {
        step: u64,
        path: String,
    },
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, step: u64) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        std::fs::write(&path, text).unwrap();
        drop(EventLog::open(Some(&path), Some((Path::new("a"), step)), 1).unwrap());
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn what_a_killed_run_wrote_after_its_checkpoint_goes() {
        let before = "{\"event\":\"step\",\"step\":8}\n{\"event\":\"checkpoint\",\"step\":9,\"path\":\"a\"}\n";
        let done = "{\"event\":\"done\",\"steps\":9}\n";
        let later = "{\"event\":\"step\",\"step\":9}\n{\"event\":\"step\",\"step\":10}\n";
        assert_eq!(after(&format!("{before}{later}{{\"event\":\"st"), 9), before);
        assert_eq!(after(&format!("{before}{done}"), 9), format!("{before}{done}"));
        // Resumed twice from the same step.
        let twice = format!("{before}{later}{before}");
        assert_eq!(after(&format!("{twice}{later}"), 9), twice);
        // Of another run, or of one without checkpoints, only a line that was cut short goes.
        let other = format!("{}{later}", before.replace("\"a\"", "\"b\""));
        assert_eq!(after(&other, 9), other);
        assert_eq!(after(&format!("{later}{{\"ev"), 5), later);
        assert_eq!(after("", 5), "");
    }
}
