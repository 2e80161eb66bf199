//! BuildKit's dialect: a graph whose vertices are told of again and again.
//!
//! Vertices fold by digest: cached once is cached, the first start and the last end hold. Instructions are the
//! vertices named `[stage n/m] …`; BuildKit tells of them in any order from engine 26 on, so they are sorted by
//! the Dockerfile's stages and by `n`. Times are the engine's own stamps.
//!
//! A build that runs beside another one of the same Dockerfile shares that one's work. BuildKit tells of all
//! instructions of a build before the first of them begins; those that the other build does get no times (20.10), or
//! further vertices of the same name with other digests get them (28), or they began before this build did.

use std::collections::BTreeMap;

use bollard::moby::buildkit::v1::{StatusResponse, Vertex as Told};

use super::folded::{Failed, Folded, Known, MOST_STEPS, instruction_text, is_base};
use super::lines::LogLine;
use super::status::is_of_layer;
use super::tail::Tail;
use crate::engine::{BuildEvent, failure};
use crate::record::{Parts, Step};
use crate::units::Nanos;

/// Most vertices that are kept: instructions and what is between them.
const MOST_VERTICES: usize = 4 * MOST_STEPS;
/// Most look-ups of a base that are kept.
const MOST_LOOKUPS: usize = 100;
/// Longest digest that is taken for one.
const DIGEST: usize = 200;

/// Names of the vertices that bring the Dockerfile.
const FIRST: [&str; 2] = ["[internal] load remote build context", "[internal] load build definition"];

/// What a vertex does, by its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum VertexKind {
    /// Brings context and Dockerfile to the builder.
    Upload,
    /// Asks what a base image is.
    Lookup,
    /// Makes a base image ready.
    Base,
    /// Runs an instruction.
    Instruction,
    /// Writes the image.
    Export,
    /// Anything else.
    #[default]
    Other,
}

#[derive(Debug, Default)]
struct Vertex {
    kind: VertexKind,
    /// Order in which the engine first told of it.
    seen: usize,
    stage: String,
    /// Number in its stage and how many the stage has, by the builder's count: ones that leave no vertex (`WORKDIR /`)
    /// are in it.
    place: (u32, u32),
    instruction: String,
    cached: bool,
    started: Option<i128>,
    completed: Option<i128>,
    error: String,
    told_start: bool,
    /// In making a base ready: when a registry was asked for it.
    lookups: Vec<(i128, i128)>,
}

/// Folds BuildKit's events.
#[derive(Debug, Default)]
pub(in crate::engine) struct Vertices {
    known: Known,
    graph: BTreeMap<String, Vertex>,
    image_id: String,
    pulled: bool,
    tail: Tail,
    failure: Option<String>,
}

impl Vertices {
    pub(super) fn new(known: Known) -> Self {
        Self { known, ..Self::default() }
    }

    pub(super) fn line(&mut self, line: &LogLine, observe: &mut dyn FnMut(BuildEvent)) {
        if let Some(status) = line.trace() {
            self.status(status, observe);
        } else if let Some(id) = line.image_id() {
            id.clone_into(&mut self.image_id);
        }
        if let Some(message) = line.failure() {
            self.fail(message);
        }
    }

    /// The first reason is the one.
    pub(super) fn fail(&mut self, message: &str) {
        self.failure.get_or_insert_with(|| failure::one_line(message));
    }

    pub(super) fn status(&mut self, status: StatusResponse, observe: &mut dyn FnMut(BuildEvent)) {
        for told in status.vertexes {
            self.vertex(told, observe);
        }
        for told in status.statuses {
            let base = self.graph.get(&told.vertex).is_some_and(|vertex| vertex.kind == VertexKind::Base);
            // A layer on its way has bytes to count; unpacking a present one has not.
            self.pulled |= base && is_of_layer(&told) && told.current > 0 && !told.name.starts_with("extracting");
            if let (true, Some(start), Some(end)) =
                (base && told.id.starts_with("resolve "), told.started, told.completed)
                && let Some(vertex) = self.graph.get_mut(&told.vertex)
                && vertex.lookups.len() < MOST_LOOKUPS
            {
                let span = (since_epoch(start.seconds, start.nanos), since_epoch(end.seconds, end.nanos));
                vertex.lookups.extend((span.0 <= span.1).then_some(span));
            }
        }
        for told in status.logs {
            self.tail.write(&told.msg, |line| observe(BuildEvent::Log(line.to_owned())));
        }
    }

