//! The journal of a run: one line per finished step, on disk before the next step begins.
//!
//! `journal.jsonl` lies in the results folder. Its first line says what the run is (and must fit for a resume);
//! each further line is a fact that was measured. A line that a crash cut short is the last one and is dropped. Each
//! line has a checksum: one that is damaged costs the step that it tells of, which is then measured again. The first
//! line, without which there is no run, is there twice. It holds what the run was asked to do, values of build arguments
//! included, so the file is for its owner alone.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::options::RunOptions;
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::{self, FileError};
use crate::record::{Finding, Pull, Record, Sample, Spent, Upgrade, Variant};
use crate::units::Nanos;

/// Name of the journal inside a results folder.
pub(super) const FILE: &str = "journal.jsonl";

/// Why a journal could not be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It does not begin as a journal does.
    #[error("`{}` is not the journal of a run: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is none.
    #[error("there is no run to resume in `{}`", dir.display())]
    Missing {
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// Another tonnage writes it.
    #[error("another tonnage is at work in `{}`", dir.display())]
    Busy {
        /// Where.
        dir: PathBuf,
    },
    /// There is one already.
    #[error("`{}` already holds a run", dir.display())]
    Exists {
        /// Where.
        dir: PathBuf,
    },
}

impl Diagnose for JournalError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Malformed { .. } => Some("start a new run in another directory".into()),
            Self::Missing { .. } => {
                Some("only a run that was killed, interrupted or lost its engine leaves a journal to resume".into())
            }
            Self::Busy { .. } => Some("wait for it to end".into()),
            Self::Exists { dir } => {
                Some(format!("choose another directory with `--out`, or continue with `--resume {}`", dir.display()))
            }
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Exists { .. } => Exit::Usage,
            _ => Exit::Unreadable,
        }
    }
}

/// One line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JournalLine {
    /// The record as it was when the run began, and the run's id.
    Begin {
        /// Value of the label on all that the run makes.
        run: String,
        /// The record with no samples in it.
        record: Box<Record>,
        /// The state that the run is measured against, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        against: Option<Mark>,
        /// What the run was asked to do; journals of version 0.1 do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options: Option<Box<RunOptions>>,
    },
    /// A base was pulled, or could not be.
    Pull(Pull),
    /// A build ended.
    Sample(Box<Sample>),
    /// A variant was weighed, served or has failed: the whole of what is known of it.
    Variant(Box<Variant>),
    /// Something about the run as a whole.
    Finding(Finding),
    /// A part of the run ended: wall time of that part, and what went elsewhere than into samples.
    Elapsed(Nanos, Spent),
}

impl JournalLine {
    /// Puts the fact into a record.
    pub(super) fn apply(self, record: &mut Record) {
        match self {
            Self::Begin { .. } => {}
            Self::Pull(pull) => record.pulls.push(pull),
            Self::Sample(sample) => record.samples.push(*sample),
            Self::Variant(variant) => {
                let same = |known: &&mut Variant| (&known.name, known.side) == (&variant.name, variant.side);
                match record.variants.iter_mut().find(same) {
                    Some(known) => *known = *variant,
                    None => record.variants.push(*variant),
                }
            }
            Self::Finding(finding) => record.findings.push(finding),
            Self::Elapsed(elapsed, spent) => {
                record.elapsed_ns += elapsed;
                record.spent = record.spent + spent;
            }
        }
    }

    /// As this version would have written it.
    fn upgraded(mut self, upgrade: Option<Upgrade>) -> Self {
        match (upgrade, &mut self) {
            (Some(upgrade), Self::Sample(sample)) => upgrade.sample(sample),
            (Some(upgrade), Self::Variant(variant)) => upgrade.variant(variant),
            _ => {}
        }
        self
    }
}

/// Which state a run is measured against: a resumed run must go on with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// As it was asked for: a git ref, or the folder of a suite.
    pub reference: String,
    /// The commit that the ref meant; empty for a folder.
    pub commit: String,
    /// Digest of its suite.
    pub digest: String,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    spent: Nanos,
}

