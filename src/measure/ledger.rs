//! The ledger: what a run makes on an engine, written down before it is made, so that `tonnage clean` finds it
//! after a kill.
//!
//! One file a run under the state folder (`$XDG_STATE_HOME/tonnage`, else `~/.local/state/tonnage`), locked while
//! the run lives: a lock that can be taken means that the run is over, however it ended.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::{
    BuildEvent, BuildFailure, BuildOutput, BuildRequest, CleanReport, EngineError, ImageBuilder, Ownership, Removal,
    Trace,
};
use crate::error::Diagnose;
use crate::fsx::{self, FileError};
use crate::machine::unix_nanos;
use crate::units::Nanos;

/// Time for an engine to end a build whose client is gone.
const SETTLE: Duration = Duration::from_secs(2);
/// How long ago a build may have been cut short for the engine to be still at it.
const FRESH: Duration = Duration::from_secs(60);
/// How often a build that goes on is written down.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Why a ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LedgerError(#[from] FileError);

impl Diagnose for LedgerError {
    fn hint(&self) -> Option<String> {
        Some("set XDG_STATE_HOME to a writable directory".into())
    }
}

/// One line of a ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LedgerLine {
    /// The run begins: endpoint of the engine and what was there before.
    Begin { endpoint: String, ownership: Box<Ownership> },
    /// Something is about to be tagged.
    Tag(String),
    /// An image that a pull brought, or that a build which was cut short has named.
    Image(String),
    /// Instructions that are about to be built for the first time.
    Instructions(Vec<String>),
    /// A build begins (nanoseconds since the Unix epoch).
    Opened(u64),
    /// The build goes on (nanoseconds since the Unix epoch). Not synced: it must outlive a kill, not a power cut.
    Alive(u64),
    /// The builder made something that stays if the build is cut short. Not synced.
    Made(Trace),
    /// The build ended: its span, images that it made, instructions seen for the first time.
    Closed { start: u64, end: u64, images: Vec<String>, instructions: Vec<String> },
}

/// The ledger of a run that is going on.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    path: PathBuf,
    ownership: Ownership,
    /// When the build that goes on began.
    building: Option<(u64, Instant)>,
    spent: Nanos,
}

/// A ledger whose run is over.
#[derive(Debug)]
pub(crate) struct Stale {
    /// Endpoint of the engine that it was made on.
    pub endpoint: String,
    /// What is the run's own.
    pub ownership: Ownership,
    /// Where the ledger lies.
    pub path: PathBuf,
    /// When the build that was cut short gave its last sign of life, in nanoseconds since the Unix epoch.
    cut: Option<u64>,
    /// Holds the lock, so that two clean-ups do not meet.
    _file: File,
}

impl Stale {
    /// Whether a build was cut short a moment ago, so that the engine may still be at it.
    pub(crate) fn is_fresh_cut(&self) -> bool {
        self.cut.is_some_and(|cut| unix_nanos().saturating_sub(cut) < Nanos::from(FRESH).0)
    }

    /// Removes the ledger: nothing of the run is left.
    pub(crate) fn forget(self) -> Result<(), LedgerError> {
        remove(&self.path)
    }
}

impl Ledger {
    /// Begins the ledger of a run, or goes on with the one that an earlier part of the run left.
    pub(super) fn open(folder: &Path, endpoint: &str, ownership: Ownership) -> Result<Self, LedgerError> {
        fsx::create_dir_all(folder)?;
        let path = folder.join(format!("{}.jsonl", ownership.run));
        let earlier = if path.exists() { replay(&fsx::read(&path)?) } else { None };
        let file = fsx::open_private(&path)?;
        file.try_lock().map_err(|error| FileError::new("lock", &path, io::Error::other(error.to_string())))?;
        if let Some(LedgerState { ownership, .. }) = earlier {
            return Ok(Self { file, path, ownership, building: None, spent: Nanos::ZERO });
        }
        let begin = LedgerLine::Begin { endpoint: endpoint.to_owned(), ownership: Box::new(ownership.clone()) };
        let mut ledger = Self { file, path, ownership, building: None, spent: Nanos::ZERO };
        ledger.append(&begin)?;
        fsx::sync_dir(folder)?;
        Ok(ledger)
    }