    fn vertex(&mut self, told: Told, observe: &mut dyn FnMut(BuildEvent)) {
        if told.digest.len() > DIGEST {
            return;
        }
        let seen = self.graph.len();
        if !self.graph.contains_key(&told.digest) {
            if seen == MOST_VERTICES {
                return;
            }
            self.graph.insert(told.digest.clone(), Vertex::new(&told.name, seen));
        }
        let Some(vertex) = self.graph.get_mut(&told.digest) else { return };
        let news = told.cached && !vertex.cached;
        vertex.cached |= told.cached;
        let started = told.started.map(|stamp| since_epoch(stamp.seconds, stamp.nanos));
        let completed = told.completed.map(|stamp| since_epoch(stamp.seconds, stamp.nanos));
        vertex.started = [vertex.started, started].into_iter().flatten().min();
        vertex.completed = [vertex.completed, completed].into_iter().flatten().max();
        if vertex.error.is_empty() && !told.error.is_empty() {
            vertex.error = failure::one_line(&told.error);
        }
        match vertex.kind {
            VertexKind::Instruction if news => observe(BuildEvent::Cached { instruction: vertex.instruction.clone() }),
            VertexKind::Instruction if started.is_some() && !vertex.cached && !vertex.told_start => {
                vertex.told_start = true;
                let (index, total) = vertex.place;
                observe(BuildEvent::Step { index, total, instruction: vertex.instruction.clone() });
            }
            VertexKind::Export if started.is_some() && !vertex.told_start => {
                vertex.told_start = true;
                observe(BuildEvent::Exporting);
            }
            _ => {}
        }
    }

    pub(super) fn instructions(&self) -> Vec<String> {
        let instructions = self.graph.values().filter(|vertex| vertex.kind == VertexKind::Instruction);
        instructions.map(|vertex| vertex.instruction.clone()).collect()
    }

    pub(super) fn finish(self, wall: Nanos) -> Folded {
        let time = |wanted: &dyn Fn(VertexKind) -> bool| {
            union(self.graph.values().filter(|vertex| wanted(vertex.kind)).filter_map(Vertex::span).collect())
        };
        let parts = Parts {
            upload_ns: time(&|kind| kind == VertexKind::Upload),
            resolve_ns: time(&|kind| matches!(kind, VertexKind::Lookup | VertexKind::Base)),
            steps_ns: time(&|kind| kind == VertexKind::Instruction),
            export_ns: time(&|kind| kind == VertexKind::Export),
            client_side: false,
        };
        // Only what nothing else ran beside: all together less all but the look-ups, those of a FROM too.
        let apart = if self.known.lookup_apart {
            let others = self.graph.values().filter(|vertex| vertex.kind != VertexKind::Lookup);
            time(&|_| true).saturating_sub(union(others.flat_map(Vertex::without_lookups).collect())).min(wall)
        } else {
            Nanos::ZERO
        };
        let open = |vertex: &&Vertex| {
            vertex.kind == VertexKind::Instruction && vertex.started.is_some() && vertex.completed.is_none()
        };
        let unfinished = self.graph.values().filter(open).max_by_key(|vertex| vertex.started);
        let unfinished = unfinished.map(|vertex| vertex.instruction.clone()).unwrap_or_default();
        let failure = self.failure.clone().map(|message| Failed { message, instruction: self.culprit() });
        let (mut instructions, elsewhere) = self.done();
        let first_seen: BTreeMap<&str, usize> = instructions.iter().fold(BTreeMap::new(), |mut map, vertex| {
            let seen = map.entry(vertex.stage.as_str()).or_insert(vertex.seen);
            *seen = (*seen).min(vertex.seen);
            map
        });
        instructions.sort_by_key(|vertex| {
            let unknown = self.known.stages.len() + first_seen.get(vertex.stage.as_str()).copied().unwrap_or_default();
            (self.stage_order(&vertex.stage).unwrap_or(unknown), vertex.place, vertex.seen)
        });
        let steps = instructions.into_iter().take(MOST_STEPS).map(Vertex::step).collect();
        Folded {
            steps,
            elsewhere: elsewhere.into_iter().take(MOST_STEPS).map(|vertex| vertex.instruction.clone()).collect(),
            parts,
            image_id: self.image_id,
            pulled: self.pulled,
            log: self.tail.finish(),
            made: Vec::new(),
            apart,
            failure,
            unfinished,
        }
    }

