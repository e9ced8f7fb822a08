//! A folder that appears whole or not at all.

use crate::{failure::Outcome, interrupt};
use archetypal::{
    Error, Result,
    explore::atlas::{ENTRIES, Sink},
};
use std::{
    cell::Cell,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A folder in the making. Dropping it without [`Draft::place`] leaves nothing.
pub struct Draft {
    temporary: TempDir,
    files: Cell<u64>,
    bytes: Cell<u64>,
}

impl Draft {
    /// Among the system's temporary folders, for what is needed as long as the program runs.
    #[cfg(feature = "page")]
    pub fn for_now() -> Result<Self> {
        Self::made(&std::env::temp_dir())
    }

    /// Beside `path`, to take its place.
    pub fn beside(path: &Path) -> Result<Self> {
        Self::made(parent(&target(path)))
    }

    fn made(parent: &Path) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".archetypal-").suffix(".part");
        // The usual permissions of a new folder, rather than those of a secret one.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let temporary =
            builder.tempdir_in(parent).map_err(|e| Error::io("make a folder in", parent, e))?;
        Ok(Self { temporary, files: Cell::new(0), bytes: Cell::new(0) })
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// How many files it holds, and their bytes.
    pub fn size(&self) -> (u64, u64) {
        (self.files.get(), self.bytes.get())
    }

    /// Takes files into the folder `within` of it.
    pub fn sink(&self, within: &str) -> DraftSink<'_> {
        DraftSink { root: self.path().join(within), draft: self }
    }

    /// Gives it its name, in place of what was there.
    pub fn place(self, path: &Path) -> Result<()> {
        let path = target(path);
        let failed = |e| Error::io("write", &path, e);
        let old = self.path().with_extension("old");
        let replaces = path.exists();
        if replaces {
            // Renamed, so that the name is free for no longer than it takes to rename the other one.
            fs::rename(&path, &old).map_err(failed)?;
        }
        if let Err(error) = fs::rename(self.path(), &path) {
            if replaces {
                // What was there comes back; if even that fails the first error is the one to tell.
                let _ = fs::rename(&old, &path);
            }
            return Err(failed(error));
        }
        // It has moved: there is nothing left to remove.
        let _ = self.temporary.keep();
        match replaces {
            true => fs::remove_dir_all(&old).map_err(|e| Error::io("remove", &old, e)),
            false => Ok(()),
        }
    }
}

/// What a page has beside its folder `atlas`, whether or not this program holds a page.
const PAGE: [&str; 4] = ["index.html", "icon.svg", "assets", "atlas"];

/// Refuses what is neither free, nor an empty folder, nor an atlas or a page of one and nothing else.
pub fn check_replaceable(path: &Path) -> Outcome {
    if !path.exists() {
        return Ok(());
    }
    let refused = |problem: &str| {
        let hint = "Name a new folder, or one that `archetypal explore` wrote.";
        Err(Error::file(path, problem, hint).into())
    };
    if !path.is_dir() {
        return refused("this is no folder");
    }
    let unreadable = |e| Error::io("read", path, e);
    let entries = fs::read_dir(path).map_err(unreadable)?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
    let ours: &[&str] = if is_atlas(path) {
        &ENTRIES
    } else if is_atlas(&path.join("atlas")) && path.join("index.html").exists() {
        &PAGE
    } else {
        &[]
    };
    // Finder leaves its notes in every folder that somebody looks into.
    let expected = |name: &OsString| name == ".DS_Store" || ours.iter().any(|our| name == our);
    match names.iter().find(|name| !expected(name)) {
        None => Ok(()),
        Some(name) => {
            let name = name.display();
            refused(&format!("this folder holds something else, which is not overwritten: {name}"))
        }
    }
}

/// Whether there is a manifest with what every atlas has in it, and hardly anything else.
fn is_atlas(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path.join("manifest.json")) else { return false };
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    manifest.get("format").is_some() && manifest.get("heat_scale").is_some()
}

/// Through a symbolic link the folder that it names is replaced, not the link.
fn target(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Puts files into a folder that is in the making.
pub struct DraftSink<'a> {
    root: PathBuf,
    draft: &'a Draft,
}

impl DraftSink<'_> {
    /// Copies a file.
    pub fn copy(&mut self, from: &Path, name: &str) -> Result<()> {
        // If something is missing it is the file that is named, not its copy.
        let bytes = fs::read(from).map_err(|e| Error::io("read", from, e))?;
        self.put(name, bytes)
    }
}

impl Sink for DraftSink<'_> {
    fn put(&mut self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let path = self.root.join(name);
        let failed = |e| Error::io("write", &path, e);
        self.go_on()?;
        fs::create_dir_all(parent(&path)).map_err(failed)?;
        fs::write(&path, &bytes).map_err(failed)?;
        let Draft { files, bytes: sum, .. } = self.draft;
        files.set(files.get() + 1);
        sum.set(sum.get() + bytes.len() as u64);
        Ok(())
    }

    fn go_on(&mut self) -> Result<()> {
        let interrupted = || Error::io("write", &self.root, io::ErrorKind::Interrupted.into());
        if interrupt::requested() { Err(interrupted()) } else { Ok(()) }
    }
}
