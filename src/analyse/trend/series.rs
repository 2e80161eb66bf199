//! One series a variant over all runs, with what changed on the way.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::creep::{Creep, creep};
use super::history::{HistoryLine, HistoryVariant};
use crate::analyse::statistics;
use crate::record::{BaseOrigin, Outcome, Scenario, WireKind};
use crate::units::{Bytes, Nanos};

/// What a trend is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Classic unpacked size.
    Size,
    /// Bytes in the variant's own layers.
    Own,
    /// What a registry transfers.
    Wire,
    /// Median build time of a scenario.
    Build(Scenario),
    /// Median time to the first expected answer.
    Ready,
}

impl Metric {
    /// Whether values are times rather than sizes.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Build(_) | Self::Ready)
    }

    /// A value as tables print it.
    pub fn show(self, value: u64) -> String {
        if self.is_time() { Nanos(value).to_string() } else { Bytes(value).to_string() }
    }

    fn of(self, variant: &HistoryVariant) -> Option<u64> {
        match self {
            Self::Size => variant.size_bytes.map(|bytes| bytes.0),
            Self::Own => variant.own_bytes.map(|bytes| bytes.0),
            Self::Wire => variant.wire_bytes.map(|bytes| bytes.0),
            Self::Build(scenario) => variant.times_ns.get(&scenario).map(|time| time.0),
            Self::Ready => variant.ready_ns.map(|time| time.0),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Size => "size",
            Self::Own => "own",
            Self::Wire => "wire",
            Self::Build(scenario) => scenario.word(),
            Self::Ready => "ready",
        })
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "size" => Self::Size,
            "own" => Self::Own,
            "wire" => Self::Wire,
            "ready" => Self::Ready,
            other => {
                Self::Build(other.parse().map_err(|_| {
                    format!("`{other}` is none of size, own, wire, ready, cold, warm, src, deps, touch")
                })?)
            }
        })
    }
}

/// One run in a variant's series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Index of the run in [`Trend::runs`].
    pub run: usize,
    /// Bytes or nanoseconds, by the metric.
    pub value: u64,
    /// How the variant went in that run.
    pub outcome: Outcome,
    /// What changed since the point before; empty where nothing did.
    pub changes: Vec<Change>,
    /// Whether a line may be drawn to it from the point before: `false` for the first and where the two are unlike.
    pub joined: bool,
}

/// Something that changed between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub kind: ChangeKind,
    /// From what to what, one line.
    pub detail: String,
}

/// What can change between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// The definitions of sizes: the figures are unlike.
    Metrics,
    /// The platform of the image: unlike.
    Platform,
    /// A stand-in took the place of a real base, or the other way round: unlike.
    StandIn,
    /// Compressed sizes were measured before and estimated now, or the other way round: unlike, for `wire`.
    WireKind,
    /// The processor or kernel that times were taken on: unlike, for times.
    Host,
    /// The engine: unlike for times, a mark for sizes.
    Engine,
    /// A base image.
    Base,
    /// The Dockerfile.
    Definition,
}

impl ChangeKind {
    /// Whether figures of a metric before and after such a change are unlike, so that no line joins them.
    pub fn separates(self, metric: Metric) -> bool {
        match self {
            Self::Metrics | Self::Platform | Self::StandIn => true,
            Self::WireKind => metric == Metric::Wire,
            Self::Host | Self::Engine => metric.is_time(),
            Self::Base | Self::Definition => false,
        }
    }

    /// One word or two for a mark.
    pub fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Platform => "platform",
            Self::StandIn => "stand-in",
            Self::WireKind => "wire kind",
            Self::Host => "host",
            Self::Engine => "engine",
            Self::Base => "base",
            Self::Definition => "Dockerfile",
        }
    }
}

/// One variant over all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantTrend {
    /// The variant.
    pub variant: String,
    /// Its points, oldest first. Runs that know no value are left out.
    pub points: Vec<Point>,
    /// Theil–Sen slope per run over the last joined stretch; `None` with fewer than 2 points there.
    pub slope: Option<f64>,
    /// Slow growth in the last joined stretch; of sizes only.
    pub creep: Option<Creep>,
}

impl VariantTrend {
    /// The points since the last break.
    pub fn last_stretch(&self) -> &[Point] {
        let start = self.points.iter().rposition(|point| !point.joined).unwrap_or(0);
        &self.points[start..]
    }
}

