//! Directories of files, a Dockerfile for them, and a runtime: what several modules' tests begin with.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// One stage that copies `requirements.txt` and `src`, on a base of [`super::Script::default`].
pub(crate) const DOCKERFILE: &str = "FROM python:3.9-slim\nWORKDIR /app\nCOPY requirements.txt ./\n\
                              RUN pip install -r requirements.txt\nCOPY src /app\nCMD python server.py\n";

/// A directory of files: path and content.
pub(crate) fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in files {
        write(directory.path(), path, content);
    }
    directory
}

/// Writes a file, with the directories that it is in.
pub(crate) fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