    /// What is the run's own so far.
    pub(super) fn ownership(&self) -> &Ownership {
        &self.ownership
    }

    /// Writes down a reference before it is made.
    pub(super) fn tag(&mut self, reference: &str) -> Result<(), LedgerError> {
        if self.ownership.tags.insert(reference.to_owned()) {
            self.append(&LedgerLine::Tag(reference.to_owned()))?;
        }
        Ok(())
    }

    /// Writes down an image that a pull brought, or that a build which was cut short has named.
    pub(super) fn image(&mut self, id: &str) -> Result<(), LedgerError> {
        let line = LedgerLine::Image(id.to_owned());
        apply(&mut self.ownership, &line);
        self.append(&line)
    }

    /// Builds an image, and writes down before, meanwhile, and afterwards what proves its traces to be the run's own.
    /// The instructions tell its records from those of another build where a kill leaves no answer to read them from.
    pub(super) async fn build<'i, B: ImageBuilder>(
        &mut self,
        builder: &B,
        request: &BuildRequest,
        instructions: impl IntoIterator<Item = &'i str>,
        observe: &mut dyn FnMut(BuildEvent),
    ) -> Result<Result<Result<BuildOutput, BuildFailure>, EngineError>, LedgerError> {
        for tag in &request.tags {
            self.tag(tag)?;
        }
        self.opened(instructions)?;
        let Self { file, ownership, .. } = &mut *self;
        let file = &*file;
        let mut watch = |event| {
            if let BuildEvent::Made(trace) = &event {
                note(file, &LedgerLine::Made(trace.clone()));
                ownership.note(trace);
            }
            observe(event);
        };
        let built = {
            let mut building = std::pin::pin!(builder.build(request, &mut watch));
            loop {
                tokio::select! {
                    built = &mut building => break built,
                    () = tokio::time::sleep(HEARTBEAT) => note(file, &LedgerLine::Alive(unix_nanos())),
                }
            }
        };
        self.closed(built.as_ref().ok())?;
        Ok(built)
    }

    /// Whether a build goes on, or was cut short.
    pub(super) fn is_building(&self) -> bool {
        self.building.is_some()
    }

    /// Writes down that the build that was cut short is over: what somebody else makes from now on is not its.
    pub(super) fn cut(&mut self) -> Result<(), LedgerError> {
        if self.building.is_some() { self.closed(None) } else { Ok(()) }
    }

    fn opened<'i>(&mut self, instructions: impl IntoIterator<Item = &'i str>) -> Result<(), LedgerError> {
        let known = &self.ownership.instructions;
        let fresh: Vec<String> =
            instructions.into_iter().filter(|text| !known.contains(*text)).map(str::to_owned).collect();
        if !fresh.is_empty() {
            let line = LedgerLine::Instructions(fresh);
            apply(&mut self.ownership, &line);
            self.append(&line)?;
        }
        let now = unix_nanos();
        self.building = Some((now, Instant::now()));
        self.ownership.windows.push((now, u64::MAX));
        self.append(&LedgerLine::Opened(now))
    }

    /// Writes down what a build made; `None` for one that was cut short.
    fn closed(&mut self, built: Option<&Result<BuildOutput, BuildFailure>>) -> Result<(), LedgerError> {
        let (mut images, instructions) = match built {
            None => (Vec::new(), Vec::new()),
            Some(Ok(output)) => {
                let fresh = output.steps.iter().map(|step| &step.instruction);
                let fresh = fresh.filter(|text| !self.ownership.instructions.contains(*text)).cloned().collect();
                (output.intermediate.clone(), fresh)
            }
            Some(Err(failure)) => (failure.intermediate.clone(), Vec::new()),
        };
        images.extend(built.and_then(|built| built.as_ref().ok()).map(|output| output.image_id.clone()));
        images.retain(|image| !image.is_empty() && !self.ownership.images.contains(image));
        let (start, end) = match self.building.take() {
            Some((start, begun)) => span(start, unix_nanos(), Nanos::from(begun.elapsed())),
            None => (0, unix_nanos()),
        };
        let line = LedgerLine::Closed { start, end, images, instructions };
        apply(&mut self.ownership, &line);
        self.append(&line)
    }

    /// Removes the ledger: nothing of the run is left on the engine.
    pub(super) fn forget(self) -> Result<(), LedgerError> {
        remove(&self.path)
    }

    /// Time that writing took since this was last asked.
    pub(super) fn take_spent(&mut self) -> Nanos {
        std::mem::take(&mut self.spent)
    }

    fn append(&mut self, line: &LedgerLine) -> Result<(), LedgerError> {
        let begun = Instant::now();
        fsx::append_json(&mut self.file, &self.path, std::slice::from_ref(line))?;
        self.spent += Nanos::from(begun.elapsed());
        Ok(())
    }
}