/// One metric of one suite over all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// Name of the suite.
    pub suite: String,
    /// The metric.
    pub metric: Metric,
    /// End of each run, UTC, RFC 3339, oldest first.
    pub runs: Vec<String>,
    /// One entry a variant, in the order of first appearance.
    pub variants: Vec<VariantTrend>,
}

/// The series of one metric, from lines in the order of the runs.
pub fn trend(lines: &[HistoryLine], metric: Metric) -> Trend {
    let mut order: Vec<&str> = Vec::new();
    let mut series: BTreeMap<&str, Vec<(usize, &HistoryLine, &HistoryVariant)>> = BTreeMap::new();
    for (run, line) in lines.iter().enumerate() {
        for variant in &line.variants {
            let entries = series.entry(&variant.name).or_insert_with(|| {
                order.push(&variant.name);
                Vec::new()
            });
            if metric.of(variant).is_some() {
                entries.push((run, line, variant));
            }
        }
    }
    Trend {
        suite: lines.last().map(|line| line.suite.clone()).unwrap_or_default(),
        metric,
        runs: lines.iter().map(|line| line.finished_at.clone()).collect(),
        variants: order.into_iter().map(|name| one(name, &series[name], metric)).collect(),
    }
}

fn one(name: &str, entries: &[(usize, &HistoryLine, &HistoryVariant)], metric: Metric) -> VariantTrend {
    let mut points = Vec::new();
    for (index, (run, line, variant)) in entries.iter().enumerate() {
        let Some(value) = metric.of(variant) else { continue };
        let before = index.checked_sub(1).map(|index| entries[index]);
        let changes = before.map_or_else(Vec::new, |(_, old_line, old)| changes((old_line, old), (line, variant)));
        let joined = before.is_some() && !changes.iter().any(|change| change.kind.separates(metric));
        points.push(Point { run: *run, value, outcome: variant.outcome, changes, joined });
    }
    let mut found = VariantTrend { variant: name.to_owned(), points, slope: None, creep: None };
    let stretch = found.last_stretch();
    let line: Vec<(f64, f64)> = stretch.iter().map(|point| (point.run as f64, point.value as f64)).collect();
    let slope = statistics::theil_sen(&line);
    let values: Vec<f64> = line.iter().map(|(_, value)| *value).collect();
    let growth = if metric.is_time() { None } else { creep(&values) };
    found.slope = slope;
    found.creep = growth;
    found
}

fn changes(old: (&HistoryLine, &HistoryVariant), new: (&HistoryLine, &HistoryVariant)) -> Vec<Change> {
    let mut found = Vec::new();
    let mut differ = |kind, before: String, after: String| {
        if before != after {
            found.push(Change { kind, detail: format!("{before} → {after}") });
        }
    };
    let stand_in = |variant: &HistoryVariant| {
        let is = variant.bases.iter().any(|base| base.origin == BaseOrigin::StandIn);
        if is { "stand-in" } else { "real base" }.to_owned()
    };
    let wire = |variant: &HistoryVariant| match variant.wire_kind {
        Some(WireKind::Exact) => "exact".to_owned(),
        Some(WireKind::Estimated) => "estimated".to_owned(),
        None => String::new(),
    };
    let bases = |variant: &HistoryVariant| {
        let names = variant.bases.iter().map(|base| format!("{} {}", base.reference, brief(&base.id)));
        names.collect::<Vec<_>>().join(", ")
    };
    differ(ChangeKind::Metrics, old.0.metrics_version.to_string(), new.0.metrics_version.to_string());
    differ(ChangeKind::Platform, old.1.platform.clone(), new.1.platform.clone());
    differ(ChangeKind::StandIn, stand_in(old.1), stand_in(new.1));
    differ(ChangeKind::WireKind, wire(old.1), wire(new.1));
    differ(ChangeKind::Host, old.0.host.clone(), new.0.host.clone());
    differ(ChangeKind::Engine, old.0.engine.clone(), new.0.engine.clone());
    differ(ChangeKind::Base, bases(old.1), bases(new.1));
    differ(ChangeKind::Definition, brief(&old.1.definition), brief(&new.1.definition));
    found
}

/// The first twelve digits of a digest, as engines print ids.
fn brief(digest: &str) -> String {
    digest.strip_prefix("sha256:").unwrap_or(digest).chars().take(12).collect()
}
