//! Files below one folder, opened so that nothing in it leads out of it.
//!
//! What lies in a layer's folder was named by whoever made the image. Each part of a path is opened for itself, from
//! the folder before it, and no link is followed: a symlink on the way is an error, whatever it points at.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};

/// Folders inside folders that are held open, and so the deepest path that is read; Linux allows paths of 4,096 bytes,
/// a process often no more than 1,024 open files.
const DEEPEST: usize = 256;

/// A folder, and the chain of folders in it that were opened last: a tar goes through a tree, so the next file is near.
pub(super) struct Folder {
    root: OwnedFd,
    open: Vec<(Vec<u8>, OwnedFd)>,
}

impl Folder {
    /// Opens the folder itself; its own path may lead through links, for it is not the image's.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let root = openat(rustix::fs::CWD, path, FOLDER, Mode::empty())?;
        Ok(Self { root, open: Vec::new() })
    }

    /// Opens a regular file and tells its length; `path` has no empty parts, no `.` and no `..`.
    pub(super) fn file(&mut self, path: &[u8]) -> io::Result<(File, u64)> {
        let mut parts: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
        let name = parts.pop().unwrap_or_default();
        let parent = self.folder(&parts)?;
        // Without waiting: opening a pipe would block until someone writes to it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(parent, name, flags, Mode::empty())?);
        let found = file.metadata()?;
        if found.is_file() {
            Ok((file, found.len()))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
        }
    }

    fn folder(&mut self, parts: &[&[u8]]) -> io::Result<&OwnedFd> {
        if parts.len() > DEEPEST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it lies too deep"));
        }
        let common = self.open.iter().zip(parts).take_while(|((name, _), part)| name == *part).count();
        self.open.truncate(common);
        for part in &parts[common..] {
            let above = self.open.last().map_or(&self.root, |(_, folder)| folder);
            let folder = openat(above, *part, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
            self.open.push((part.to_vec(), folder));
        }
        Ok(self.open.last().map_or(&self.root, |(_, folder)| folder))
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_found_and_nothing_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("inside");
        fs::create_dir_all(inside.join("a/b")).unwrap();
        fs::write(inside.join("a/b/f"), "content").unwrap();
        fs::write(inside.join("top"), "t").unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        symlink("../secret", inside.join("link")).unwrap();
        symlink("..", inside.join("up")).unwrap();
        symlink("a", inside.join("same")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            inside.join("pipe"),
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let mut folder = Folder::open(&inside).unwrap();
        for _ in 0..2 {
            for (path, content) in [("a/b/f", "content"), ("top", "t")] {
                let mut text = String::new();
                folder.file(path.as_bytes()).unwrap().0.read_to_string(&mut text).unwrap();
                assert_eq!(text, content);
            }
        }
        for path in ["link", "up/secret", "same/b/f", "a/b", "a", "gone", "top/x", "pipe", "", "a\0b"] {
            assert!(folder.file(path.as_bytes()).is_err(), "{path}");
        }
        let deep = vec!["a"; DEEPEST + 2].join("/");
        assert!(folder.file(deep.as_bytes()).unwrap_err().to_string().contains("too deep"));
        // A link to the folder itself is whoever runs the engine's own.
        symlink(&inside, dir.path().join("store")).unwrap();
        assert!(Folder::open(&dir.path().join("store")).unwrap().file(b"top").is_ok());
    }
}