/// Writes a line that need not outlive a power cut. One that cannot be written is missed by a clean-up after a kill
/// only, and the next synced line says why.
fn note(mut file: &File, line: &LedgerLine) {
    if let Ok(text) = serde_json::to_string(line) {
        drop(file.write_all(format!("{text}\n").as_bytes()));
    }
}

/// The ledgers in the folder, which need not be there yet; sorted.
fn ledgers(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(FileError::new("list", folder, source)),
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    Ok(paths)
}

/// The ledgers in the folder whose runs are over. One that cannot be understood is left out: it lists nothing.
pub(crate) fn stale_runs(folder: &Path) -> Result<Vec<Stale>, LedgerError> {
    let mut stale = Vec::new();
    for path in ledgers(folder)? {
        let file = fsx::open(&path)?;
        if file.try_lock().is_err() {
            continue;
        }
        if let Some(LedgerState { endpoint, ownership, cut }) = replay(&fsx::read(&path)?) {
            stale.push(Stale { endpoint, ownership, path, cut, _file: file });
        }
    }
    Ok(stale)
}

/// Removes what is a run's own. Where a build was `cut` short a moment ago this is done twice: the engine may end such a
/// build, and name its image, after its client is gone (seen on Docker 20.10 under load).
pub(crate) async fn clean_after<B: ImageBuilder>(
    builder: &B,
    ownership: &Ownership,
    removal: Removal,
    cut: bool,
) -> Result<CleanReport, EngineError> {
    let first = builder.clean(ownership, removal).await?;
    if !cut || removal == Removal::List {
        return Ok(first);
    }
    tokio::time::sleep(SETTLE).await;
    let mut report = builder.clean(ownership, removal).await?;
    // What was left is left still, and said once.
    report += CleanReport { left: Vec::new(), used: 0, ..first };
    Ok(report)
}

/// Ids of the runs whose ledgers are locked: they are going on.
pub(crate) fn living_runs(folder: &Path) -> Vec<String> {
    let locked = |path: &PathBuf| File::open(path).is_ok_and(|file| file.try_lock().is_err());
    let paths = ledgers(folder).unwrap_or_default().into_iter().filter(locked);
    paths.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect()
}

fn remove(path: &Path) -> Result<(), LedgerError> {
    fs::remove_file(path).map_err(|source| FileError::new("remove", path, source).into())
}

/// What a ledger says.
struct LedgerState {
    endpoint: String,
    ownership: Ownership,
    cut: Option<u64>,
}

/// Reads as many lines as are whole.
fn replay(bytes: &[u8]) -> Option<LedgerState> {
    let mut lines =
        bytes.split(|byte| *byte == b'\n').map_while(|line| serde_json::from_slice::<LedgerLine>(line).ok());
    let Some(LedgerLine::Begin { endpoint, ownership }) = lines.next() else {
        return None;
    };
    let mut ownership = *ownership;
    let mut last = 0;
    for line in lines {
        if let LedgerLine::Opened(at) | LedgerLine::Alive(at) = line {
            last = at;
        }
        apply(&mut ownership, &line);
    }
    // A build that was cut short ends with its last sign of life: whatever comes later is somebody else's.
    let mut cut = None;
    for (start, end) in ownership.windows.iter_mut().filter(|(_, end)| *end == u64::MAX) {
        *end = last.max(*start);
        cut = Some(*end);
    }
    Some(LedgerState { endpoint, ownership, cut })
}

