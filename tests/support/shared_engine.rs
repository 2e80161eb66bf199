//! The engine that tests share, for one test at a time.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::docker::{left_out, loses_contexts};
use crate::holdings::Holdings;

static ENGINE: Mutex<()> = Mutex::new(());

/// The engine for one test alone. A test that leaves anything on it, or takes anything from it, fails when it ends.
pub(crate) struct SharedEngine {
    before: Holdings,
    _lock: MutexGuard<'static, ()>,
}

impl SharedEngine {
    /// Waits until no other test has the engine. Fails where there is none.
    #[must_use]
    pub(crate) fn take() -> Self {
        // A test that failed while it held the engine is not a reason for the next one not to have it.
        let lock = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = Command::new("docker").args(["image", "inspect", "tonnage-tiny/python:3.9"]).output();
        let asked = asked.expect("the docker command line: `make test` installs it");
        assert!(
            asked.status.success(),
            "this test needs a container engine that has the tiny bases: `make test` sees to both\n{}",
            String::from_utf8_lossy(&asked.stderr)
        );
        Self { before: Holdings::now(), _lock: lock }
    }

    /// The same for a test that builds with BuildKit; `None`, which is said, where BuildKit loses the context under it: there
    /// tonnage refuses, as another test sees.
    #[must_use]
    pub(crate) fn take_with_buildkit() -> Option<Self> {
        let engine = Self::take();
        if loses_contexts(None) {
            left_out("this engine cannot build with BuildKit (moby#47717)");
            return None;
        }
        Some(engine)
    }

    /// The same for a test that builds with the builder of that name.
    #[must_use]
    pub(crate) fn take_with(builder: &str) -> Option<Self> {
        if builder == "buildkit" { Self::take_with_buildkit() } else { Some(Self::take()) }
    }
}

impl Drop for SharedEngine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.before.expect_unchanged();
        }
    }
}
