//! What `tonnage doctor` says: what engine, builders, base images, disk and quiet there are; what is missing, and the
//! command that gets it.

use serde::Serialize;
use serde_json::{Value, json};

use super::doc::Doc;
use super::terminal;
use crate::engine::{BasePresence, EngineError, Probe, ProbedEngine, Source, Tried};
use crate::error::Failure;
use crate::record;
use crate::registry::PullQuota;
use crate::text::for_people;
use crate::units::{Bytes, Nanos, count};

/// Less free space than this on the engine's disk is a problem: exports are first written there whole.
const LITTLE_DISK: Bytes = Bytes(5_000_000_000);

/// Columns of the names.
const NAMES: usize = 16;

/// What was looked at.
#[derive(Debug)]
pub(crate) struct Examination<'p> {
    /// What was found.
    pub probe: &'p Probe,
    /// Why images are not weighed in the engine's own store; `None` where they are.
    pub not_in_place: Option<String>,
    /// What registries say of the images that were named.
    pub registries: &'p [RegistryState],
}

/// What a registry says of an image.
#[derive(Debug)]
pub(crate) struct RegistryState {
    /// The image, as it was named.
    pub target: String,
    /// The pulls that are left, where it says so; an error where the image cannot be read.
    pub found: Result<Option<PullQuota>, Failure>,
}

/// `76 of 100 pulls left in 6 h`.
fn pulls_left(quota: Option<PullQuota>) -> String {
    let Some(quota) = quota else { return "readable; the registry names no limit of pulls".to_owned() };
    let of = quota.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
    let window = quota.window_seconds.map_or_else(String::new, |seconds| match seconds {
        3_600.. if seconds % 3_600 == 0 => format!(" per {} h", seconds / 3_600),
        seconds => format!(" per {seconds} s"),
    });
    format!("readable; {}{of} pulls left{window}", quota.remaining)
}

fn registry_problems(registries: &[RegistryState]) -> impl Iterator<Item = Problem> {
    registries.iter().filter_map(|state| {
        let what = |what: &str| format!("`{}`: {what}", for_people(&state.target));
        match &state.found {
            Err(failure) => Some(Problem {
                what: what(&for_people(&failure.message)),
                hint: failure.hint.clone().unwrap_or_default(),
            }),
            Ok(Some(PullQuota { remaining: 0, .. })) => Some(Problem {
                what: what("no pulls are left"),
                hint: "wait, or log in with `docker login`".to_owned(),
            }),
            Ok(_) => None,
        }
    })
}

/// Something that is missing, and what gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Problem {
    what: String,
    hint: String,
}

/// Without an engine the hint is the command that gets one, unless somebody said where one is.
pub(crate) fn no_engine(error: &EngineError, tried: &[Tried]) -> Failure {
    let mut failure = Failure::from(error.clone());
    let nowhere = tried.iter().all(|tried| tried.candidate.source == Source::Usual);
    if nowhere && matches!(error, EngineError::NoSocket { .. }) {
        failure.hint = Some(HOW_TO_GET_AN_ENGINE.to_owned());
    }
    failure
}

const HOW_TO_GET_AN_ENGINE: &str = "\
    on Debian and Ubuntu `sudo apt-get install docker.io && sudo systemctl start docker` gets one; elsewhere see \
    https://docs.docker.com/engine/install; or set DOCKER_HOST to an engine that runs";