fn apply(ownership: &mut Ownership, line: &LedgerLine) {
    match line {
        LedgerLine::Begin { .. } | LedgerLine::Alive(_) => {}
        LedgerLine::Image(image) => {
            ownership.images.insert(image.clone());
        }
        LedgerLine::Made(trace) => ownership.note(trace),
        LedgerLine::Tag(reference) => {
            ownership.tags.insert(reference.clone());
        }
        LedgerLine::Instructions(instructions) => ownership.instructions.extend(instructions.iter().cloned()),
        LedgerLine::Opened(start) => ownership.windows.push((*start, u64::MAX)),
        LedgerLine::Closed { start, end, images, instructions } => {
            if let Some(window) = ownership.windows.last_mut() {
                *window = (*start, *end);
            }
            ownership.images.extend(images.iter().cloned());
            ownership.instructions.extend(instructions.iter().cloned());
        }
    }
}

/// The span of wall-clock time in which an engine may have stamped what a build made: wider than from start to end
/// where the clock was set in between, which the monotonic clock tells.
fn span(start: u64, end: u64, took: Nanos) -> (u64, u64) {
    (start.min(end.saturating_sub(took.0)), end.max(start.saturating_add(took.0)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn ownership() -> Ownership {
        Ownership { run: "r1".into(), ..Ownership::default() }
    }

    fn failure() -> BuildFailure {
        BuildFailure {
            message: String::new(),
            instruction: String::new(),
            log: Vec::new(),
            wall_ns: Nanos(1),
            intermediate: vec!["sha256:1".into()],
        }
    }

    #[test]
    fn a_killed_run_leaves_a_ledger_that_says_what_it_made_and_a_living_one_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(dir.path(), "unix:///x.sock", ownership()).unwrap();
        ledger.tag("tonnage-run:a").unwrap();
        ledger.opened(["RUN make"]).unwrap();
        ledger.closed(Some(&Err(failure()))).unwrap();
        ledger.opened(["RUN make", "RUN make install"]).unwrap();
        assert!(stale_runs(dir.path()).unwrap().is_empty(), "the run lives");
        assert_eq!(living_runs(dir.path()), ["r1"]);
        note(&ledger.file, &LedgerLine::Made(Trace::Container("abcdef123456".into())));
        let mut expected = ledger.ownership().clone();
        expected.note(&Trace::Container("abcdef123456".into()));
        // The last sign of life is its beginning, and a moment later.
        let end = expected.windows[1].0 + 7;
        note(&ledger.file, &LedgerLine::Alive(end));
        assert_eq!(std::mem::replace(&mut expected.windows[1].1, end), u64::MAX);
        drop(ledger);
        let mut stale = stale_runs(dir.path()).unwrap();
        assert_eq!(stale.len(), 1);
        assert_eq!(stale[0].endpoint, "unix:///x.sock");
        assert_eq!(stale[0].ownership, expected);
        assert!(stale[0].ownership.instructions.contains("RUN make install"), "but what it was is known");
        stale.pop().unwrap().forget().unwrap();
        assert!(stale_runs(dir.path()).unwrap().is_empty());
    }

    #[test]
    fn a_clock_that_is_set_during_a_build_makes_its_span_wider_and_never_empty() {
        let took = Nanos(10);
        assert_eq!(span(100, 110, took), (100, 110));
        assert_eq!(span(100, 50, took), (40, 110), "set back");
        assert_eq!(span(100, 500, took), (100, 500), "set forward");
        assert_eq!(span(5, 2, took), (0, 15));
    }

    #[test]
    fn a_line_cut_short_is_as_if_it_had_not_been_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(dir.path(), "e", ownership()).unwrap();
        ledger.tag("a").unwrap();
        let path = ledger.path.clone();
        drop(ledger);
        File::options().append(true).open(&path).unwrap().write_all(b"{\"tag\":\"b").unwrap();
        let stale = stale_runs(dir.path()).unwrap();
        assert_eq!(stale[0].ownership.tags.iter().collect::<Vec<_>>(), ["a"]);
    }
}
