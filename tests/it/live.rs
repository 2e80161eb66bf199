//! The real engine, one test at a time, and what it holds.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

static ENGINE: Mutex<()> = Mutex::new(());

/// The engine for this test alone; `None` where live tests are off, which is said.
#[must_use]
pub(crate) fn engine(test: &str) -> Option<MutexGuard<'static, ()>> {
    if std::env::var("TONNAGE_TEST_LIVE").as_deref() != Ok("1") {
        println!("LEFT OUT: `{test}` needs a container engine; `make test` runs it");
        return None;
    }
    // A test that failed while it held the engine is no reason for the next one not to have it.
    Some(ENGINE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether a program that a test needs is there. `make test` installs it; elsewhere it is said that the test is left out.
#[must_use]
pub(crate) fn has(program: &str, test: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        assert_ne!(std::env::var("TONNAGE_TEST_LIVE").as_deref(), Ok("1"), "`{program}` is missing");
        println!("LEFT OUT: `{test}` needs `{program}`; `make test` runs it");
    }
    found
}

/// Ids of everything on the engine, asked through the docker command line and the plain API: not through our code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    images: BTreeSet<String>,
    tags: BTreeSet<String>,
    containers: BTreeSet<String>,
    cache: BTreeSet<String>,
}

impl Holdings {
    pub(crate) fn now() -> Self {
        Self {
            images: lines(&["images", "--all", "--quiet", "--no-trunc"]),
            tags: lines(&["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", "--filter", "dangling=false"]),
            containers: lines(&["ps", "--all", "--quiet", "--no-trunc"]),
            cache: cache_records(),
        }
    }

    /// Fails the test unless the engine holds now what it held then.
    #[track_caller]
    pub(crate) fn expect_unchanged(&self) {
        let now = Self::now();
        for (what, before, after) in [
            ("images", &self.images, &now.images),
            ("tags", &self.tags, &now.tags),
            ("containers", &self.containers, &now.containers),
            ("cache records", &self.cache, &now.cache),
        ] {
            let more: Vec<_> = after.difference(before).collect();
            let less: Vec<_> = before.difference(after).collect();
            assert!(more.is_empty() && less.is_empty(), "{what}: left behind {more:?}, gone {less:?}");
        }
    }
}

/// What the docker command line prints.
pub(crate) fn docker(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("docker").args(arguments).output().expect("the docker command line");
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn lines(arguments: &[&str]) -> BTreeSet<String> {
    String::from_utf8(docker(arguments)).unwrap().lines().map(str::to_owned).collect()
}

fn cache_records() -> BTreeSet<String> {
    let format = "{{range .BuildCache}}{{.ID}}\n{{end}}";
    lines(&["system", "df", "--verbose", "--format", format]).into_iter().filter(|line| !line.is_empty()).collect()
}