fn problems(probe: &Probe) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut tell = |what: String, hint: &str| problems.push(Problem { what, hint: hint.to_owned() });
    match &probe.engine {
        Err(error) => {
            let failure = no_engine(error, &probe.tried);
            tell(failure.message, failure.hint.as_deref().unwrap_or_default());
        }
        Ok(found) => {
            if found.builders == [record::Builder::Classic] {
                tell(
                    "BuildKit cannot be used on this engine; builds use the classic builder".to_owned(),
                    "update Docker to 27.5 or newer",
                );
            }
            if let Some(free) = found.disk_free_bytes.filter(|free| *free < LITTLE_DISK) {
                tell(
                    format!("only {free} are free in `{}`", for_people(&found.facts.root_dir)),
                    "`docker system df` shows what takes the space",
                );
            }
            if let Err(error) = &found.disk_used_bytes {
                tell(
                    format!(
                        "{}; build-cache records that a run makes there are neither known nor removed",
                        for_people(&error.to_string())
                    ),
                    "`docker system df` shows the same; restart the engine, and see moby/buildkit#3599 where that does \
                     not help",
                );
            }
            if !found.running.is_empty() {
                tell(
                    match found.running.len() {
                        1 => "1 container of others runs, and disturbs timings".to_owned(),
                        more => format!("{more} containers of others run, and disturb timings"),
                    },
                    "stop them while you measure: `docker ps` lists them",
                );
            }
        }
    }
    for unread in &probe.unread {
        let hint = "fix the Dockerfile or its arguments; else the builder decides, and `--bases` cannot be used";
        tell(for_people(unread), hint);
    }
    for base in &probe.bases {
        let name = for_people(&base.reference);
        match base.state {
            BasePresence::Present => {}
            BasePresence::Pullable => {
                tell(format!("the base image `{name}` is not on the engine yet"), &format!("docker pull {name}"));
            }
            BasePresence::Missing => tell(
                format!("the base image `{name}` is neither on the engine nor in reach: {}", base.detail),
                base.hint.as_deref().unwrap_or(
                    "check the name and the network, or choose another of the suite's sets of bases with `--bases`",
                ),
            ),
        }
    }
    if let Some(load) = probe.load.filter(|load| *load > probe.cores as f64 / 2.0) {
        tell(
            format!("this machine is busy: load {load:.2} on {}", count(probe.cores, "processor")),
            "wait until it is idle: times measured now are noisy",
        );
    }
    problems
}

