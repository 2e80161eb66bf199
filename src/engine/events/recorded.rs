//! Builds of others, out of what was said of them: which there are, and what each did.
//!
//! A `bake` of several targets has one row of messages for all, with the target before each name (`WithPrefix` in buildx's
//! util/progress/multiwriter.go), and a build for several platforms has the platform there (`prefixCommand` in BuildKit's
//! frontend/dockerfile/dockerfile2llb/convert.go). Each target and platform is a build of its own here, with all
//! instructions that it builds on, those too that it shares with another one.

use std::collections::{BTreeMap, BTreeSet};

use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexStatus};

use super::folded::{Known, instruction_text};
use super::status::{StatusError, StatusLog};
use super::vertices::{VertexKind, Vertices, nanos, read_name, since_epoch};
use crate::analyse::proof;
use crate::engine::failure;
use crate::record::{Parts, Step};
use crate::units::Nanos;

/// Most targets of one log, and platforms of one target.
const MOST_TARGETS: usize = 200;
const MOST_PLATFORMS: usize = 16;

/// One build of a log, not looked at closely yet.
#[derive(Debug, Clone)]
pub(crate) struct RecordedBuild {
    /// Target of `bake`; empty where there was one only.
    pub(crate) target: String,
    /// Platform; empty where it was built for one only.
    pub(crate) platform: String,
    /// File name of the Dockerfile; empty where it is not said.
    pub(crate) dockerfile: String,
    vertices: Vec<Vertex>,
    statuses: Vec<VertexStatus>,
}

/// What a build did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObservedBuild {
    /// Instructions in the Dockerfile's order.
    pub(crate) steps: Vec<Step>,
    /// Instructions that another build did in this one's place.
    pub(crate) elsewhere: Vec<String>,
    /// Where the time went.
    pub(crate) parts: Parts,
    /// Whether a base image was fetched.
    pub(crate) pulled: bool,
    /// Instructions that ran although everything that they build on came from cache.
    pub(crate) causes: Vec<String>,
    /// Why it failed, and in which instruction; empty where it did not.
    pub(crate) failure: String,
    pub(crate) culprit: String,
    /// Whether it did not come to its end.
    pub(crate) unfinished: bool,
    /// When it began, in nanoseconds since 1970; `None` where nothing did.
    pub(crate) began: Option<i128>,
    /// From its first vertex to the end of its last.
    pub(crate) wall: Nanos,
}

impl StatusLog {
    /// The builds that it is of: each target of `bake`, and each platform, is one.
    pub(crate) fn builds(&self) -> Result<Vec<RecordedBuild>, StatusError> {
        let targets: BTreeSet<&str> = self.vertices.iter().filter_map(|vertex| target_of(&vertex.name)).collect();
        if targets.len() > MOST_TARGETS {
            return Err(StatusError::Builds { most: MOST_TARGETS, what: "targets" });
        }
        let targets: Vec<&str> = if targets.is_empty() { vec![""] } else { targets.into_iter().collect() };
        let mut found = Vec::new();
        // Builds share what is said of both; a file that makes many of much is none of BuildKit's.
        let mut held = 0;
        for target in targets {
            let own = |vertex: &Vertex| Some(Vertex { name: without_target(&vertex.name, target)?, ..vertex.clone() });
            let vertices: Vec<Vertex> = self.vertices.iter().filter_map(own).collect();
            for (platform, vertices) in by_platform(vertices)? {
                let known: BTreeSet<&str> = vertices.iter().map(|vertex| vertex.digest.as_str()).collect();
                let own = || self.statuses.iter().filter(|status| known.contains(status.vertex.as_str()));
                held += vertices.len() + own().count();
                if held > Self::MOST {
                    return Err(StatusError::Many);
                }
                let statuses = own().cloned().collect();
                let dockerfile = vertices.iter().find_map(|vertex| {
                    let file = vertex.name.strip_prefix("[internal] load build definition from ")?;
                    Some(instruction_text(file))
                });
                let (target, dockerfile) = (instruction_text(target), dockerfile.unwrap_or_default());
                found.push(RecordedBuild { target, platform, dockerfile, vertices, statuses });
            }
        }
        Ok(found)
    }
}

/// The target of `[web internal] load …` and `[web linux/amd64 internal] load …`.
fn target_of(name: &str) -> Option<&str> {
    let (inside, _) = name.strip_prefix('[')?.split_once("] ")?;
    let (first, rest) = inside.split_once(' ')?;
    (!first.contains('/') && rest.rsplit(' ').next() == Some("internal")).then_some(first)
}

