//! The journal of a run: one line per finished step, on disk before the next step begins.
//!
//! `journal.jsonl` lies in the results folder. Its first line says what the run is (and must fit for a resume);
//! each further line is a fact that was measured. A line that a crash cut short is the last one and is dropped.
//!
//! The values of build arguments are in it, for a resume needs them, and nowhere else. So only its owner may read it,
//! and it goes with the run.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::{self, FileError};
use crate::record::{Finding, Pull, Record, Sample, Spent, Upgrade, Variant};
use crate::units::Nanos;

/// Name of the journal inside a results folder.
pub const FILE: &str = "journal.jsonl";

/// Why a journal could not be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It does not begin as a journal does.
    #[error("`{}` is no journal of a run: {reason}", path.display())]
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
            Self::Malformed { .. } => Some("start a new run in another folder".into()),
            Self::Missing { .. } => {
                Some("only a run that was killed, interrupted or lost its engine leaves a journal to resume".into())
            }
            Self::Busy { .. } => Some("wait for it to end".into()),
            Self::Exists { dir } => {
                Some(format!("choose another folder with `--out`, or go on with `--resume {}`", dir.display()))
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
pub enum Line {
    /// The record as it was when the run began, and the run's id.
    Begin {
        /// Value of the label on all that the run makes.
        run: String,
        /// The record with no samples in it.
        record: Box<Record>,
        /// The state that the run is measured against, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        against: Option<Mark>,
        /// Build arguments of the command line.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        build_args: BTreeMap<String, String>,
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
pub struct Journal {
    file: File,
    path: PathBuf,
    spent: Nanos,
}

/// What an earlier part of a run left.
#[derive(Debug)]
pub struct Replayed {
    /// Value of the label on all that the run made.
    pub run: String,
    /// The record as far as it got.
    pub record: Record,
    /// The state that it was measured against.
    pub against: Option<Mark>,
    /// Build arguments of its command line.
    pub build_args: BTreeMap<String, String>,
}

impl Journal {
    /// Begins a journal in a folder that has none.
    pub fn begin(
        dir: &Path,
        run: &str,
        record: &Record,
        against: Option<Mark>,
        build_args: &BTreeMap<String, String>,
    ) -> Result<Self, JournalError> {
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
        let (run, record, build_args) = (run.to_owned(), Box::new(record.clone()), build_args.clone());
        journal.append(&[Line::Begin { run, record, against, build_args }])?;
        fsx::sync_dir(dir)?;
        Ok(journal)
    }

    /// Opens the journal of an earlier part of a run and says what it holds. A last line that was cut short is
    /// removed, so that the next one begins on its own.
    pub fn resume(dir: &Path) -> Result<(Self, Replayed), JournalError> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Err(JournalError::Missing { dir: dir.to_path_buf() });
        }
        let journal = Self::open(&path)?;
        let bytes = fsx::read(&path)?;
        if !bytes.contains(&b'\n') {
            return Err(JournalError::Missing { dir: dir.to_path_buf() });
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
        if whole < bytes.len() {
            journal.file.set_len(whole as u64).map_err(|source| FileError::new("write", &path, source))?;
        }
        let replayed = replay(&path, &bytes[..whole])?;
        Ok((journal, replayed))
    }

    /// Adds lines; when this returns, they are on disk.
    pub fn append(&mut self, lines: &[Line]) -> Result<(), JournalError> {
        let begun = Instant::now();
        fsx::append_json(&mut self.file, &self.path, lines)?;
        self.spent = self.spent + Nanos::from(begun.elapsed());
        Ok(())
    }

    /// Time that writing took since this was last asked.
    pub fn take_spent(&mut self) -> Nanos {
        std::mem::take(&mut self.spent)
    }

    /// Removes the journal: the record is complete and on disk.
    pub fn finish(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(|source| FileError::new("remove", &self.path, source).into())
    }

    fn open(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| FileError::new("write", path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path: path.to_path_buf(), spent: Nanos::ZERO }),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(JournalError::Busy { dir: path.parent().unwrap_or(Path::new(".")).to_path_buf() })
            }
            Err(std::fs::TryLockError::Error(source)) => Err(FileError::new("lock", path, source).into()),
        }
    }
}

