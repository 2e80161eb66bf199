//! A folder of its own for one run of the program, with a state folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A temporary folder in which the program runs.
pub(crate) struct Sandbox {
    dir: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A sandbox that holds a copy of the tiny suite in `suite/`.
    pub(crate) fn with_tiny_suite() -> Self {
        let sandbox = Self::new();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-suite"), &sandbox.path("suite"));
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The program, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tonnage"));
        command.args(arguments).current_dir(self.dir.path()).env("XDG_STATE_HOME", self.path("state"));
        command
    }

    /// The program, not started yet, for the engine at `host`.
    pub(crate) fn command_on(&self, host: &str, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("DOCKER_HOST", host);
        command
    }

    /// Runs the program on the engine at `host` to its end.
    pub(crate) fn run_on(&self, host: &str, arguments: &[&str]) -> Ran {
        Ran::from(self.command_on(host, arguments).output().unwrap())
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }
}

/// How a program ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Fails the test, with all that was printed, unless the program ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless stderr has an `error:` line with each of the words, and a `hint:`.
    #[track_caller]
    pub(crate) fn complains(&self, words: &[&str]) {
        let error = self.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        for word in words {
            assert!(error.contains(word), "no `{word}` in the error:\n{}", self.stderr);
        }
        assert!(self.stderr.lines().any(|line| line.starts_with("hint: ")), "no hint:\n{}", self.stderr);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