/// What an earlier part of a run left.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// Value of the label on all that the run made.
    pub run: String,
    /// The record as far as it got.
    pub record: Record,
    /// The state that it was measured against.
    pub against: Option<Mark>,
    /// What it was asked to do, where the journal says so.
    pub options: Option<RunOptions>,
    /// Lines that were damaged.
    pub damaged: usize,
}

impl Journal {
    /// Begins the journal of a run in `options.out`, which has none.
    pub(crate) fn begin(options: &RunOptions, record: &Record, against: Option<Mark>) -> Result<Self, JournalError> {
        let dir = options.out.as_path();
        fsx::create_dir_all(dir)?;
        let path = dir.join(FILE);
        if dir.join(crate::record::FILE).exists() {
            return Err(JournalError::Exists { dir: dir.to_path_buf() });
        }
        let mut journal = Self::open(&path)?;
        // A run that was killed before its first line was whole has not begun.
        if fsx::read(&path)?.contains(&b'\n') {
            return Err(JournalError::Exists { dir: dir.to_path_buf() });
        }
        journal.file.set_len(0).map_err(|source| FileError::new("write", &path, source))?;
        let (run, record) = (options.run.clone(), Box::new(record.clone()));
        let begin = JournalLine::Begin { run, record, against, options: Some(Box::new(options.clone())) };
        journal.append(&[begin.clone(), begin])?;
        fsx::sync_dir(dir)?;
        Ok(journal)
    }

    /// What the journal in a directory holds, which is left as it is.
    pub(crate) fn look(dir: &Path) -> Result<Replayed, JournalError> {
        let path = dir.join(FILE);
        let missing = || JournalError::Missing { dir: dir.to_path_buf() };
        let bytes = if path.exists() { fsx::read(&path)? } else { return Err(missing()) };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').ok_or_else(missing)?;
        replay(&path, &bytes[..whole])
    }

    /// Opens the journal of an earlier part of a run and says what it holds. A last line that was cut short is
    /// removed, so that the next one begins on its own.
    pub(crate) fn resume(dir: &Path) -> Result<(Self, Replayed), JournalError> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Err(JournalError::Missing { dir: dir.to_path_buf() });
        }
        let journal = Self::open(&path)?;
        let replayed = Self::look(dir)?;
        let bytes = fsx::read(&path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
        if whole < bytes.len() {
            journal.file.set_len(whole as u64).map_err(|source| FileError::new("write", &path, source))?;
        }
        Ok((journal, replayed))
    }

    /// Adds lines; when this returns, they are on disk.
    pub(crate) fn append(&mut self, lines: &[JournalLine]) -> Result<(), JournalError> {
        let begun = Instant::now();
        let text: Result<String, _> = lines.iter().map(encode).collect();
        let text = text.map_err(|error| FileError::new("write", &self.path, std::io::Error::other(error)))?;
        fsx::append(&mut self.file, &self.path, &text)?;
        self.spent += Nanos::from(begun.elapsed());
        Ok(())
    }

    /// Time that writing took since this was last asked.
    pub(crate) fn take_spent(&mut self) -> Nanos {
        std::mem::take(&mut self.spent)
    }

    /// Removes the journal: the record is complete and on disk.
    pub(crate) fn finish(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(|source| FileError::new("remove", &self.path, source).into())
    }

    fn open(path: &Path) -> Result<Self, JournalError> {
        let file = fsx::open_private(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path: path.to_path_buf(), spent: Nanos::ZERO }),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(JournalError::Busy { dir: path.parent().unwrap_or(Path::new(".")).to_path_buf() })
            }
            Err(std::fs::TryLockError::Error(source)) => Err(FileError::new("lock", path, source).into()),
        }
    }
}

