//! One series a variant over all runs, with what changed on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use tonnage_image::Platform;

use super::creep::{Creep, creep};
use super::history::{HistoryLine, HistoryVariant};
use crate::analyse::statistics;
use crate::record::{BaseOrigin, Outcome, Scenario};
use crate::units::{Bytes, Nanos, group_digits};

/// What a trend is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum TrendMetric {
    /// Classic unpacked size.
    Size,
    /// Bytes in the variant's own layers.
    Own,
    /// What a registry transfers.
    Wire,
    /// Median build time of a scenario.
    #[strum(transparent)]
    Build(Scenario),
    /// Median time to the first expected answer.
    Ready,
    /// What must be pulled after an edit.
    #[strum(to_string = "update_{0}")]
    Update(Scenario),
    /// Instructions of an observed build that can come from cache and did not.
    Reruns,
}

/// What a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum TrendUnit {
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    #[strum(to_string = "ns")]
    Time,
    /// Things.
    Count,
}

impl TrendMetric {
    /// The words for all of them.
    pub(crate) const WORDS: [&str; 15] = [
        "size",
        "own",
        "wire",
        "ready",
        "cold",
        "warm",
        "src",
        "deps",
        "touch",
        "base",
        "update_src",
        "update_deps",
        "update_base",
        "observed",
        "reruns",
    ];

    /// What values count.
    pub(crate) fn unit(self) -> TrendUnit {
        match self {
            Self::Build(_) | Self::Ready => TrendUnit::Time,
            Self::Reruns => TrendUnit::Count,
            Self::Size | Self::Own | Self::Wire | Self::Update(_) => TrendUnit::Bytes,
        }
    }

    /// Whether values are times.
    pub(crate) fn is_time(self) -> bool {
        self.unit() == TrendUnit::Time
    }

    /// A value as tables print it.
    pub(crate) fn show(self, value: u64) -> String {
        match self.unit() {
            TrendUnit::Bytes => Bytes(value).to_string(),
            TrendUnit::Time => Nanos(value).to_string(),
            TrendUnit::Count => group_digits(value),
        }
    }

    fn of(self, variant: &HistoryVariant) -> Option<u64> {
        match self {
            Self::Size => variant.size_bytes.map(|bytes| bytes.0),
            Self::Own => variant.own_bytes.map(|bytes| bytes.0),
            Self::Wire => variant.wire_bytes.map(|bytes| bytes.0),
            Self::Build(scenario) => variant.times_ns.get(&scenario).map(|time| time.0),
            Self::Ready => variant.ready_ns.map(|time| time.0),
            Self::Update(edit) => variant.update_bytes.get(&edit).map(|bytes| bytes.0),
            Self::Reruns => variant.reruns.map(u64::from),
        }
    }
}

impl FromStr for TrendMetric {
    type Err = strum::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "size" => Self::Size,
            "own" => Self::Own,
            "wire" => Self::Wire,
            "ready" => Self::Ready,
            "reruns" => Self::Reruns,
            word => match word.strip_prefix("update_") {
                Some(edit) => Self::Update(edit.parse()?),
                None => Self::Build(word.parse()?),
            },
        })
    }
}

/// One run in a variant's series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrendPoint {
    /// Index of the run in [`Trend::runs`].
    pub run: usize,
    /// Bytes or nanoseconds, by the metric.
    pub value: u64,
    /// How the variant went in that run.
    pub outcome: Outcome,
    /// What changed since the point before; empty where nothing did.
    pub changes: Vec<TrendChange>,
    /// Whether it was measured on a stand-in for a base image.
    pub stand_in: bool,
    /// Whether a line may be drawn to it from the point before: `false` for the first and where the two are unlike.
    pub joined: bool,
}

/// Something that changed between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrendChange {
    /// What.
    pub kind: ChangeKind,
    /// From what to what, one line.
    pub detail: String,
}

/// What can change between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum ChangeKind {
    /// The definitions of sizes: the figures are unlike.
    Metrics,
    /// The platform of the image: unlike.
    Platform,
    /// A stand-in took the place of a real base, or the other way round: unlike.
    #[strum(to_string = "stand-in")]
    StandIn,
    /// Compressed sizes were measured before and estimated now, or the other way round: unlike, for `wire`.
    #[strum(to_string = "wire kind")]
    WireKind,
    /// The processor or kernel that times were taken on: unlike, for times.
    Host,
    /// The engine: unlike for times, a mark for sizes.
    Engine,
    /// A base image.
    Base,
    /// The Dockerfile.
    #[strum(to_string = "Dockerfile")]
    Definition,
}

impl ChangeKind {
    /// Whether figures of a metric before and after such a change are unlike, so that no line joins them.
    pub(crate) fn separates(self, metric: TrendMetric) -> bool {
        match self {
            Self::Metrics | Self::Platform | Self::StandIn => true,
            Self::WireKind => metric == TrendMetric::Wire,
            Self::Host | Self::Engine => metric.is_time(),
            Self::Base | Self::Definition => false,
        }
    }
}

