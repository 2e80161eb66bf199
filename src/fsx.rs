//! File access with the path in every error, and writes that are whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

pub(crate) use tonnage_image::FileError;

use crate::error::Diagnose;

impl Diagnose for FileError {
    fn hint(&self) -> Option<String> {
        let path = self.path.display();
        Some(match self.source.kind() {
            io::ErrorKind::NotFound => format!("check that `{path}` exists"),
            io::ErrorKind::PermissionDenied => {
                format!("check the permissions of `{path}`, or choose another directory")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                format!("free space on the file system of `{path}`, then run again with `--resume`")
            }
            _ => format!("check `{path}`"),
        })
    }
}

/// A path that does not depend on the current directory; as it is where that one is unknown.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Writes all bytes; a fault of a test leaves half of them, as a full disk does.
fn write_all(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    if let Err(error) = fault::point() {
        file.write_all(&bytes[..bytes.len() / 2])?;
        return Err(error);
    }
    file.write_all(bytes)
}

/// Syncs a file or directory to disk.
fn sync(file: &File) -> io::Result<()> {
    fault::point()?;
    file.sync_all()
}

/// Where a test lets the nth write, sync, or rename of its thread fail.
#[cfg(test)]
pub(crate) mod fault {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        static PASSED: Cell<u64> = const { Cell::new(0) };
        static DUE: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// Lets the operation with this number fail, counted from 0 from now on; `None` lets all succeed.
    pub(crate) fn arm(number: Option<u64>) {
        PASSED.set(0);
        DUE.set(number);
    }

    /// How many operations there were since [`arm`].
    pub(crate) fn passed() -> u64 {
        PASSED.get()
    }

    pub(super) fn point() -> io::Result<()> {
        let number = PASSED.replace(PASSED.get() + 1);
        if DUE.get() == Some(number) { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }
}

#[cfg(not(test))]
mod fault {
    #[expect(clippy::unnecessary_wraps, reason = "the faults of tests are errors")]
    #[inline]
    pub(super) fn point() -> std::io::Result<()> {
        Ok(())
    }
}

/// Bytes of a file that is read as a whole: a record of 1,000 variants has some 100 MB.
const MOST: u64 = 512 << 20;

/// The whole file as bytes. A file that is too large, or a device that has any content, is an error.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let read = || {
        let file = File::open(path)?;
        let kind = file.metadata()?.file_type();
        let most = if kind.is_char_device() || kind.is_block_device() { 0 } else { MOST };
        let mut content = Vec::new();
        if file.take(most + 1).read_to_end(&mut content)? as u64 > most {
            let what = if most == 0 { "it is a device".to_owned() } else { format!("it has more than {most} bytes") };
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        Ok(content)
    };
    read().map_err(|source| FileError::new("read", path, source))
}

/// The whole file as UTF-8 text.
pub(crate) fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read(path)?)
        .map_err(|_| FileError::new("read", path, io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")))
}

/// The file opened for reading.
pub(crate) fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(|source| FileError::new("open", path, source))
}

/// The file opened for adding to it, made where it is missing, and then for its owner alone.
pub(crate) fn open_private(path: &Path) -> Result<File, FileError> {
    let opened = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path);
    opened.map_err(|source| FileError::new("write", path, source))
}

/// Makes the folder and those above it.
pub(crate) fn create_dir_all(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(|source| FileError::new("create", path, source))
}

/// Writes the file so that a reader sees the old content or the new, never a part: a temporary file in the
/// same folder, synced, then renamed over the old one, then the folder synced.
pub(crate) fn write_atomic(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let wrap = |source| FileError::new("write", path, source);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_dir_all(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = folder.join(name);
    let written = (|| {
        // What is there is a leftover, or a link that somebody put there, which is never followed.
        drop(fs::remove_file(&part));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&part)?;
        write_all(&mut file, content)?;
        sync(&file)?;
        fault::point()?;
        fs::rename(&part, path)?;
        sync(&File::open(folder)?)
    })();
    if written.is_err() {
        // The half-written file is worth nothing; the error that matters is the first one.
        drop(fs::remove_file(&part));
    }
    written.map_err(wrap)
}

/// Appends one line of JSON for each value, in one write, and syncs them to disk.
pub(crate) fn append_json<T: serde::Serialize>(file: &mut File, path: &Path, values: &[T]) -> Result<(), FileError> {
    let wrap = |source| FileError::new("write", path, source);
    let mut text = String::new();
    for value in values {
        let line = serde_json::to_string(value).map_err(|error| wrap(io::Error::other(error)))?;
        text.push_str(&crate::json::escaped(&line));
        text.push('\n');
    }
    append(file, path, &text)
}

/// Appends text in one write and syncs it to disk.
pub(crate) fn append(file: &mut File, path: &Path, text: &str) -> Result<(), FileError> {
    let written = write_all(file, text.as_bytes()).and_then(|()| sync(file));
    written.map_err(|source| FileError::new("write", path, source))
}

/// Syncs a folder, so that a file made in it outlives a power cut.
pub(crate) fn sync_dir(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|folder| sync(&folder)).map_err(|source| FileError::new("write", path, source))
}

/// Appends one line (a newline is added) and syncs it to disk. A link is not followed: it may lead out of the results.
pub(crate) fn append_line(path: &Path, line: &str) -> Result<(), FileError> {
    let wrap = |source| FileError::new("write", path, source);
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir_all(parent)?;
    }
    let no_links = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut file = OpenOptions::new().create(true).append(true).custom_flags(no_links).open(path).map_err(wrap)?;
    write_all(&mut file, format!("{line}\n").as_bytes()).map_err(wrap)?;
    sync(&file).map_err(wrap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn no_write_follows_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let theirs = dir.path().join("theirs");
        fs::write(&theirs, "theirs").unwrap();
        let path = dir.path().join("a.json");
        let part = dir.path().join(format!("a.json.{}.part", std::process::id()));
        std::os::unix::fs::symlink(&theirs, &part).unwrap();
        write_atomic(&path, b"one").unwrap();
        assert_eq!(read(&path).unwrap(), b"one");
        let history = dir.path().join("history.jsonl");
        std::os::unix::fs::symlink(&theirs, &history).unwrap();
        assert!(append_line(&history, "line").is_err());
        assert_eq!(read_text(&theirs).unwrap(), "theirs");
    }

    #[test]
    fn an_atomic_write_replaces_the_file_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn errors_name_the_path() {
        let error = read(Path::new("/nonexistent/x")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/x"));
        assert_eq!(error.exit(), Exit::Unreadable);
    }

    #[test]
    fn devices_without_an_end_are_refused_and_empty_ones_are_empty() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("tonnage.toml");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(read(&link).is_err() && read_text(&link).is_err());
        assert_eq!(read(Path::new("/dev/null")).unwrap(), b"");
    }

    #[test]
    fn lines_are_appended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h.jsonl");
        append_line(&path, "a").unwrap();
        append_line(&path, "b").unwrap();
        assert_eq!(read_text(&path).unwrap(), "a\nb\n");
    }
}