/// A name as it is in a build of its own: `[2/3] RUN x` of `[web 2/3] RUN x`; `None` of another target's.
fn without_target(name: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(name.to_owned());
    }
    let rest = name.strip_prefix('[')?.strip_prefix(target)?;
    rest.strip_prefix("] ").map(str::to_owned).or_else(|| Some(format!("[{}", rest.strip_prefix(' ')?)))
}

/// The platform that an instruction is for, and its name without that: `linux/arm64` of
/// `[linux/amd64->arm64 builder 2/3] RUN x`.
fn without_platform(name: &str) -> (Option<String>, String) {
    let plain = || (None, name.to_owned());
    let Some((inside, rest)) = name.strip_prefix('[').and_then(|name| name.split_once("] ")) else { return plain() };
    let Some((first, others)) = inside.split_once(' ') else { return plain() };
    if !first.contains('/') || first.starts_with(|c: char| c.is_ascii_digit()) {
        return plain();
    }
    let bare = format!("[{}] {rest}", others.trim_start());
    if others.trim_start() == "internal" {
        return (None, bare);
    }
    let platform = match first.split_once("->") {
        None => first.to_owned(),
        // The system is said only where it is another one (`formatTargetPlatform`).
        Some((_, target)) if ["linux", "windows", "freebsd", "darwin"].iter().any(|os| target.starts_with(os)) => {
            target.to_owned()
        }
        Some((host, target)) => format!("{}/{target}", host.split('/').next().unwrap_or_default()),
    };
    (Some(instruction_text(&platform)), bare)
}

/// The vertices of each platform, with all that its instructions build on, and what is not for one platform.
fn by_platform(vertices: Vec<Vertex>) -> Result<Vec<(String, Vec<Vertex>)>, StatusError> {
    let mut marked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut labelled = BTreeSet::new();
    let vertices: Vec<Vertex> = vertices
        .into_iter()
        .map(|vertex| {
            let (platform, name) = without_platform(&vertex.name);
            if let Some(platform) = platform {
                labelled.insert(vertex.digest.clone());
                marked.entry(platform).or_default().insert(vertex.digest.clone());
            }
            Vertex { name, ..vertex }
        })
        .collect();
    if marked.len() > MOST_PLATFORMS {
        return Err(StatusError::Builds { most: MOST_PLATFORMS, what: "platforms" });
    }
    let graph = inputs(&vertices);
    let closures: BTreeMap<&String, BTreeSet<&str>> =
        marked.iter().map(|(platform, own)| (platform, reached(own, &graph))).collect();
    // A platform that only builds for others, such as the builder's own, is not built for.
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    for digest in closures.values().flatten() {
        *times.entry(digest).or_default() += 1;
    }
    let alone = |digest: &String| times.get(digest.as_str()) == Some(&1);
    let wanted: Vec<&String> =
        closures.keys().copied().filter(|platform| marked[*platform].iter().any(alone)).collect();
    if wanted.len() < 2 {
        return Ok(vec![(String::new(), vertices)]);
    }
    let part = |platform: &String| {
        let own = |vertex: &&Vertex| {
            !labelled.contains(&vertex.digest) || closures[platform].contains(vertex.digest.as_str())
        };
        (platform.clone(), vertices.iter().filter(own).cloned().collect())
    };
    Ok(wanted.into_iter().map(part).collect())
}

/// What each vertex builds on.
fn inputs(vertices: &[Vertex]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for vertex in vertices {
        graph.entry(&vertex.digest).or_default().extend(vertex.inputs.iter().map(String::as_str));
    }
    graph
}

/// These vertices, and all that they lead to.
fn reached<'a>(from: &'a BTreeSet<String>, graph: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut queue: Vec<&str> = from.iter().map(String::as_str).collect();
    while let Some(digest) = queue.pop() {
        if found.insert(digest) {
            queue.extend(graph.get(digest).into_iter().flatten());
        }
    }
    found
}