/// One variant over all runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VariantTrend {
    /// The variant.
    pub variant: String,
    /// Its points, oldest first. Runs that know no value are left out.
    pub points: Vec<TrendPoint>,
    /// Theil–Sen slope per run over the last joined stretch; `None` with fewer than 2 points there.
    pub slope: Option<f64>,
    /// Slow growth in the last joined stretch; of sizes only.
    pub creep: Option<Creep>,
}

impl VariantTrend {
    /// The points since the last break.
    pub(crate) fn last_stretch(&self) -> &[TrendPoint] {
        let start = self.points.iter().rposition(|point| !point.joined).unwrap_or(0);
        &self.points[start..]
    }
}

/// One metric of one suite over all runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trend {
    /// Name of the suite.
    pub suite: String,
    /// The metric.
    pub metric: TrendMetric,
    /// End of each run, UTC, RFC 3339, oldest first.
    pub runs: Vec<String>,
    /// Commit of each run; empty where none is known.
    pub commits: Vec<String>,
    /// One entry a variant, in the order of first appearance.
    pub variants: Vec<VariantTrend>,
    /// References of the base images that stand-ins took the place of in any of the runs.
    pub stand_ins: BTreeSet<String>,
}

/// The series of one metric, from lines in the order of the runs.
pub(crate) fn trend(lines: &[HistoryLine], metric: TrendMetric) -> Trend {
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
        commits: lines.iter().map(|line| line.commit.clone()).collect(),
        variants: order.into_iter().map(|name| one(name, &series[name], metric)).collect(),
        stand_ins: series
            .values()
            .flatten()
            .flat_map(|(_, _, variant)| &variant.bases)
            .filter(|base| base.origin == BaseOrigin::StandIn)
            .map(|base| base.reference.clone())
            .collect(),
    }
}

fn one(name: &str, entries: &[(usize, &HistoryLine, &HistoryVariant)], metric: TrendMetric) -> VariantTrend {
    let mut points = Vec::new();
    for (index, (run, line, variant)) in entries.iter().enumerate() {
        let Some(value) = metric.of(variant) else { continue };
        let before = index.checked_sub(1).map(|index| entries[index]);
        let changes = before.map_or_else(Vec::new, |(_, old_line, old)| changes((old_line, old), (line, variant)));
        let joined = before.is_some() && !changes.iter().any(|change| change.kind.separates(metric));
        let stand_in = is_stand_in(variant);
        points.push(TrendPoint { run: *run, value, outcome: variant.outcome, changes, stand_in, joined });
    }
    let mut found = VariantTrend { variant: name.to_owned(), points, slope: None, creep: None };
    let stretch = found.last_stretch();
    let line: Vec<(f64, f64)> = stretch.iter().map(|point| (point.run as f64, point.value as f64)).collect();
    let slope = statistics::theil_sen(&line);
    let values: Vec<f64> = line.iter().map(|(_, value)| *value).collect();
    let growth = if metric.unit() == TrendUnit::Bytes { creep(&values) } else { None };
    found.slope = slope;
    found.creep = growth;
    found
}

fn is_stand_in(variant: &HistoryVariant) -> bool {
    variant.bases.iter().any(|base| base.origin == BaseOrigin::StandIn)
}