/// What comes before and after the checksum at the end of a line, in place of its closing brace.
const CHECK: (&str, &str) = (",\"check\":\"", "\"}");
/// Hexadecimal digits of a checksum.
const DIGITS: usize = 16;

/// A line of JSON with its newline; its last member is the checksum of the line without that member.
fn encode(line: &JournalLine) -> serde_json::Result<String> {
    let text = crate::json::escaped(&serde_json::to_string(line)?);
    let open = text.strip_suffix('}').unwrap_or(&text);
    Ok(format!("{open}{}{}{}\n", CHECK.0, check(text.as_bytes()), CHECK.1))
}

fn check(text: &[u8]) -> String {
    let sum = Sha256::digest(text);
    hex::encode(&sum[..DIGITS / 2])
}

/// A line without its checksum; `None` where it has none.
fn without_check(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (rest, sum) = line.strip_suffix(CHECK.1.as_bytes())?.split_last_chunk::<DIGITS>()?;
    let mut text = rest.strip_suffix(CHECK.0.as_bytes())?.to_vec();
    text.push(b'}');
    Some((text, sum))
}

/// The fact in a line; `None` where the line is damaged.
fn decode(line: &[u8], checked: Checked) -> Option<JournalLine> {
    match without_check(line) {
        Some((text, sum)) => (check(&text).as_bytes() == sum).then(|| serde_json::from_slice(&text).ok()).flatten(),
        None if checked == Checked::No => serde_json::from_slice(line).ok(),
        None => None,
    }
}

/// Whether lines have checksums: those of journals that version 0.1 began have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checked {
    Yes,
    No,
}