impl RecordedBuild {
    /// What the build did; `stages` are those of its Dockerfile in order, none where it is not at hand.
    pub(crate) fn fold(self, stages: &[String]) -> ObservedBuild {
        let stages = if stages.is_empty() { self.stages() } else { stages.to_vec() };
        let causes = self.causes();
        let stamps = |pick: fn(&Vertex) -> Option<i128>| self.vertices.iter().filter_map(pick);
        let began = stamps(|vertex| vertex.started.map(|stamp| since_epoch(stamp.seconds, stamp.nanos))).min();
        let ended = stamps(|vertex| vertex.completed.map(|stamp| since_epoch(stamp.seconds, stamp.nanos))).max();
        let wall = began.zip(ended).map_or(Nanos::ZERO, |(began, ended)| nanos(ended.saturating_sub(began)));
        let failed = |stopped: bool| {
            let of = move |vertex: &&Vertex| {
                !vertex.error.is_empty() && vertex.error.contains("context canceled") == stopped
            };
            self.vertices.iter().find(of)
        };
        let (failed, stopped) = (failed(false), failed(true));
        let failure = failed.map_or_else(String::new, |vertex| failure::one_line(&vertex.error));
        let culprit = failed.map_or_else(String::new, |vertex| read_name(&vertex.name).3);
        let canceled = failed.is_none() && stopped.is_some();
        let mut folder = Vertices::new(Known { stages, ..Known::default() });
        let all = StatusResponse { vertexes: self.vertices, statuses: self.statuses, ..StatusResponse::default() };
        folder.status(all, &mut |_| {});
        let found = folder.finish(wall);
        ObservedBuild {
            steps: found.steps,
            elsewhere: found.elsewhere,
            parts: found.parts,
            pulled: found.pulled,
            causes,
            unfinished: failure.is_empty() && (canceled || !found.unfinished.is_empty()),
            failure,
            culprit,
            began,
            wall,
        }
    }

    /// The instructions by their digests.
    fn instructions(&self) -> impl Iterator<Item = (&str, String, String, &Vertex)> {
        self.vertices.iter().filter_map(|vertex| {
            let (kind, stage, _, instruction) = read_name(&vertex.name);
            (kind == VertexKind::Instruction).then_some((vertex.digest.as_str(), stage, instruction, vertex))
        })
    }

    /// The stages, each behind those that it builds on.
    fn stages(&self) -> Vec<String> {
        let stage_of: BTreeMap<&str, String> = self.instructions().map(|(digest, stage, ..)| (digest, stage)).collect();
        let graph = inputs(&self.vertices);
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let mut order: Vec<String> = Vec::new();
        for digest in stage_of.keys() {
            // What a vertex builds on is done before it; a stack of our own, as the graph may be deep.
            let mut stack = vec![(*digest, false)];
            while let Some((digest, done)) = stack.pop() {
                if done {
                    order.extend(stage_of.get(digest).filter(|stage| known.insert(stage)).cloned());
                } else if seen.insert(digest) {
                    stack.push((digest, true));
                    stack.extend(graph.get(digest).into_iter().flatten().map(|input| (*input, false)));
                }
            }
        }
        order
    }