fn changes(old: (&HistoryLine, &HistoryVariant), new: (&HistoryLine, &HistoryVariant)) -> Vec<TrendChange> {
    let mut found = Vec::new();
    let mut differ = |kind, before: String, after: String| {
        // What an older line does not say is not a change.
        if before != after && !before.is_empty() && !after.is_empty() {
            found.push(TrendChange { kind, detail: format!("{before} → {after}") });
        }
    };
    let stand_in = |variant: &HistoryVariant| if is_stand_in(variant) { "stand-in" } else { "real base" }.to_owned();
    let wire = |variant: &HistoryVariant| variant.wire_kind.map_or_else(String::new, |kind| kind.word().to_owned());
    let bases = |variant: &HistoryVariant| {
        let names = variant.bases.iter().map(|base| format!("{} {}", base.reference, brief(&base.id)));
        names.collect::<Vec<_>>().join(", ")
    };
    differ(ChangeKind::Metrics, old.0.metrics_version.to_string(), new.0.metrics_version.to_string());
    let platform = |variant: &HistoryVariant| {
        if variant.platform.is_empty() { String::new() } else { Platform::lenient(&variant.platform).to_string() }
    };
    differ(ChangeKind::Platform, platform(old.1), platform(new.1));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::trend::history_line;
    use crate::record::WireKind;
    use crate::testing::fixture::{self, NAMES};

    /// Runs of the made-up suite in which each image is 0.3 % larger than in the run before.
    fn runs(count: usize) -> Vec<HistoryLine> {
        let model = history_line(&fixture::record());
        let mut factor = 1.0;
        (0..count)
            .map(|run| {
                let mut line = model.clone();
                line.finished_at = format!("2026-11-{:02}T12:00:00Z", run + 1);
                for variant in &mut line.variants {
                    variant.size_bytes = variant.size_bytes.map(|bytes| Bytes((bytes.0 as f64 * factor) as u64));
                }
                factor *= 1.003;
                line
            })
            .collect()
    }

    fn kinds(trend: &Trend, variant: usize, point: usize) -> Vec<ChangeKind> {
        trend.variants[variant].points[point].changes.iter().map(|change| change.kind).collect()
    }

    #[test]
    fn every_variant_has_a_series_with_slope_and_creep() {
        let found = trend(&runs(30), TrendMetric::Size);
        assert_eq!((found.suite.as_str(), found.runs.len()), ("flask-blog", 30));
        assert_eq!(found.variants.iter().map(|line| line.variant.as_str()).collect::<Vec<_>>(), NAMES);
        for line in &found.variants {
            assert_eq!(line.points.len(), 30);
            assert!(!line.points[0].joined && line.points[1..].iter().all(|point| point.joined));
            assert_eq!(line.creep.map(|creep| creep.runs), Some(30));
            let first = line.points[0].value as f64;
            assert!((line.slope.unwrap() / first - 0.003).abs() < 0.0005, "{:?}", line.slope);
        }
        assert_eq!(trend(&runs(30), TrendMetric::Build(Scenario::Cold)).variants[0].creep, None);
    }

    #[test]
    fn a_new_base_engine_or_dockerfile_is_a_mark_on_sizes_and_the_line_goes_on() {
        let mut lines = runs(8);
        for line in &mut lines[3..] {
            line.variants[0].bases[0].id = "sha256:0123456789abcdef".to_owned();
        }
        for line in &mut lines[5..] {
            line.engine = "docker 29.0.0, containerd/overlayfs, buildkit".to_owned();
            line.variants[0].definition = "sha256:fedcba9876543210".to_owned();
        }
        let sizes = trend(&lines, TrendMetric::Size);
        assert_eq!(kinds(&sizes, 0, 3), [ChangeKind::Base]);
        assert!(sizes.variants[0].points[3].changes[0].detail.ends_with("→ python:3.9 0123456789ab"));
        assert_eq!(kinds(&sizes, 0, 5), [ChangeKind::Engine, ChangeKind::Definition]);
        assert_eq!(sizes.variants[0].last_stretch().len(), 8);
        let times = trend(&lines, TrendMetric::Build(Scenario::Cold));
        assert!(!times.variants[0].points[5].joined, "times of two engines are unlike");
        assert_eq!(times.variants[0].last_stretch().len(), 3);
    }

    #[test]
    fn lines_are_not_joined_across_unlike_definitions() {
        for unlike in 0..4 {
            let mut lines = runs(8);
            for line in &mut lines[4..] {
                let variant = &mut line.variants[1];
                match unlike {
                    0 => line.metrics_version += 1,
                    1 => variant.platform = "linux/arm64".to_owned(),
                    2 => variant.bases[0].origin = BaseOrigin::StandIn,
                    _ => variant.wire_kind = Some(WireKind::Exact),
                }
            }
            let found = trend(&lines, if unlike == 3 { TrendMetric::Wire } else { TrendMetric::Size });
            assert!(!found.variants[1].points[4].joined, "{unlike}");
            assert_eq!(found.variants[1].last_stretch().len(), 4);
        }
    }

    #[test]
    fn what_an_older_line_does_not_say_is_no_change() {
        let mut lines = runs(4);
        for line in &mut lines[..2] {
            line.host.clear();
            line.engine.clear();
            line.variants[0].definition.clear();
            line.variants[0].platform.clear();
        }
        let found = trend(&lines, TrendMetric::Build(Scenario::Warm));
        assert!(found.variants[0].points.iter().all(|point| point.changes.is_empty()));
    }

    #[test]
    fn variants_come_and_go_and_fail() {
        let mut lines = runs(6);
        lines[2].variants.remove(3);
        lines[3].variants[0].size_bytes = None;
        lines[4].variants.truncate(1);
        let mut late = lines[5].variants[0].clone();
        late.name = "late".to_owned();
        lines[5].variants.push(late);
        let found = trend(&lines, TrendMetric::Size);
        let runs_of = |at: usize| found.variants[at].points.iter().map(|point| point.run).collect::<Vec<_>>();
        assert_eq!(runs_of(0), [0, 1, 2, 4, 5]);
        assert_eq!(runs_of(3), [0, 1, 3, 5]);
        assert_eq!((found.variants[4].variant.as_str(), runs_of(4)), ("late", vec![5]));
        assert_eq!(trend(&[], TrendMetric::Size).variants, vec![]);
    }

    #[test]
    fn metrics_read_back_from_their_words() {
        for metric in [
            TrendMetric::Size,
            TrendMetric::Own,
            TrendMetric::Wire,
            TrendMetric::Ready,
            TrendMetric::Build(Scenario::Src),
        ] {
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
        assert!("speed".parse::<TrendMetric>().is_err());
    }
}