fn replay(path: &Path, bytes: &[u8]) -> Result<Replayed, JournalError> {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let checked = if lines.iter().any(|line| without_check(line).is_some()) { Checked::Yes } else { Checked::No };
    let mut copies = lines.iter().take(2).filter_map(|line| decode(line, checked));
    let begun = copies.find(|line| matches!(line, JournalLine::Begin { .. }));
    let Some(JournalLine::Begin { run, record, against, options }) = begun else {
        return Err(JournalError::Malformed {
            path: path.to_path_buf(),
            reason: "line 1: it does not say which run it is".into(),
        });
    };
    let mut record = *record;
    let upgrade = Upgrade::from(&record.format_version);
    if let Some(upgrade) = upgrade {
        upgrade.record(&mut record);
    }
    let mut damaged = 0;
    for line in lines.iter().map(|line| decode(line, checked)) {
        match line {
            None => damaged += 1,
            Some(line) => line.upgraded(upgrade).apply(&mut record),
        }
    }
    Ok(Replayed { run, record, against, options: options.map(|options| *options), damaged })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::record::{FORMAT_VERSION, Side};
    use crate::testing::fixture;

    /// Options of a run with the id `run` whose results go into `dir`.
    fn options(dir: &Path, run: &str) -> RunOptions {
        RunOptions { out: dir.to_path_buf(), run: run.into(), ..crate::measure::options::tests::options() }
    }

    fn elapsed(nanos: u64) -> JournalLine {
        JournalLine::Elapsed(Nanos(nanos), Spent { cleaning_ns: Nanos(1), ..Spent::default() })
    }

    #[test]
    fn what_was_appended_is_replayed_without_the_line_that_was_cut_short() {
        let dir = tempfile::tempdir().unwrap();
        let record =
            Record { samples: Vec::new(), elapsed_ns: Nanos::ZERO, spent: Spent::default(), ..fixture::record() };
        let samples = fixture::samples(1);
        let mut journal = Journal::begin(&options(dir.path(), "r"), &record, None).unwrap();
        for sample in &samples[..3] {
            journal.append(&[JournalLine::Sample(Box::new(sample.clone())), elapsed(5)]).unwrap();
        }
        assert!(matches!(Journal::resume(dir.path()), Err(JournalError::Busy { .. })));
        drop(journal);
        let path = dir.path().join(FILE);
        let whole = fsx::read(&path).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"{\"sample\":{\"st").unwrap();

        let (mut journal, replayed) = Journal::resume(dir.path()).unwrap();
        assert_eq!(replayed.run, "r");
        assert_eq!(replayed.record.samples, &samples[..3]);
        assert_eq!((replayed.record.elapsed_ns, replayed.record.spent.cleaning_ns), (Nanos(15), Nanos(3)));
        assert_eq!(fsx::read(&path).unwrap(), whole, "the cut line is gone from the file");
        journal.append(&[elapsed(1)]).unwrap();
        drop(journal);
        assert_eq!(Journal::resume(dir.path()).unwrap().1.record.elapsed_ns, Nanos(16));
    }

    #[test]
    fn values_of_build_arguments_are_for_the_owner_of_the_journal_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let mut options = options(dir.path(), "r");
        options.build_args.insert("TOKEN".to_owned(), "s3cr3t".to_owned());
        drop(Journal::begin(&options, &fixture::record(), None).unwrap());
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (journal, replayed) = Journal::resume(dir.path()).unwrap();
        assert_eq!(replayed.options.unwrap().build_args, options.build_args);
        journal.finish().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_journal_of_1_0_goes_on_in_the_present_form() {
        let dir = tempfile::tempdir().unwrap();
        let mut record = fixture::record();
        let mut sample = record.samples.swap_remove(0);
        record.samples.clear();
        record.variants.truncate(1);
        record.variants[0].name = "x@base".into();
        record.format_version = "1.0".into();
        let variant = record.variants[0].clone();
        let mut journal = Journal::begin(&options(dir.path(), "r"), &record, None).unwrap();
        sample.variant = "x@base".into();
        journal
            .append(&[JournalLine::Sample(Box::new(sample.clone())), JournalLine::Variant(Box::new(variant))])
            .unwrap();
        let today = |name: &mut String| "x".clone_into(name);
        today(&mut sample.variant);
        sample.side = Side::Base;
        let mut variant = record.variants[0].clone();
        (variant.side, variant.user) = (Side::Base, "app".into());
        today(&mut variant.name);
        journal
            .append(&[JournalLine::Sample(Box::new(sample)), JournalLine::Variant(Box::new(variant.clone()))])
            .unwrap();
        drop(journal);
        let replayed = Journal::resume(dir.path()).unwrap().1.record;
        assert_eq!(replayed.variants, [variant]);
        assert!(replayed.samples.iter().all(|sample| (sample.variant.as_str(), sample.side) == ("x", Side::Base)));
        assert_eq!((replayed.samples.len(), replayed.format_version.as_str()), (2, FORMAT_VERSION));
    }

    #[test]
    fn a_run_that_was_killed_before_its_first_line_was_whole_has_not_begun() {
        let dir = tempfile::tempdir().unwrap();
        let record = fixture::record();
        for remains in ["", "{\"begin\":{\"run\":"] {
            fsx::write_atomic(&dir.path().join(FILE), remains.as_bytes()).unwrap();
            assert!(matches!(Journal::resume(dir.path()), Err(JournalError::Missing { .. })));
            drop(Journal::begin(&options(dir.path(), "r"), &record, None).unwrap());
            assert_eq!(Journal::resume(dir.path()).unwrap().1.record, record);
            assert!(matches!(
                Journal::begin(&options(dir.path(), "s"), &record, None),
                Err(JournalError::Exists { .. })
            ));
        }
    }

    #[test]
    fn a_journal_that_makes_no_sense_is_refused_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        fsx::write_atomic(&dir.path().join(FILE), b"{}\n").unwrap();
        let error = Journal::resume(dir.path()).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
        assert_eq!(error.exit(), Exit::Unreadable);
        fsx::write_atomic(&dir.path().join(crate::record::FILE), b"{}").unwrap();
        assert!(matches!(
            Journal::begin(&options(dir.path(), "r"), &fixture::record(), None),
            Err(JournalError::Exists { .. })
        ));
    }

    /// A journal with three samples, each with its time; its lines.
    fn written(dir: &Path) -> Vec<String> {
        let record =
            Record { samples: Vec::new(), elapsed_ns: Nanos::ZERO, spent: Spent::default(), ..fixture::record() };
        let mut journal = Journal::begin(&options(dir, "r"), &record, None).unwrap();
        for sample in &fixture::samples(1)[..3] {
            journal.append(&[JournalLine::Sample(Box::new(sample.clone())), elapsed(5)]).unwrap();
        }
        drop(journal);
        fsx::read_text(&dir.join(FILE)).unwrap().lines().map(str::to_owned).collect()
    }

    fn rewrite(dir: &Path, lines: &[String]) {
        fsx::write_atomic(&dir.join(FILE), (lines.join("\n") + "\n").as_bytes()).unwrap();
    }

    #[test]
    fn a_damaged_line_costs_its_step_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let lines = written(dir.path());
        let all = Journal::look(dir.path()).unwrap();
        assert_eq!((all.record.samples.len(), all.damaged), (3, 0));
        assert_eq!(lines.len(), 8, "the beginning twice, three samples with their times");
        // A digit becomes another, as in a file that reads well and lies; half a line; nothing that is text.
        let untrue = |line: &str| line.replacen("\"wall_ns\":", "\"wall_ns\":1", 1);
        let half = |line: &str| line[..line.len() / 2].to_owned();
        let unchecked = |line: &str| format!("{}}}", line.rsplit_once(",\"check\"").unwrap().0);
        let zeroes = |line: &str| "\0".repeat(line.len());
        let damages: [&dyn Fn(&str) -> String; 4] = [&untrue, &half, &unchecked, &zeroes];
        for damage in damages {
            let mut changed = lines.clone();
            changed[4] = damage(&lines[4]);
            assert_ne!(changed[4], lines[4]);
            rewrite(dir.path(), &changed);
            let (journal, replayed) = Journal::resume(dir.path()).unwrap();
            drop(journal);
            let steps: Vec<u32> = replayed.record.samples.iter().map(|sample| sample.step).collect();
            let expected: Vec<u32> = [0, 2].map(|at| all.record.samples[at].step).to_vec();
            assert_eq!((steps, replayed.damaged), (expected, 1), "{}", changed[4]);
        }
        for at in 0..lines.len() {
            let mut changed = lines.clone();
            changed[at].replace_range(10..12, "~~");
            rewrite(dir.path(), &changed);
            let replayed = Journal::look(dir.path()).unwrap();
            assert_eq!((replayed.run.as_str(), replayed.damaged), ("r", 1), "line {at}");
        }
    }

    #[test]
    fn a_journal_without_checksums_is_read_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let lines: Vec<String> = written(dir.path())
            .iter()
            .skip(1)
            .map(|line| {
                let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
                value.as_object_mut().unwrap().remove("check");
                if let Some(begin) = value.get_mut("begin") {
                    begin.as_object_mut().unwrap().remove("options");
                }
                value.to_string()
            })
            .collect();
        rewrite(dir.path(), &lines);
        let replayed = Journal::look(dir.path()).unwrap();
        assert_eq!((replayed.record.samples.len(), replayed.damaged), (3, 0));
        assert!(replayed.options.is_none());
    }

    #[test]
    fn the_options_of_a_run_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let begun = options(dir.path(), "r");
        drop(Journal::begin(&begun, &fixture::record(), None).unwrap());
        let found = Journal::look(dir.path()).unwrap().options.unwrap();
        let known = RunOptions { out: begun.out.clone(), run: begun.run.clone(), ..found };
        let known = RunOptions { state: begun.state.clone(), started_at: begun.started_at.clone(), ..known };
        assert_eq!(format!("{known:?}"), format!("{begun:?}"));
    }
}