    /// One vertex for each instruction that this build did, and for each that another build did in its place.
    fn done(&self) -> (Vec<&Vertex>, Vec<&Vertex>) {
        // What brings the Dockerfile is the build's own, and done before any instruction; another's began earlier.
        let first = |vertex: &&Vertex| FIRST.iter().any(|name| vertex.instruction.starts_with(name));
        let begun = self.graph.values().filter(first).filter_map(|vertex| vertex.started).max();
        let mut instructions: BTreeMap<_, &Vertex> = BTreeMap::new();
        for vertex in self.graph.values().filter(|vertex| vertex.kind == VertexKind::Instruction) {
            // It ran if it did under any of its digests.
            let kept = instructions.entry((&vertex.stage, vertex.place, &vertex.instruction)).or_insert(vertex);
            if vertex.certainty() > kept.certainty() {
                *kept = vertex;
            }
        }
        let own =
            |vertex: &&Vertex| vertex.cached || vertex.started.is_some_and(|at| begun.is_none_or(|own| at >= own));
        instructions.into_values().partition(own)
    }

    /// Place of a stage in the Dockerfile: its name, or the number in BuildKit's own `stage-2`.
    fn stage_order(&self, stage: &str) -> Option<usize> {
        let named = self.known.stages.iter().position(|name| !name.is_empty() && name.eq_ignore_ascii_case(stage));
        named.or_else(|| {
            let number = stage.strip_prefix("stage-")?.parse::<usize>().ok()?;
            (number < self.known.stages.len()).then_some(number)
        })
    }

    /// The instruction that failed: not one that was only stopped because another failed.
    fn culprit(&self) -> String {
        let failed = |vertex: &&Vertex| !vertex.error.is_empty() && !vertex.error.contains("context canceled");
        let first = self.graph.values().filter(failed).min_by_key(|vertex| vertex.seen);
        first.map(|vertex| vertex.instruction.clone()).unwrap_or_default()
    }
}

impl Vertex {
    fn new(name: &str, seen: usize) -> Self {
        let (kind, stage, place, instruction) = read_name(name);
        Self { kind, seen, stage, place, instruction, ..Self::default() }
    }

    /// What is known of it: nothing, that it came from cache, or that it ran.
    fn certainty(&self) -> u8 {
        match (self.cached, self.started) {
            (false, Some(_)) => 2,
            (true, _) => 1,
            (false, None) => 0,
        }
    }

    fn span(&self) -> Option<(i128, i128)> {
        Some((self.started?, self.completed?)).filter(|(start, end)| end >= start)
    }

    /// Its span less the look-ups in it.
    fn without_lookups(&self) -> Vec<(i128, i128)> {
        let Some((start, end)) = self.span() else { return Vec::new() };
        let mut lookups = self.lookups.clone();
        lookups.sort_unstable();
        let mut left = Vec::new();
        let mut reached = start;
        for (from, to) in lookups {
            left.extend((from > reached).then_some((reached, from.min(end))));
            reached = reached.max(to);
        }
        left.extend((reached < end).then_some((reached, end)));
        left
    }