impl Examination<'_> {
    fn problems(&self) -> Vec<Problem> {
        problems(self.probe).into_iter().chain(registry_problems(self.registries)).collect()
    }

    /// Rows of name and value, and what is missing below them.
    pub(crate) fn table(&self) -> String {
        let probe = self.probe;
        let mut doc = Doc::default();
        let mut row = |name: &'static str, value: String| {
            doc.field(name, NAMES, value);
        };
        if let Ok(found) = &probe.engine {
            for (name, value) in self.rows(found) {
                row(name, value);
            }
        } else {
            for tried in &probe.tried {
                let error = tried.error.as_ref().map(ToString::to_string).unwrap_or_default();
                row("tried", format!("{} ({}): {error}", tried.candidate.address, tried.candidate.source));
            }
        }
        for base in &probe.bases {
            let state = match base.state {
                BasePresence::Present if base.stand_in_for.is_empty() => "on the engine".to_owned(),
                BasePresence::Present => format!("on the engine, a locally built substitute for {}", base.stand_in_for),
                BasePresence::Pullable => "in its registry".to_owned(),
                BasePresence::Missing => "missing".to_owned(),
            };
            row("base", format!("{}: {state}", base.reference));
        }
        for state in self.registries {
            let found = state.found.as_ref().map_or_else(|_| "not readable".to_owned(), |quota| pulls_left(*quota));
            row("registry", format!("{}: {found}", state.target));
        }
        let load = probe.load.map(|load| format!("{load:.2} on {}", count(probe.cores, "processor")));
        row("load", load.unwrap_or_else(|| "unknown".to_owned()));
        let problems = self.problems();
        let verdict = match &probe.engine {
            Err(_) => "no usable engine",
            Ok(_) if problems.is_empty() => "ready",
            Ok(_) => "usable",
        };
        row("verdict", verdict.to_owned());
        // That there is no engine is the error on stderr; it is not told twice.
        for problem in problems.into_iter().skip(usize::from(probe.engine.is_err())) {
            doc.gap().sentence(problem.what).under(2, format!("hint: {}", problem.hint));
        }
        terminal::log(&doc, false)
    }

    fn rows(&self, found: &ProbedEngine) -> Vec<(&'static str, String)> {
        let facts = &found.facts;
        let builders: Vec<_> = found.builders.iter().map(ToString::to_string).collect();
        let weighing = match &self.not_in_place {
            None => "in the engine's own store".to_owned(),
            Some(reason) => format!("from exported archives: {reason}"),
        };
        let or_unknown = |bytes: Option<Bytes>| bytes.map_or_else(|| "unknown".to_owned(), |bytes| bytes.to_string());
        vec![
            ("engine", format!("{} {} at {}", facts.name, facts.version, found.endpoint)),
            ("api", facts.api_version.clone()),
            ("platform", format!("{}/{}, kernel {}", facts.os, facts.arch, facts.kernel)),
            ("resources", format!("{}, {}", count(facts.cpus, "processor"), facts.memory_bytes)),
            ("storage driver", facts.storage_driver.clone()),
            ("image store", facts.image_store.to_string()),
            (
                "layers end",
                if facts.layer_step_ns == Nanos::ZERO { "when they are done" } else { "at whole seconds" }.to_owned(),
            ),
            ("builder", format!("{} (of {})", facts.builder, builders.join(", "))),
            ("weighing", weighing),
            ("on this machine", if found.local { "yes" } else { "no" }.to_owned()),
            ("disk free", or_unknown(found.disk_free_bytes)),
            ("disk used", or_unknown(found.disk_used_bytes.as_ref().ok().copied())),
        ]
    }

    /// One object for programs.
    pub(crate) fn json(&self) -> String {
        let probe = self.probe;
        let found = probe.engine.as_ref().ok();
        let tried = probe.tried.iter().map(|tried| {
            json!({
                "endpoint": tried.candidate.address.to_string(),
                "source": tried.candidate.source.to_string(),
                "error": tried.error.as_ref().map(ToString::to_string),
            })
        });
        let registries = self.registries.iter().map(|state| {
            json!({
                "target": state.target,
                "readable": state.found.is_ok(),
                "pull_quota": state.found.as_ref().ok().copied().flatten(),
            })
        });
        let answer = json!({
            "format_version": 1,
            "usable": found.is_some(),
            "tried": tried.collect::<Value>(),
            "endpoint": found.map(|found| &found.endpoint),
            "engine": found.map(|found| &found.facts),
            "local": found.is_some_and(|found| found.local),
            "builders": found.map_or(&[][..], |found| &found.builders),
            "in_place": found.is_some() && self.not_in_place.is_none(),
            "not_in_place": self.not_in_place,
            "disk_free_bytes": found.and_then(|found| found.disk_free_bytes),
            "disk_used_bytes": found.and_then(|found| found.disk_used_bytes.as_ref().ok()),
            "running_containers": found.map_or(&[][..], |found| &found.running),
            "bases": probe.bases,
            "load": probe.load,
            "cores": probe.cores,
            "registries": registries.collect::<Value>(),
            "problems": self.problems(),
        });
        crate::json::pretty(&answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Address, Candidate, WantedBase};
    use crate::error::chain;
    use crate::exit::Exit;
    use crate::image::store_in_place;

    fn table(probe: &Probe) -> String {
        Examination { probe, not_in_place: None, registries: &[] }.table()
    }

    fn value(examination: &Examination<'_>) -> serde_json::Value {
        serde_json::from_str(&examination.json()).unwrap()
    }

    fn found() -> ProbedEngine {
        ProbedEngine {
            endpoint: "unix:///var/run/docker.sock".into(),
            facts: record::EngineFacts {
                name: "docker".into(),
                version: "28.5.2".into(),
                api_version: "1.51".into(),
                storage_driver: "overlay2".into(),
                layer_step_ns: Nanos::ZERO,
                image_store: record::ImageStore::Graphdriver,
                builder: record::Builder::Buildkit,
                os: "linux".into(),
                arch: "amd64".into(),
                kernel: "6.1.0".into(),
                cpus: 2,
                memory_bytes: Bytes(8_000_000_000),
                root_dir: "/var/lib/docker".into(),
            },
            local: true,
            builders: vec![record::Builder::Buildkit, record::Builder::Classic],
            disk_free_bytes: Some(Bytes(50_000_000_000)),
            disk_used_bytes: Ok(Bytes(1_000_000_000)),
            running: Vec::new(),
        }
    }

    fn probe_of(engine: Result<ProbedEngine, EngineError>) -> Probe {
        Probe { tried: Vec::new(), engine, bases: Vec::new(), unread: Vec::new(), load: Some(0.1), cores: 4 }
    }

    fn words(probe: &Probe) -> String {
        let lines: Vec<_> =
            problems(probe).into_iter().map(|problem| format!("{} | {}", problem.what, problem.hint)).collect();
        lines.join("\n")
    }

    #[test]
    fn a_good_engine_is_ready() {
        let probe = probe_of(Ok(found()));
        assert_eq!(words(&probe), "");
        let table = table(&probe);
        assert!(table.contains("engine          docker 28.5.2 at unix:///var/run/docker.sock\n"), "{table}");
        assert!(table.ends_with("verdict         ready\n"), "{table}");
        let json = value(&Examination { probe: &probe, not_in_place: None, registries: &[] });
        assert_eq!(json["usable"], true);
        assert_eq!(json["engine"]["image_store"], "graphdriver");
        assert_eq!(json["disk_free_bytes"], 50_000_000_000_u64);
        assert_eq!(json["problems"], serde_json::json!([]));
    }

    #[test]
    fn each_missing_thing_comes_with_what_gets_it() {
        let mut probe = probe_of(Ok(ProbedEngine {
            builders: vec![record::Builder::Classic],
            disk_free_bytes: Some(Bytes(1_000_000_000)),
            running: vec![record::RunningContainer { name: "a".into(), image: "b".into() }],
            ..found()
        }));
        probe.load = Some(3.5);
        let base = |reference: &str, state, detail: &str| WantedBase {
            reference: reference.into(),
            state,
            stand_in_for: String::new(),
            detail: detail.into(),
            hint: None,
        };
        probe.bases = vec![
            base("python:3.9", BasePresence::Present, ""),
            base("python:3.9-slim", BasePresence::Pullable, ""),
            base("python:0\u{1b}[2J", BasePresence::Missing, "no route"),
        ];
        let words = words(&probe);
        for part in [
            "classic builder | update Docker",
            "only 1.00 GB are free in `/var/lib/docker` | `docker system df`",
            "1 container of others",
            "`python:3.9-slim` is not on the engine yet | docker pull python:3.9-slim",
            "nor in reach: no route",
            "load 3.50 on 4 processors",
        ] {
            assert!(words.contains(part), "{part}\n{words}");
        }
        assert!(!words.contains('\u{1b}') && !table(&probe).contains('\u{1b}'));
        insta::assert_snapshot!("doctor", table(&probe));
        assert_eq!(problems(&probe).len(), 6);
    }

    #[test]
    fn how_images_are_weighed_is_what_the_weighing_finds_itself() {
        let dir = tempfile::tempdir().unwrap();
        let mut found = found();
        found.facts.root_dir = dir.path().display().to_string();
        let says = |found: &ProbedEngine| {
            let probe = probe_of(Ok(found.clone()));
            let not_in_place = store_in_place(&found.facts, found.local).err().map(|reason| chain(&reason));
            let examination = Examination { probe: &probe, not_in_place, registries: &[] };
            let table = examination.table();
            (table.lines().find(|line| line.starts_with("weighing")).unwrap().to_owned(), value(&examination))
        };
        let (line, json) = says(&found);
        assert!(line.contains("from exported archives: failed to list"), "{line}");
        assert_eq!(json["in_place"], false);
        assert!(json["not_in_place"].as_str().unwrap().contains("failed to list"), "{json}");
        for folder in ["overlay2", "image/overlay2/layerdb/sha256", "image/overlay2/imagedb/content/sha256"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let (line, json) = says(&found);
        assert!(line.ends_with("in the engine's own store"), "{line}");
        assert_eq!((&json["in_place"], &json["not_in_place"]), (&true.into(), &serde_json::Value::Null));
    }

    #[test]
    fn without_an_engine_the_hint_gets_one() {
        let gone = EngineError::NoSocket { endpoint: "unix:///x".into() };
        let failure = no_engine(&gone, &[]);
        assert_eq!(failure.exit, Exit::NoEngine);
        assert!(failure.hint.unwrap().contains("apt-get install docker.io"));
        let at = |source| Tried {
            candidate: Candidate { address: Address::Unix("/x".into()), source },
            error: Some(gone.clone()),
        };
        assert!(no_engine(&gone, &[at(Source::Usual)]).hint.unwrap().contains("docker.io"));
        for source in [Source::Asked, Source::DockerHost, Source::Context("lab".into())] {
            let hint = no_engine(&gone, &[at(source)]).hint.unwrap();
            assert!(hint.contains("start the engine") && !hint.contains("docker.io"), "{hint}");
        }
        assert!(table(&probe_of(Err(gone))).contains("no usable engine"));
        let forbidden = no_engine(&EngineError::Forbidden { endpoint: "unix:///x".into() }, &[]);
        assert!(forbidden.hint.unwrap().contains("`docker` group"));
    }
}
