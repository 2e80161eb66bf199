//! Where the paths of a suite may lead.
//!
//! A suite may be part of a pull request, and the files that it names are sent to builds and shown in reports. A path
//! that leads out of the repository would publish files of the machine that runs it. Links are resolved first: a suite
//! brings its own. What is outside can be used only if the command line names it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::Diagnose;
use crate::fsx::FileError;
use crate::text::for_people;

/// The directories that the paths of a suite may lead into. All are canonical.
#[derive(Debug, Clone)]
pub struct Boundary {
    /// The repository, or the suite's directory if it is in none.
    home: PathBuf,
    /// What the command line allows as well.
    allowed: Vec<PathBuf>,
}

/// A path of a suite that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoundaryError {
    /// It leads out.
    #[error("`{}` is outside of `{}`", shown(path), shown(home))]
    Outside {
        /// The path with its links resolved.
        path: PathBuf,
        /// The directory that it must be in.
        home: PathBuf,
    },
    /// It could not be resolved.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Diagnose for BoundaryError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Outside { path, .. } => Some(format!(
                "keep it in the repository, or allow it on the command line if you trust the suite: \
                 `--allow-outside {}`",
                shown(path)
            )),
            Self::File(error) => error.hint(),
        }
    }
}

fn shown(path: &Path) -> String {
    for_people(&path.to_string_lossy())
}

impl Boundary {
    /// Around a suite in the directory `root`: its repository, or the directory itself if it is in none, and the paths
    /// that the command line allows.
    pub fn around(root: &Path, allowed: &[PathBuf]) -> Result<Self, FileError> {
        let root = canonical(root)?;
        let home = repository(&root).unwrap_or(&root).to_owned();
        Ok(Self { home, allowed: allowed.iter().map(|path| canonical(path)).collect::<Result<_, _>>()? })
    }

    /// The same around a copy of the repository in `home`.
    pub fn moved(&self, home: &Path) -> Result<Self, FileError> {
        Ok(Self { home: canonical(home)?, allowed: self.allowed.clone() })
    }

    /// The same around another suite, in the directory `root`.
    pub fn around_other(&self, root: &Path) -> Result<Self, FileError> {
        Self::around(root, &self.allowed)
    }

    /// The path with its links resolved, if it does not lead out. The last parts of it need not exist.
    pub fn resolve(&self, path: &Path) -> Result<PathBuf, BoundaryError> {
        let path = resolved(path)?;
        if std::iter::once(&self.home).chain(&self.allowed).any(|inside| path.starts_with(inside)) {
            return Ok(path);
        }
        Err(BoundaryError::Outside { path, home: self.home.clone() })
    }
}

fn canonical(path: &Path) -> Result<PathBuf, FileError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    fs::canonicalize(path).map_err(|source| FileError::new("open", path, source))
}

/// The next directory upwards that is the top of a git work tree. As for git, one of another owner does not count:
/// anybody can make a `.git` in `/tmp` (<https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory>).
fn repository(root: &Path) -> Option<&Path> {
    let owner = fs::metadata(root).ok()?.uid();
    root.ancestors().find(|directory| fs::symlink_metadata(directory.join(".git")).is_ok_and(|git| git.uid() == owner))
}

/// As [`fs::canonicalize`], for paths whose last parts do not exist.
fn resolved(path: &Path) -> Result<PathBuf, FileError> {
    let mut missing = Vec::new();
    let mut there = path;
    loop {
        match canonical(there) {
            Ok(mut found) => {
                found.extend(missing.iter().rev());
                return Ok(found);
            }
            // `x/..` has no name: where that leads to depends on what `x` will be.
            Err(error) => match (error.source.kind(), there.parent(), there.file_name()) {
                (io::ErrorKind::NotFound, Some(parent), Some(name)) => {
                    missing.push(name);
                    there = parent;
                }
                _ => return Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_path_is_judged_where_its_links_lead() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        for directory in ["repository/.git", "repository/suite/a", "repository/shared", "outside/x"] {
            fs::create_dir_all(top.join(directory)).unwrap();
        }
        fs::write(top.join("outside/key"), "secret").unwrap();
        let suite = top.join("repository/suite");
        for (link, target) in [
            ("inside", "../shared"),
            ("out", "../../outside"),
            ("key", "../../outside/key"),
            ("far", "/etc"),
            ("loop", "loop"),
            ("dangling", "../../outside/none"),
        ] {
            symlink(target, suite.join(link)).unwrap();
        }
        let boundary = Boundary::around(&suite, &[]).unwrap();
        for inside in ["", "a", "a/../a", "../shared", "inside", "..", "none", "none/none", "inside/none", "../.git"] {
            let path = boundary.resolve(&suite.join(inside));
            assert!(path.as_ref().is_ok_and(|path| path.starts_with(top.join("repository"))), "{inside}: {path:?}");
        }
        for outside in
            ["../..", "../../outside", "out", "out/x", "key", "far/passwd", "/", "/etc", "out/none", "inside/../.."]
        {
            let error = boundary.resolve(&suite.join(outside)).unwrap_err();
            assert!(matches!(error, BoundaryError::Outside { .. }), "{outside}: {error}");
            assert_eq!(error.exit(), Exit::Unreadable);
        }
        let error = boundary.resolve(&suite.join("out/x")).unwrap_err();
        let path = top.join("outside/x");
        assert!(error.hint().unwrap().contains(&format!("`--allow-outside {}`", path.display())));
        for unknown in ["loop", "none/../../../outside", "none/.."] {
            assert!(matches!(boundary.resolve(&suite.join(unknown)), Err(BoundaryError::File(_))), "{unknown}");
        }
        // What the command line names, and nothing beside it: not what has the same beginning.
        fs::create_dir(top.join("outside/x-ray")).unwrap();
        let boundary = Boundary::around(&suite, &[path, top.join("outside/key")]).unwrap();
        for (path, fine) in [("out/x", true), ("out/x/none", true), ("key", true), ("out", false), ("out/x-ray", false)]
        {
            assert_eq!(boundary.resolve(&suite.join(path)).is_ok(), fine, "{path}");
        }
        assert!(Boundary::around(&suite, &[top.join("none")]).is_err());
    }

    #[test]
    fn without_a_repository_it_is_the_suites_directory() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("suite")).unwrap();
        let boundary = Boundary::around(&dir.path().join("suite"), &[]).unwrap();
        assert!(boundary.resolve(&dir.path().join("suite/a")).is_ok());
        assert!(boundary.resolve(&dir.path().join("a")).is_err());
        // A work tree beside the repository has a file `.git`.
        fs::write(dir.path().join(".git"), "gitdir: /x").unwrap();
        assert!(boundary.around_other(&dir.path().join("suite")).unwrap().resolve(&dir.path().join("a")).is_ok());
    }
}
