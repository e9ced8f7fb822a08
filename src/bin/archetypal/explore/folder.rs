//! A folder that appears whole or not at all.

use crate::{failure::Outcome, interrupt};
use archetypal::{Error, Result, explore::atlas::Sink};
use std::{
    cell::Cell,
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// What every atlas has, and what nothing else is likely to have.
const MANIFEST: &str = "manifest.json";

/// A folder in the making. Dropping it without [`NewFolder::commit`] leaves nothing.
pub struct NewFolder {
    temporary: TempDir,
    /// What it will be called.
    path: PathBuf,
    files: Cell<u64>,
    bytes: Cell<u64>,
}

impl NewFolder {
    /// Made beside `path`, which must be free, an empty folder or an atlas of before.
    pub fn beside(path: &Path) -> Outcome<Self> {
        // Through a symbolic link the folder that it names is replaced, not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        check_replaceable(&path)?;
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let temporary = temporary(Some(parent)).map_err(|e| Error::io("write", &path, e))?;
        Ok(Self { temporary, path, files: Cell::new(0), bytes: Cell::new(0) })
    }

    /// Takes files into the folder `within` of it.
    pub fn sink(&self, within: &str) -> FolderSink<'_> {
        FolderSink { root: self.temporary.path().join(within), folder: self }
    }

    /// Gives it its name, in place of what was there: (files, bytes).
    pub fn commit(self) -> Result<(u64, u64)> {
        let Self { temporary, path, files, bytes } = self;
        let failed = |e| Error::io("write", &path, e);
        if path.exists() {
            // Renamed first, so that the name is free for no longer than it takes to rename the other one.
            let old = temporary.path().with_extension("old");
            fs::rename(&path, &old).map_err(failed)?;
            if let Err(error) = fs::rename(temporary.path(), &path) {
                // What was there comes back; if even that fails the first error is the one to tell.
                let _ = fs::rename(&old, &path);
                return Err(failed(error));
            }
            fs::remove_dir_all(&old).map_err(|e| Error::io("remove", &old, e))?;
        } else {
            fs::rename(temporary.path(), &path).map_err(failed)?;
        }
        // It has moved: there is nothing left to remove.
        let _ = temporary.keep();
        Ok((files.get(), bytes.get()))
    }
}

/// A new folder with the usual permissions, rather than those of a secret one.
fn temporary(parent: Option<&Path>) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".archetypal-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    match parent {
        Some(parent) => builder.tempdir_in(parent),
        None => builder.tempdir(),
    }
}

/// Refuses what is neither free, nor an empty folder, nor an atlas.
fn check_replaceable(path: &Path) -> Outcome {
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
    let mut entries = fs::read_dir(path).map_err(|e| Error::io("read", path, e))?;
    match entries.next().is_none() || is_atlas(path) || is_atlas(&path.join("atlas")) {
        true => Ok(()),
        false => refused("this folder holds something else, which is not overwritten"),
    }
}

fn is_atlas(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path.join(MANIFEST)) else { return false };
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    manifest.get("format").is_some() && manifest.get("heat_scale").is_some()
}

/// Puts files into a folder that is in the making.
pub struct FolderSink<'a> {
    root: PathBuf,
    folder: &'a NewFolder,
}

impl FolderSink<'_> {
    /// Copies a file.
    pub fn copy(&mut self, from: &Path, name: &str) -> Result<()> {
        // The file that is named is the one that is missing, not its copy.
        let bytes = fs::read(from).map_err(|e| Error::io("read", from, e))?;
        self.put(name, bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.root.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)
    }
}

impl Sink for FolderSink<'_> {
    fn put(&mut self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let failed = |e| Error::io("write", self.folder.path.join(name), e);
        if interrupt::requested() {
            return Err(failed(io::ErrorKind::Interrupted.into()));
        }
        self.write(name, &bytes).map_err(failed)?;
        self.folder.files.set(self.folder.files.get() + 1);
        self.folder.bytes.set(self.folder.bytes.get() + bytes.len() as u64);
        Ok(())
    }
}