    fn step(&self) -> Step {
        let took = self.span().map_or(0, |(start, end)| end - start);
        Step {
            instruction: self.instruction.clone(),
            stage: self.stage.clone(),
            cached: self.cached,
            duration_ns: if self.cached { Nanos::ZERO } else { nanos(took) },
        }
    }
}

pub(super) fn since_epoch(seconds: i64, nanos: i32) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
}

pub(super) fn nanos(span: i128) -> Nanos {
    Nanos(u64::try_from(span.max(0)).unwrap_or(u64::MAX))
}

/// Time covered by at least one of the spans.
fn union(mut spans: Vec<(i128, i128)>) -> Nanos {
    spans.sort_unstable();
    let mut covered = 0;
    let mut reached = i128::MIN;
    for (start, end) in spans {
        let from = start.max(reached);
        covered += (end - from).max(0);
        reached = reached.max(end);
    }
    nanos(covered)
}

/// Kind, stage, place and instruction of a vertex name such as `[linux/amd64 builder 2/3] RUN make`.
pub(super) fn read_name(name: &str) -> (VertexKind, String, (u32, u32), String) {
    let whole = |kind| (kind, String::new(), (0, 0), instruction_text(name));
    if let Some((inside, rest)) = name.strip_prefix('[').and_then(|name| name.split_once("] ")) {
        let mut words: Vec<&str> = inside.split(' ').collect();
        let counted = words.pop().and_then(|last| {
            let (position, total) = last.split_once('/')?;
            let (position, total) = (position.parse::<u32>().ok()?, total.parse::<u32>().ok()?);
            Some((position, total.max(position)))
        });
        let Some(place) = counted else {
            return match inside {
                "internal" if rest.starts_with("load metadata") => {
                    // What failed when a base is missing is its FROM.
                    let base = rest.strip_prefix("load metadata for ").unwrap_or_default();
                    (VertexKind::Lookup, String::new(), (0, 0), instruction_text(&format!("FROM {base}")))
                }
                "auth" => whole(VertexKind::Lookup),
                "internal" if rest.starts_with("load ") || rest.starts_with("preparing") => whole(VertexKind::Upload),
                _ => whole(VertexKind::Other),
            };
        };
        // A platform has a slash, the name of a stage has none.
        let stage = words.last().filter(|word| !word.contains('/')).copied().unwrap_or_default();
        let instruction = instruction_text(rest);
        let kind = if is_base(&instruction) { VertexKind::Base } else { VertexKind::Instruction };
        return (kind, instruction_text(stage), place, instruction);
    }
    let kind = match name {
        _ if name.starts_with("copy /context") || name.starts_with("local://") => VertexKind::Upload,
        _ if name.starts_with("resolve image config") => VertexKind::Lookup,
        _ if name.starts_with("docker-image://") => VertexKind::Base,
        _ if name.starts_with("export") || name.starts_with("preparing layers") => VertexKind::Export,
        _ => VertexKind::Other,
    };
    whole(kind)
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::google::protobuf::Timestamp;

    use super::*;

    #[test]
    fn names_of_vertices_are_told_apart() {
        for (name, kind, stage, position, instruction) in [
            ("[2/3] RUN echo [1/2] x", VertexKind::Instruction, "", 2, "RUN echo [1/2] x"),
            ("[builder 3/3] COPY a b", VertexKind::Instruction, "builder", 3, "COPY a b"),
            (
                "[linux/amd64 stage-2 1/3] COPY --from=x /a /b",
                VertexKind::Instruction,
                "stage-2",
                1,
                "COPY --from=x /a /b",
            ),
            ("[linux/arm64 2/2] WORKDIR /app", VertexKind::Instruction, "", 2, "WORKDIR /app"),
            (
                "[base 1/1] FROM docker.io/library/python:3.9",
                VertexKind::Base,
                "base",
                1,
                "FROM docker.io/library/python:3.9",
            ),
            ("[internal] load build definition from Dockerfile", VertexKind::Upload, "", 0, ""),
            ("[internal] load .dockerignore", VertexKind::Upload, "", 0, ""),
            ("[internal] load remote build context", VertexKind::Upload, "", 0, ""),
            ("copy /context /", VertexKind::Upload, "", 0, ""),
            ("[internal] load metadata for docker.io/x:1", VertexKind::Lookup, "", 0, "FROM docker.io/x:1"),
            ("[auth] library/python:pull token for registry-1.docker.io", VertexKind::Lookup, "", 0, ""),
            ("exporting to image", VertexKind::Export, "", 0, ""),
            ("[", VertexKind::Other, "", 0, ""),
            ("[x", VertexKind::Other, "", 0, ""),
            ("", VertexKind::Other, "", 0, ""),
        ] {
            let found = read_name(name);
            assert_eq!((found.0, found.1.as_str(), found.2.0), (kind, stage, position), "{name}");
            if !instruction.is_empty() {
                assert_eq!(found.3, instruction);
            }
        }
    }

    #[test]
    fn an_instruction_that_began_before_this_build_is_another_s_unless_it_is_cached() {
        let told = |digest: &str, name: &str, cached: bool, started: Option<i64>| {
            let stamp = started.map(|seconds| Timestamp { seconds, nanos: 0 });
            let (digest, name) = (digest.to_owned(), name.to_owned());
            Told { digest, name, cached, started: stamp, completed: stamp, ..Told::default() }
        };
        let mut vertices = Vertices::new(Known::default());
        let vertexes = vec![
            told("own", "[internal] load remote build context", false, Some(10)),
            told("theirs", "[internal] load remote build context", false, Some(5)),
            told("a", "[2/9] RUN a", false, Some(6)),
            told("b", "[3/9] RUN b", true, Some(6)),
            told("c", "[4/9] RUN c", false, None),
            told("C", "[4/9] RUN c", false, Some(11)),
            told("d", "[5/9] RUN d", false, None),
            told("D", "[5/9] RUN d", true, None),
            told("e", "[6/9] RUN e", false, None),
            told("f", "[9/8] RUN f", false, Some(12)),
        ];
        let mut totals = Vec::new();
        vertices.status(StatusResponse { vertexes, ..StatusResponse::default() }, &mut |event| {
            if let BuildEvent::Step { index, total, .. } = event {
                totals.push((index, total));
            }
        });
        let folded = vertices.finish(Nanos(1));
        let steps: Vec<_> = folded.steps.iter().map(|step| (step.instruction.as_str(), step.cached)).collect();
        assert_eq!(steps, [("RUN b", true), ("RUN c", false), ("RUN d", true), ("RUN f", false)]);
        assert_eq!(folded.elsewhere, ["RUN a", "RUN e"]);
        assert_eq!(totals, [(2, 9), (4, 9), (9, 9)]);
    }

    #[test]
    fn the_look_ups_of_a_base_are_taken_out_of_its_span() {
        for (lookups, left) in [
            (vec![], vec![(10, 20)]),
            (vec![(12, 14)], vec![(10, 12), (14, 20)]),
            (vec![(15, 18), (12, 16)], vec![(10, 12), (18, 20)]),
            (vec![(12, 13), (12, 18), (14, 15)], vec![(10, 12), (18, 20)]),
            (vec![(0, 12), (19, 30)], vec![(12, 19)]),
            (vec![(0, 30)], vec![]),
            (vec![(0, 5), (25, 30)], vec![(10, 20)]),
        ] {
            let mut vertex = Vertex::new("[1/2] FROM x", 0);
            (vertex.started, vertex.completed, vertex.lookups) = (Some(10), Some(20), lookups.clone());
            assert_eq!(vertex.without_lookups(), left, "{lookups:?}");
        }
    }

    #[test]
    fn spans_that_overlap_count_once() {
        for (spans, expected) in [
            (vec![], 0),
            (vec![(0, 10)], 10),
            (vec![(0, 10), (5, 12), (20, 21)], 13),
            (vec![(5, 6), (0, 10)], 10),
            (vec![(0, 10), (10, 11)], 11),
            (vec![(-5, 5)], 10),
        ] {
            assert_eq!(union(spans.clone()), Nanos(expected), "{spans:?}");
        }
    }
}
