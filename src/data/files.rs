//! Writing a file whole or not at all.

use crate::error::{Error, Result};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Writes `path` by way of a temporary file beside it: whoever looks sees the old file or the new one, whole, also
/// after a crash or a loss of power. If anything fails nothing is left behind.
///
/// # Errors
/// [`Error::Io`] if the system refuses, or `write` fails; [`Error::File`] if `path` is a directory or a device.
pub fn write_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let mut file = AtomicFile::create(path.as_ref())?;
    let mut writer = BufWriter::with_capacity(1 << 20, file.file());
    let written = write(&mut writer).and_then(|()| writer.flush());
    drop(writer);
    file.check(written)?;
    file.commit()
}

/// Writes files of these names into `folder`, which is made if its parent is there: each whole or not at all, and none
/// before all are complete. They get their names in the order given.
///
/// # Errors
/// As [`write_atomically`].
pub(crate) fn write_together(folder: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    let made = !folder.exists();
    if made {
        std::fs::create_dir(folder).map_err(|e| Error::io("make the folder", folder, e))?;
    }
    let written = write_all(folder, files);
    if written.is_err() && made {
        // Only an empty folder can be removed, and one that stays does no harm.
        let _ = std::fs::remove_dir(folder);
    }
    written
}

fn write_all(folder: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    let complete = |(name, bytes): &(&str, &[u8])| {
        let mut file = AtomicFile::create(&folder.join(name))?;
        let written = file.file().write_all(bytes);
        file.check(written)?;
        Ok(file)
    };
    let files = files.iter().map(complete).collect::<Result<Vec<_>>>()?;
    files.into_iter().try_for_each(AtomicFile::commit)
}

/// Whether [`write_atomically`] could write `path`, as far as that shows beforehand; nothing is left behind.
///
/// # Errors
/// As [`write_atomically`].
pub fn check_writable(path: impl AsRef<Path>) -> Result<()> {
    AtomicFile::create(path.as_ref()).map(drop)
}

/// A file in the making. Dropping it without [`AtomicFile::commit`] leaves nothing.
pub(super) struct AtomicFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl AtomicFile {
    pub(super) fn create(path: &Path) -> Result<Self> {
        // Through a symbolic link the file that it names is replaced, not the link.
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Ok(metadata) = target.metadata()
            && !metadata.is_file()
        {
            let what = if metadata.is_dir() { "a directory" } else { "not a regular file" };
            return Err(Error::file(path, format!("this is {what}"), "Name a file to write."));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".archetypal-").suffix(".part");
        // The usual permissions of a new file, rather than those of a secret one.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary =
            builder.tempfile_in(directory(&target)).map_err(|e| Error::io("write", path, e))?;
        // A file that is replaced keeps who may read it.
        if let Ok(metadata) = target.metadata() {
            let _ = temporary.as_file().set_permissions(metadata.permissions());
        }
        Ok(Self { temporary, path: target })
    }

    pub(super) fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Where the file will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says which file could not be written.
    pub(super) fn check<T>(&self, result: io::Result<T>) -> Result<T> {
        result.map_err(|e| Error::io("write", &self.path, e))
    }

    /// Makes it durable and gives it its name.
    pub(super) fn commit(self) -> Result<()> {
        self.check(self.temporary.as_file().sync_all())?;
        let Self { temporary, path } = self;
        temporary.persist(&path).map_err(|e| Error::io("write", &path, e.error))?;
        // The name is durable once the directory is; where a file system cannot do that the file is still whole.
        #[cfg(unix)]
        if let Ok(directory) = File::open(directory(&path)) {
            let _ = directory.sync_all();
        }
        Ok(())
    }
}

/// The directory that holds `path`.
pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_a_file_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.bin");
        for content in ["first, longer", "second"] {
            write_atomically(&path, |file| file.write_all(content.as_bytes())).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(entries(directory.path()), ["a.bin"]);
    }

    #[test]
    fn a_failure_keeps_the_old_file_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.bin");
        std::fs::write(&path, "old").unwrap();
        let error = write_atomically(&path, |file| {
            file.write_all(&[0; 3_000_000])?;
            Err(io::Error::other("disk full"))
        })
        .unwrap_err();
        assert!(error.to_string().contains("a.bin: disk full"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(entries(directory.path()), ["a.bin"]);
    }

    #[test]
    fn a_missing_directory_is_an_error_of_that_path() {
        let directory = tempfile::tempdir().unwrap();
        let error = write_atomically(directory.path().join("no/a.bin"), |_| Ok(())).unwrap_err();
        assert!(error.to_string().starts_with("could not write"), "{error}");
        assert!(error.to_string().contains("a.bin"), "{error}");
    }

    #[test]
    fn directories_and_devices_are_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(write_atomically(directory.path(), |_| Ok(())), Err(Error::File { .. })));
        #[cfg(unix)]
        assert!(matches!(write_atomically("/dev/null", |_| Ok(())), Err(Error::File { .. })));
    }

    #[test]
    fn files_of_a_folder_appear_together() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("out");
        let files: [(&str, &[u8]); 2] = [("a", b"first"), ("b", b"second")];
        for _ in 0..2 {
            write_together(&folder, &files).unwrap();
            assert_eq!(entries(&folder), ["a", "b"]);
        }
        assert_eq!(std::fs::read(folder.join("b")).unwrap(), b"second");

        // What cannot be written keeps the others from appearing, and the folder too if there was none.
        let other = directory.path().join("other");
        let files: [(&str, &[u8]); 2] = [("a", b"first"), ("no/b", b"second")];
        write_together(&other, &files).unwrap_err();
        assert!(!other.exists());
        std::fs::create_dir(&other).unwrap();
        write_together(&other, &files).unwrap_err();
        assert_eq!(entries(&other), [""; 0]);
        write_together(&folder.join("a"), &files).unwrap_err();
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_and_has_usual_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        let plain = directory.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomically(&link, |file| file.write_all(b"new")).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&file), mode(&plain));
    }
}
