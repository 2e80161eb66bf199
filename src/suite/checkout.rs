//! A suite as it was at a git ref, checked out into a temporary folder.
//!
//! In: a suite in a git repository, and a ref. Out: the same suite as that commit has it, and the folder, which goes
//! when the [`Checkout`] does. Files come as `git checkout` writes them (filters and all, unlike `git archive`, which
//! leaves out what `.gitattributes` says), through a git directory of our own that has the repository's objects:
//! neither the repository's index nor its work tree nor its list of work trees is touched. Submodules stay empty.
//!
//! A repository's configuration names programs that git runs (`core.fsmonitor`, hooks, filters, transports). They are
//! never run: our git directory has none of it, and in the repository's own git only answers questions about names.
//! The filters of the user's own configuration do run. Nothing is fetched.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Suite, SuiteError};
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::{self, FileError};
use crate::text::{for_people, shorten};

/// A suite at a commit. The files are there as long as this is.
#[derive(Debug)]
pub(crate) struct Checkout {
    /// The suite.
    pub suite: Suite,
    /// The commit that the ref meant.
    pub commit: String,
    /// Locked as long as the files are needed.
    _lock: File,
    _folder: TempDir,
}

/// Why a suite could not be had at a ref.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckoutError {
    /// The program is not there.
    #[error("failed to run `git`")]
    NoGit(#[source] io::Error),
    /// The suite is in no repository, or in one that git does not touch.
    #[error("the suite in `{}` is in no git repository that can be read: {reason}", folder.display())]
    NoRepository {
        /// Folder of the suite.
        folder: PathBuf,
        /// git's words.
        reason: String,
    },
    /// Nothing has that name.
    #[error("`{reference}` is neither a git ref here nor the directory of a suite")]
    NoRef {
        /// As it was asked for.
        reference: String,
        /// Whether the repository lacks most of its history, as those of CI jobs do.
        shallow: bool,
    },
    /// git failed to write the files.
    #[error("failed to check out `{reference}`: {reason}")]
    Git {
        /// As it was asked for.
        reference: String,
        /// git's words.
        reason: String,
    },
    /// A file would pass through a program that only the repository's configuration names.
    #[error(
        "`{path}` at `{reference}` needs the filter `{filter}` that the repository's own git configuration defines"
    )]
    Filter {
        /// As it was asked for.
        reference: String,
        /// The file.
        path: String,
        /// The filter's name.
        filter: String,
    },
    /// The commit does not have the suite.
    #[error("there is no suite `{}` at `{reference}`", path.display())]
    NoSuite {
        /// As it was asked for.
        reference: String,
        /// Where it was looked for, from the repository's root.
        path: PathBuf,
    },
    /// The commit has a suite that cannot be read.
    #[error("the suite at `{reference}` cannot be read")]
    Suite {
        /// As it was asked for.
        reference: String,
        /// Why.
        #[source]
        source: Box<SuiteError>,
    },
    /// The temporary folder.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Diagnose for CheckoutError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoGit(_) => {
                "install git, or give the directory of another version: `--against ../before/suite`".into()
            }
            Self::NoRepository { .. } => "give the directory of another version: `--against ../before/suite`".into(),
            Self::NoRef { reference, shallow: true } => {
                let name = reference.strip_prefix("origin/").unwrap_or(reference);
                format!(
                    "this clone is shallow: `git fetch --depth=1 origin {name}` and `--against FETCH_HEAD`, or \
                     `fetch-depth: 0` for actions/checkout"
                )
            }
            Self::NoRef { .. } => "`git branch --all` and `git tag` list the refs; a directory starts with `./`".into(),
            Self::Git { reference, .. } | Self::Filter { reference, .. } => format!(
                "check it out yourself, `git worktree add ../before {}`, and give that: `--against ../before/SUITE`",
                for_people(reference)
            ),
            Self::NoSuite { .. } => {
                "a suite that is new has nothing to be measured against: leave `--against` out".into()
            }
            Self::Suite { source, .. } => return source.hint(),
            Self::File(error) => return error.hint(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoRef { .. } => Exit::Usage,
            Self::NoSuite { .. } => Exit::NotComparable,
            _ => Exit::Unreadable,
        }
    }
}

