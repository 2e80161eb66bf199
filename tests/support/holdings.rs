//! What an engine holds, to compare before and after.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::docker::{docker_on, left_out};

/// Build-cache records that the engine will not let go of until it is restarted.
static STUCK: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// How often it is asked whether it lets go of them, every quarter of a second.
const PATIENCE: u32 = 120;

/// Ids of everything on the engine, asked through the docker command line and the plain API: not through our code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    host: Option<String>,
    images: BTreeSet<String>,
    tags: BTreeSet<String>,
    containers: BTreeSet<String>,
    networks: BTreeSet<String>,
    cache: BTreeSet<String>,
}

impl Holdings {
    pub(crate) fn now() -> Self {
        Self::on(None)
    }

    /// What the engine at `host` holds; `None` is the one that all tests share.
    pub(crate) fn on(host: Option<&str>) -> Self {
        let lines = |arguments: &[&str]| lines(host, arguments);
        let format = "{{range .BuildCache}}{{.ID}}\n{{end}}";
        let mut cache = lines(&["system", "df", "--verbose", "--format", format]);
        let stuck = STUCK.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|id| !id.is_empty() && !stuck.contains(id));
        Self {
            host: host.map(str::to_owned),
            images: lines(&["images", "--all", "--quiet", "--no-trunc"]),
            tags: lines(&["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", "--filter", "dangling=false"]),
            containers: lines(&["ps", "--all", "--quiet", "--no-trunc"]),
            // By name: the bridge has another id each time an engine starts.
            networks: lines(&["network", "ls", "--format", "{{.Name}}"]),
            cache,
        }
    }

    /// What is held without a name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.tags.retain(|tag| tag.split(' ').next() != Some(name));
        self
    }

    /// The same, build-cache records left out.
    #[track_caller]
    pub(crate) fn expect_objects_unchanged(&self) {
        let cache = self.cache.clone();
        self.expect(&Self { cache, ..Self::on(self.host.as_deref()) });
    }

    /// Fails the test unless the engine holds now what it held then.
    #[track_caller]
    pub(crate) fn expect_unchanged(&self) {
        self.expect(&self.once_the_engine_lets_go());
    }

    #[track_caller]
    fn expect(&self, now: &Self) {
        for (what, before, after) in [
            ("images", &self.images, &now.images),
            ("tags", &self.tags, &now.tags),
            ("containers", &self.containers, &now.containers),
            ("networks", &self.networks, &now.networks),
            ("cache records", &self.cache, &now.cache),
        ] {
            let more: Vec<_> = after.difference(before).collect();
            let less: Vec<_> = before.difference(after).collect();
            assert!(more.is_empty() && less.is_empty(), "{what}: left behind {more:?}, gone {less:?}");
        }
    }

    /// What the engine holds, without build-cache records that it uses for ever: Docker 20.10 does not always let go of
    /// those of a build that was stopped at a bad moment, and nobody can remove them then. What it lets go of late was
    /// left behind.
    fn once_the_engine_lets_go(&self) -> Self {
        let mut now = Self::on(self.host.as_deref());
        for _ in 0..PATIENCE {
            let mut more = now.cache.difference(&self.cache).peekable();
            // The command line marks what is in use by a star.
            if more.peek().is_none() || !more.all(|id| id.ends_with('*')) {
                return now;
            }
            std::thread::sleep(Duration::from_millis(250));
            now = Self::on(self.host.as_deref());
        }
        let stuck: BTreeSet<String> = now.cache.difference(&self.cache).cloned().collect();
        left_out(&format!("build-cache records of a stopped build that the engine does not let go of: {stuck:?}"));
        now.cache.retain(|id| !stuck.contains(id));
        STUCK.lock().unwrap_or_else(PoisonError::into_inner).extend(stuck);
        now
    }
}

fn lines(host: Option<&str>, arguments: &[&str]) -> BTreeSet<String> {
    String::from_utf8(docker_on(host, arguments)).unwrap().lines().map(str::to_owned).collect()
}