fn replay(path: &Path, bytes: &[u8]) -> Result<Replayed, JournalError> {
    let malformed = |number: usize, reason: String| JournalError::Malformed {
        path: path.to_path_buf(),
        reason: format!("line {number}: {reason}"),
    };
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    let first = lines.next().ok_or_else(|| malformed(1, "it is empty".into()))?.1;
    let Ok(Line::Begin { run, record, against, build_args }) = serde_json::from_slice(first) else {
        return Err(malformed(1, "it does not say which run it is".into()));
    };
    let mut record = *record;
    let upgrade = Upgrade::from(&record.format_version);
    if let Some(upgrade) = upgrade {
        upgrade.record(&mut record);
    }
    let same = |a: &Variant, b: &Variant| (&a.name, a.side) == (&b.name, b.side);
    for (index, line) in lines {
        match serde_json::from_slice(line).map_err(|error| malformed(index + 1, error.to_string()))? {
            Line::Begin { .. } => return Err(malformed(index + 1, "a second run begins".into())),
            Line::Pull(pull) => record.pulls.push(pull),
            Line::Sample(mut sample) => {
                if let Some(upgrade) = upgrade {
                    upgrade.sample(&mut sample);
                }
                record.samples.push(*sample);
            }
            Line::Variant(mut variant) => {
                if let Some(upgrade) = upgrade {
                    upgrade.variant(&mut variant);
                }
                match record.variants.iter_mut().find(|known| same(known, &variant)) {
                    Some(known) => *known = *variant,
                    None => record.variants.push(*variant),
                }
            }
            Line::Finding(finding) => record.findings.push(finding),
            Line::Elapsed(elapsed, spent) => {
                record.elapsed_ns = record.elapsed_ns + elapsed;
                record.spent = record.spent + spent;
            }
        }
    }
    Ok(Replayed { run, record, against, build_args })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::record::{FORMAT_VERSION, Side, fixture};

    fn elapsed(nanos: u64) -> Line {
        Line::Elapsed(Nanos(nanos), Spent { cleaning_ns: Nanos(1), ..Spent::default() })
    }

    #[test]
    fn what_was_appended_is_replayed_without_the_line_that_was_cut_short() {
        let dir = tempfile::tempdir().unwrap();
        let record =
            Record { samples: Vec::new(), elapsed_ns: Nanos::ZERO, spent: Spent::default(), ..fixture::record() };
        let samples = fixture::samples(1);
        let mut journal = Journal::begin(dir.path(), "r", &record, None, &BTreeMap::new()).unwrap();
        for sample in &samples[..3] {
            journal.append(&[Line::Sample(Box::new(sample.clone())), elapsed(5)]).unwrap();
        }
        assert!(matches!(Journal::resume(dir.path()), Err(JournalError::Busy { .. })));
        drop(journal);
        let path = dir.path().join(FILE);
        let whole = fsx::read(&path).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"sample\":{\"st").unwrap();

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
        let given = BTreeMap::from([("TOKEN".to_owned(), "s3cr3t".to_owned())]);
        drop(Journal::begin(dir.path(), "r", &fixture::record(), None, &given).unwrap());
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (journal, replayed) = Journal::resume(dir.path()).unwrap();
        assert_eq!(replayed.build_args, given);
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
        let mut journal = Journal::begin(dir.path(), "r", &record, None, &BTreeMap::new()).unwrap();
        sample.variant = "x@base".into();
        journal.append(&[Line::Sample(Box::new(sample.clone())), Line::Variant(Box::new(variant))]).unwrap();
        let today = |name: &mut String| "x".clone_into(name);
        today(&mut sample.variant);
        sample.side = Side::Base;
        let mut variant = record.variants[0].clone();
        (variant.side, variant.user) = (Side::Base, "app".into());
        today(&mut variant.name);
        journal.append(&[Line::Sample(Box::new(sample)), Line::Variant(Box::new(variant.clone()))]).unwrap();
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
            drop(Journal::begin(dir.path(), "r", &record, None, &BTreeMap::new()).unwrap());
            assert_eq!(Journal::resume(dir.path()).unwrap().1.record, record);
            assert!(matches!(
                Journal::begin(dir.path(), "s", &record, None, &BTreeMap::new()),
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
            Journal::begin(dir.path(), "r", &fixture::record(), None, &BTreeMap::new()),
            Err(JournalError::Exists { .. })
        ));
    }
}