/// Removes the checkouts in a folder whose programs ended without removing them.
pub(crate) fn remove_checkouts(folder: &Path) -> Result<(), FileError> {
    let all = match File::open(folder) {
        Ok(all) => all,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(FileError::new("open", folder, source)),
    };
    // One that is just being made is not locked yet.
    all.lock().map_err(|source| FileError::new("lock", folder, source))?;
    for entry in fs::read_dir(folder).map_err(|source| FileError::new("list", folder, source))?.flatten() {
        let path = entry.path();
        let is_over = entry.file_type().is_ok_and(|kind| kind.is_dir())
            && File::open(&path).is_ok_and(|checkout| checkout.try_lock().is_ok());
        if is_over {
            fs::remove_dir_all(&path).map_err(|source| FileError::new("remove", &path, source))?;
        }
    }
    Ok(())
}

/// Makes a folder for a checkout, locked so that a clean-up tells it from what a killed program left.
fn make_folder(parent: &Path) -> Result<(TempDir, File), FileError> {
    fsx::create_dir_all(parent)?;
    let all = fsx::open(parent)?;
    all.lock().map_err(|source| FileError::new("lock", parent, source))?;
    let folder = tempfile::Builder::new()
        .prefix("against-")
        .tempdir_in(parent)
        .map_err(|source| FileError::new("create a folder in", parent, source))?;
    let lock = fsx::open(folder.path())?;
    lock.lock().map_err(|source| FileError::new("lock", folder.path(), source))?;
    Ok((folder, lock))
}

/// Checks the suite out as it is at `reference`, into a folder of its own in `parent`.
pub(crate) fn check_out(suite: &Suite, reference: &str, parent: &Path) -> Result<Checkout, CheckoutError> {
    let inside = |reason| CheckoutError::NoRepository { folder: suite.root.clone(), reason };
    let top = PathBuf::from(ask(&suite.root, ["rev-parse", "--show-toplevel"])?.map_err(inside)?);
    let prefix = PathBuf::from(ask(&suite.root, ["rev-parse", "--show-prefix"])?.map_err(inside)?);
    let commit = resolve(&top, reference)?;

    let (folder, lock) = make_folder(parent)?;
    // Where a suite has no name of its own its folder's is taken, which may be the repository's.
    let tree = folder.path().join("tree").join(top.file_name().unwrap_or(OsStr::new("tree")));
    let failed = |reason| CheckoutError::Git { reference: reference.to_owned(), reason };
    let copy = Copy::new(&top, folder.path().join("git"), tree.clone())?.map_err(failed)?;
    copy.git(["read-tree", commit.as_str()], None)?.map_err(failed)?;
    if let Some((path, filter)) = copy.refused_filter(&top)?.map_err(failed)? {
        return Err(CheckoutError::Filter { reference: reference.to_owned(), path, filter });
    }
    copy.git(["checkout-index", "--all", "--force"], None)?.map_err(failed)?;

    let path = prefix.join(suite.manifest.path.file_name().unwrap_or_default());
    if !tree.join(&path).is_file() {
        return Err(CheckoutError::NoSuite { reference: reference.to_owned(), path });
    }
    let unreadable = |source| CheckoutError::Suite { reference: reference.to_owned(), source: Box::new(source) };
    let suite = suite.load_copy(&tree.join(&path), &tree).map_err(unreadable)?;
    Ok(Checkout { suite, commit, _lock: lock, _folder: folder })
}

/// The commit that the repository around a directory is at; empty where there is no repository, no commit, or no git.
/// Whether files differ from it is not asked: git may run programs of the repository's configuration for that.
pub(crate) fn commit_of(directory: &Path) -> String {
    ask(directory, ["rev-parse", "--verify", "--quiet", "HEAD"]).ok().and_then(Result::ok).unwrap_or_default()
}