    /// The instructions that can come from cache, ran, and build on none that did.
    fn causes(&self) -> Vec<String> {
        let mut cached: BTreeMap<&str, bool> = BTreeMap::new();
        let mut ran: BTreeMap<&str, String> = BTreeMap::new();
        for (digest, _, instruction, vertex) in self.instructions() {
            *cached.entry(digest).or_default() |= vertex.cached;
            if vertex.started.is_some() && proof::kind(&instruction).is_some() {
                ran.insert(digest, instruction);
            }
        }
        ran.retain(|digest, _| !cached.get(digest).copied().unwrap_or_default());
        let mut above: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for vertex in &self.vertices {
            for input in &vertex.inputs {
                above.entry(input).or_default().push(&vertex.digest);
            }
        }
        let mut after: BTreeSet<&str> = BTreeSet::new();
        let mut queue: Vec<&str> = ran.keys().copied().collect();
        while let Some(digest) = queue.pop() {
            queue.extend(above.get(digest).into_iter().flatten().filter(|above| after.insert(above)));
        }
        let found: BTreeSet<&String> =
            ran.iter().filter(|(digest, _)| !after.contains(*digest)).map(|(_, instruction)| instruction).collect();
        found.into_iter().take(super::folded::MOST_STEPS).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::google::protobuf::Timestamp;

    use super::*;

    /// A vertex that ran or came from cache, and the digests that it builds on; its digest is its name.
    fn vertex(name: &str, inputs: &[&str], cached: bool) -> Vertex {
        let stamp = Some(Timestamp { seconds: 10, nanos: 0 });
        Vertex {
            digest: name.to_owned(),
            name: name.to_owned(),
            inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
            cached,
            started: stamp,
            completed: stamp,
            ..Vertex::default()
        }
    }

    fn found(vertices: Vec<Vertex>) -> Vec<(String, String, Vec<String>)> {
        let builds = StatusLog { vertices, ..StatusLog::default() }.builds().unwrap().into_iter();
        builds
            .map(|build| {
                let (target, platform) = (build.target.clone(), build.platform.clone());
                let steps = build.fold(&[]).steps.into_iter();
                (target, platform, steps.map(|step| format!("{} {}", step.stage, step.instruction)).collect())
            })
            .collect()
    }

    #[test]
    fn targets_are_told_apart_by_the_prefix_of_their_names() {
        let steps = |text: &str| vec![text.to_owned()];
        let vertices = vec![
            vertex("[internal] load local bake definitions", &[], false),
            vertex("[api internal] load build definition from Dockerfile", &[], false),
            vertex("[api-2 linux/amd64 internal] load metadata for x", &[], false),
            vertex("[api 2/2] RUN a", &[], false),
            vertex("[api-2 builder 2/2] RUN b", &[], true),
            vertex("[api] exporting to image", &[], false),
        ];
        assert_eq!(
            found(vertices),
            [
                ("api".to_owned(), String::new(), steps(" RUN a")),
                ("api-2".to_owned(), String::new(), steps("builder RUN b"))
            ]
        );
        // A stage is not a target.
        assert_eq!(found(vec![vertex("[api 2/2] RUN a", &[], false)])[0].2, steps("api RUN a"));
    }

    #[test]
    fn a_platform_has_what_it_builds_on_and_the_builder_s_own_is_none() {
        let shared = "[linux/amd64 builder 2/3] RUN shared";
        let cross = ["[linux/amd64->arm64 builder 3/3] RUN a", "[linux/amd64->arm/v7 builder 3/3] RUN b"];
        let last =
            ["[linux/arm64 stage-1 1/1] COPY --from=builder a /", "[linux/arm/v7 stage-1 1/1] COPY --from=builder b /"];
        let vertices = vec![
            vertex(last[0], &[cross[0]], false),
            vertex(last[1], &[cross[1]], false),
            vertex(cross[0], &[shared], false),
            vertex(cross[1], &[shared], false),
            vertex(shared, &["[linux/amd64 builder 1/3] FROM x"], true),
            vertex("[linux/amd64 builder 1/3] FROM x", &[], false),
        ];
        let steps = |cross: &str, file: &str| {
            vec![
                "builder RUN shared".to_owned(),
                format!("builder RUN {cross}"),
                format!("stage-1 COPY --from=builder {file} /"),
            ]
        };
        assert_eq!(
            found(vertices),
            [
                (String::new(), "linux/arm/v7".to_owned(), steps("b", "b")),
                (String::new(), "linux/arm64".to_owned(), steps("a", "a")),
            ]
        );
        let many = (0..=MOST_PLATFORMS).map(|number| vertex(&format!("[linux/{number} 1/1] RUN x"), &[], false));
        let log = StatusLog { vertices: many.collect(), ..StatusLog::default() };
        assert!(matches!(log.builds(), Err(StatusError::Builds { .. })));
    }

    #[test]
    fn builds_that_would_share_more_than_any_file_says_are_refused() {
        let targets = (0..100).map(|target| vertex(&format!("[t{target} internal] load x"), &[], false));
        let shared =
            |target: usize| Vertex { digest: "shared".into(), ..vertex(&format!("[t{target} 1/1] RUN x"), &[], false) };
        let vertices: Vec<Vertex> = targets.chain((0..100).map(shared)).collect();
        let told = VertexStatus { id: "sha256:1".into(), vertex: "shared".into(), ..VertexStatus::default() };
        let log = |times: usize| StatusLog {
            vertices: vertices.clone(),
            statuses: vec![told.clone(); times],
            ..StatusLog::default()
        };
        assert_eq!(log(1).builds().unwrap().len(), 100);
        assert!(matches!(log(StatusLog::MOST / 100).builds(), Err(StatusError::Many)));
    }

    #[test]
    fn what_ran_on_what_was_cached_is_a_cause_and_a_circle_ends() {
        let causes = |vertices: Vec<Vertex>| {
            StatusLog { vertices, ..StatusLog::default() }.builds().unwrap().remove(0).fold(&[]).causes
        };
        let (workdir, copy, run, other) = ("[2/5] WORKDIR /a", "[3/5] COPY . .", "[4/5] RUN x", "[b 2/2] RUN y");
        let chain = |cached: [bool; 4]| {
            vec![
                vertex(workdir, &["[1/5] FROM x"], cached[0]),
                vertex(copy, &[workdir, "[internal] load build context"], cached[1]),
                vertex(run, &[copy], cached[2]),
                vertex(other, &[], cached[3]),
                vertex("[internal] load build context", &[], false),
                vertex("[1/5] FROM x", &[], false),
            ]
        };
        assert_eq!(causes(chain([true, false, false, true])), ["COPY . ."]);
        assert_eq!(causes(chain([true, false, true, false])), ["COPY . .", "RUN y"]);
        assert_eq!(causes(chain([false, false, false, true])), ["WORKDIR /a"]);
        assert!(causes(chain([true; 4])).is_empty());
        let mut circle = chain([true, false, false, true]);
        circle[0].inputs.push(run.to_owned());
        assert_eq!(causes(circle).len(), 0, "nothing is first");
    }
}