/// The commit that a ref means.
fn resolve(top: &Path, reference: &str) -> Result<String, CheckoutError> {
    let commit = format!("{reference}^{{commit}}");
    // What begins with `-` would be an option; no ref does (git-check-ref-format).
    if !reference.starts_with('-')
        && let Ok(found) = ask(top, ["rev-parse", "--verify", "--quiet", &commit])?
    {
        return Ok(found);
    }
    let shallow = ask(top, ["rev-parse", "--is-shallow-repository"])?.is_ok_and(|answer| answer == "true");
    Err(CheckoutError::NoRef { reference: reference.to_owned(), shallow })
}

/// A git directory and a work tree of our own.
struct Copy {
    git_dir: PathBuf,
    tree: PathBuf,
    /// The repository's objects.
    objects: PathBuf,
    /// How text and links are written, from the repository's configuration: `KEY=VALUE`.
    settings: Vec<String>,
}

impl Copy {
    fn new(top: &Path, git_dir: PathBuf, tree: PathBuf) -> Result<GitAnswer<Self>, CheckoutError> {
        let (objects, format) =
            match (ask(top, ["rev-parse", "--git-path", "objects"])?, ask(top, ["rev-parse", "--show-object-format"])?)
            {
                (Ok(objects), Ok(format)) => (objects, format),
                (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
            };
        let files = r"^core\.(autocrlf|eol|symlinks|filemode)$";
        // An error says that there is nothing of that kind.
        let settings = ask(top, ["config", "--null", "--get-regexp", files])?.unwrap_or_default();
        let settings = settings.split('\0').filter_map(|item| item.split_once('\n'));
        let settings = settings.map(|(key, value)| format!("{key}={value}")).collect();
        fsx::create_dir_all(&tree)?;
        let mut init = command();
        init.args(["init", "--quiet", "--bare", "--template=", "--object-format", &format]).arg(&git_dir);
        Ok(answer(init)?.map(|_| Self { git_dir, tree, objects: top.join(objects), settings }))
    }

    /// Has git do something with the copy; `input` is a file for its standard input.
    fn git<const N: usize>(
        &self,
        arguments: [&str; N],
        input: Option<&Path>,
    ) -> Result<GitAnswer<String>, CheckoutError> {
        let mut command = command();
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.arg("-C").arg(&self.tree).args(arguments);
        command.env("GIT_DIR", &self.git_dir).env("GIT_WORK_TREE", &self.tree);
        command.env("GIT_OBJECT_DIRECTORY", &self.objects);
        if let Some(path) = input {
            command.stdin(fsx::open(path)?);
        }
        answer(command)
    }

    /// The first file that a filter of the repository's own configuration would change, and the filter's name.
    fn refused_filter(&self, top: &Path) -> Result<GitAnswer<Option<(String, String)>>, CheckoutError> {
        let filters = ["config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(smudge|process)$"];
        let names = |keys: GitAnswer<String>| -> BTreeSet<String> {
            let keys = keys.unwrap_or_default();
            let name = |key: &str| Some(key.strip_prefix("filter.")?.rsplit_once('.')?.0.to_owned());
            keys.split('\0').filter_map(name).collect()
        };
        let ours = names(self.git(filters, None)?);
        let theirs: BTreeSet<String> = names(ask(top, filters)?).difference(&ours).cloned().collect();
        if theirs.is_empty() {
            return Ok(Ok(None));
        }
        let paths = self.git_dir.join("paths");
        match self.git(["ls-files", "-z"], None)? {
            Ok(list) => fsx::write_atomic(&paths, list.as_bytes())?,
            Err(reason) => return Ok(Err(reason)),
        }
        let attributes = self.git(["check-attr", "--cached", "--stdin", "-z", "filter"], Some(&paths))?;
        Ok(attributes.map(|text| {
            let fields: Vec<&str> = text.split('\0').collect();
            let found = fields.chunks_exact(3).find(|fields| theirs.contains(fields[2]));
            found.map(|fields| (for_people(fields[0]), for_people(fields[2])))
        }))
    }
}

/// What git printed, without the line's end, or what it complains of.
type GitAnswer<T> = Result<T, String>;

/// Asks the repository around `folder`.
fn ask<const N: usize>(folder: &Path, arguments: [&str; N]) -> Result<GitAnswer<String>, CheckoutError> {
    let mut command = command();
    command.arg("-C").arg(folder).args(arguments);
    answer(command)
}

/// git without the programs that a repository's configuration names, and without fetching what a partial clone lacks.
fn command() -> Command {
    let mut command = Command::new("git");
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    command.stdin(Stdio::null()).env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
    command
}

fn answer(mut command: Command) -> Result<GitAnswer<String>, CheckoutError> {
    let output = command.output().map_err(CheckoutError::NoGit)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned();
    if output.status.success() {
        return Ok(Ok(text(&output.stdout)));
    }
    Ok(Err(shorten(&for_people(text(&output.stderr).trim_start_matches("fatal: ")), 400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with a suite in `shop/`, the git configuration of whoever tests left out.
    struct TestRepository(TempDir);

    impl TestRepository {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let repository = Self(dir);
            repository.git(&["init", "--quiet", "--initial-branch=main"]);
            repository
        }

        fn git(&self, arguments: &[&str]) {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
            let output = Command::new("git")
                .arg("-C")
                .arg(self.0.path())
                .args(identity)
                .args(arguments)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_SYSTEM", "/dev/null")
                .output()
                .unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }

        fn write(&self, name: &str, content: &str) {
            let path = self.0.path().join(name);
            fsx::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }

        fn commit(&self) {
            self.git(&["add", "--all"]);
            self.git(&["commit", "--quiet", "--message", "x"]);
        }

        fn suite(&self) -> Suite {
            Suite::load(&self.0.path().join("shop")).unwrap()
        }
    }

    fn with_suite() -> TestRepository {
        let repository = TestRepository::new();
        repository.write("shop/tonnage.toml", "[suite]\nname = \"shop\"\nsrc = \"app.py\"\n");
        repository.write("shop/a/Dockerfile", "FROM x\nCOPY . .\n");
        repository.write("shop/app.py", "one\n");
        repository.write("shop/.gitattributes", "left-out.txt export-ignore\n");
        repository.write("shop/left-out.txt", "here\n");
        repository.commit();
        repository
    }

    #[test]
    fn the_suite_of_a_ref_is_checked_out_whole_beside_the_repository_which_stays_as_it_was() {
        let checkouts = tempfile::tempdir().unwrap();
        let repository = with_suite();
        let before = repository.suite();
        repository.write("shop/app.py", "two\n");
        repository.write("shop/b/Dockerfile", "FROM x\n");
        let head = repository.suite();
        assert_ne!(head.digest, before.digest);
        let index = fsx::read(&repository.0.path().join(".git/index")).unwrap();

        let found = check_out(&head, "main", checkouts.path()).unwrap();
        assert_eq!(found.suite.digest, before.digest, "what `git archive` would leave out is there as well");
        assert_eq!(found.suite.variants.len(), 1);
        assert_eq!(found.commit.len(), 40);
        assert_eq!(fsx::read(&repository.0.path().join(".git/index")).unwrap(), index);
        assert_eq!(fsx::read_text(&repository.0.path().join("shop/app.py")).unwrap(), "two\n");
        let root = found.suite.root.clone();
        assert!(!root.starts_with(repository.0.path()));
        remove_checkouts(checkouts.path()).unwrap();
        assert!(root.exists(), "it is still needed");
        drop(found);
        assert!(!root.exists());
    }

    #[test]
    fn a_suite_without_a_name_is_called_as_its_folder_is() {
        let checkouts = tempfile::tempdir().unwrap();
        let repository = TestRepository::new();
        repository.write("tonnage.toml", "");
        repository.write("a/Dockerfile", "FROM x\n");
        repository.commit();
        let head = Suite::load(repository.0.path()).unwrap();
        assert_eq!(check_out(&head, "HEAD", checkouts.path()).unwrap().suite.name, head.name);
    }

    #[test]
    fn what_is_not_there_is_said_with_what_to_do() {
        let checkouts = tempfile::tempdir().unwrap();
        let repository = with_suite();
        repository.git(&["tag", "old"]);
        let suite = repository.suite();
        for reference in ["nowhere", "--upload-pack=x", "", "main:shop"] {
            let error = check_out(&suite, reference, checkouts.path()).unwrap_err();
            assert!(matches!(error, CheckoutError::NoRef { .. }), "{reference}: {error}");
            assert_eq!(error.exit(), Exit::Usage);
            assert!(error.hint().unwrap().contains("git branch"));
        }
        repository.git(&["mv", "shop", "store"]);
        repository.commit();
        let moved = Suite::load(&repository.0.path().join("store")).unwrap();
        let error = check_out(&moved, "old", checkouts.path()).unwrap_err();
        assert_eq!(error.to_string(), "there is no suite `store/tonnage.toml` at `old`");
        assert_eq!(error.exit(), Exit::NotComparable);

        repository.write("store/tonnage.toml", "[suite]\nnonsense = 1\n");
        repository.commit();
        let error = check_out(&moved, "HEAD", checkouts.path()).unwrap_err();
        assert!(crate::error::chain(&error).contains("nonsense"), "{}", crate::error::chain(&error));
    }

    #[test]
    fn a_shallow_clone_says_how_to_get_the_ref() {
        let checkouts = tempfile::tempdir().unwrap();
        let repository = with_suite();
        repository.write("shop/app.py", "two\n");
        repository.commit();
        let clone = TestRepository(tempfile::tempdir().unwrap());
        let from = format!("file://{}", repository.0.path().display());
        clone.git(&["clone", "--quiet", "--depth=1", &from, "."]);
        let error = check_out(&clone.suite(), "origin/release", checkouts.path()).unwrap_err();
        assert!(error.hint().unwrap().contains("git fetch --depth=1 origin release"), "{:?}", error.hint());
    }

    #[test]
    fn a_folder_outside_of_any_repository_is_said() {
        let checkouts = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::fs::write(dir.path().join("a/Dockerfile"), "FROM x\n").unwrap();
        std::fs::write(dir.path().join("tonnage.toml"), "").unwrap();
        let error = check_out(&Suite::load(dir.path()).unwrap(), "main", checkouts.path()).unwrap_err();
        assert!(error.to_string().contains("not a git repository"), "{error}");
    }

    #[test]
    fn what_a_killed_program_left_is_removed_and_nothing_beside_it() {
        let parent = tempfile::tempdir().unwrap();
        let outside = parent.path().join("outside");
        let folder = parent.path().join("checkouts");
        remove_checkouts(&folder).unwrap();
        for name in ["outside/kept", "checkouts/against-left/tree", "checkouts/against-used"] {
            fsx::create_dir_all(&parent.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink(&outside, folder.join("against-link")).unwrap();
        let used = fsx::open(&folder.join("against-used")).unwrap();
        used.lock().unwrap();
        remove_checkouts(&folder).unwrap();
        assert!(!folder.join("against-left").exists());
        assert!(folder.join("against-used").exists());
        assert!(outside.join("kept").exists());
        drop(used);
        // A program that another test is just starting has the lock until it runs.
        for _ in 0..1_000 {
            remove_checkouts(&folder).unwrap();
            if !folder.join("against-used").exists() {
                break;
            }
        }
        assert!(!folder.join("against-used").exists());
    }

    /// A repository whose configuration names programs for everything that git does with files.
    fn with_programs(repository: &TestRepository) -> PathBuf {
        let top = repository.0.path();
        let (program, ran) = (top.join(".git/program"), top.join(".git/ran"));
        std::fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >>{}\ncat\n", ran.display())).unwrap();
        let executable = || std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, executable()).unwrap();
        fsx::create_dir_all(&top.join(".git/hooks")).unwrap();
        for hook in ["post-index-change", "post-checkout", "reference-transaction"] {
            std::fs::copy(&program, top.join(".git/hooks").join(hook)).unwrap();
        }
        let program = program.display().to_string();
        for key in [
            "core.fsmonitor",
            "core.sshCommand",
            "core.pager",
            "core.editor",
            "core.alternateRefsCommand",
            "diff.external",
        ] {
            repository.git(&["config", key, &program]);
        }
        ran
    }

    #[test]
    fn no_program_of_the_repository_is_run() {
        let checkouts = tempfile::tempdir().unwrap();
        let repository = with_suite();
        let ran = with_programs(&repository);
        // The test can fail: git itself runs some of them.
        drop(Command::new("git").arg("-C").arg(repository.0.path()).args(["read-tree", "HEAD"]).output());
        assert!(ran.exists(), "git runs none of the programs, so nothing is tested");
        std::fs::remove_file(&ran).unwrap();
        let suite = repository.suite();
        check_out(&suite, "HEAD", checkouts.path()).unwrap();
        assert!(!ran.exists(), "{}", fsx::read_text(&ran).unwrap());

        // A partial clone has a remote that missing objects are fetched from.
        let program = repository.0.path().join(".git/program").display().to_string();
        for (key, value) in [
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.url", "ssh://example.org/x"),
            ("remote.origin.uploadpack", &program),
        ] {
            repository.git(&["config", key, value]);
        }
        let missing = "1".repeat(40);
        assert!(matches!(check_out(&suite, &missing, checkouts.path()), Err(CheckoutError::NoRef { .. })));
        assert!(!ran.exists(), "{}", fsx::read_text(&ran).unwrap());
    }

    #[test]
    fn a_filter_of_the_repositorys_own_configuration_is_refused_where_a_file_needs_it() {
        let checkouts = tempfile::tempdir().unwrap();
        let repository = with_suite();
        let ran = with_programs(&repository);
        let program = repository.0.path().join(".git/program").display().to_string();
        repository.git(&["config", "filter.odd.name.smudge", &program]);
        check_out(&repository.suite(), "HEAD", checkouts.path()).unwrap();
        repository.write(".gitattributes", "*.py filter=odd.name\n*.txt filter=unknown\n");
        repository.commit();
        drop(std::fs::remove_file(&ran));
        let error = check_out(&repository.suite(), "HEAD", checkouts.path()).unwrap_err();
        assert!(error.to_string().starts_with("`shop/app.py` at `HEAD` needs the filter `odd.name`"), "{error}");
        assert!(error.hint().unwrap().contains("git worktree add ../before HEAD"));
        assert!(!ran.exists(), "{}", fsx::read_text(&ran).unwrap());
    }

    #[test]
    fn links_of_a_commit_lead_nowhere_else() {
        let checkouts = tempfile::tempdir().unwrap();
        let repository = with_suite();
        std::os::unix::fs::symlink("/etc/hostname", repository.0.path().join("shop/b")).unwrap();
        repository.write("shop/tonnage.toml", "[[variant]]\nname = \"a\"\ndockerfile = \"b\"\n");
        repository.commit();
        repository.write("shop/tonnage.toml", "");
        let error = check_out(&repository.suite(), "HEAD", checkouts.path()).unwrap_err();
        assert!(crate::error::chain(&error).contains("is outside of"), "{}", crate::error::chain(&error));
    }

    #[test]
    fn text_is_written_as_the_repository_has_it() {
        let checkouts = tempfile::tempdir().unwrap();
        let repository = with_suite();
        repository.git(&["config", "core.autocrlf", "true"]);
        let found = check_out(&repository.suite(), "HEAD", checkouts.path()).unwrap();
        assert_eq!(fsx::read_text(&found.suite.root.join("app.py")).unwrap(), "one\r\n");
    }
}
