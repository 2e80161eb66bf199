//! The ignore rules against the docker CLI: the same folder, packed by it and by us, must make the same image.
//!
//! With the classic builder, whose client is in the CLI itself. Every image made is removed again by its id.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tonnage::testing::context::{Context, Edit, Own, edit_line};
use tonnage::testing::record::Builder;
use tonnage::testing::suite::Suite;

use crate::shared_engine::SharedEngine;

/// Contents of `.dockerignore`, each a case. Patterns that only `pkg/archive` of one version reads so are left out.
const CASES: [&str; 10] = [
    "",
    "# comment\n*/temp*\n/src/lib/\n  docs/index.md  \n",
    "*/*/temp*\ntemp?\n**/*.go\n",
    "*.md\n!README*.md\nREADME-secret.md\n**/lib/**\n",
    "*\n!src/keep\n!src/lib\n!README.md\n",
    "*\n!**/*.md\n",
    "src\n!src/lib/a.go\nsrc/lib/temp1\n",
    "[a-r]*\n[^a-zA-Z#]*\n",
    "\\#odd\n#README.md\nDockerfile\n.dockerignore\n",
    "docs/..//src/./keep\n!docs\nempty\ndangling\n",
];

#[test]
#[ignore = "needs a container engine"]
fn what_is_sent_is_what_the_docker_cli_sends() {
    let _engine = SharedEngine::take();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fill(root);
    for (number, case) in CASES.iter().enumerate() {
        fs::write(root.join(".dockerignore"), case).unwrap();
        // A fresh label, so that neither build is answered from what the other left in the cache.
        let label = |who: &str| format!("io.tonnage.test=context-{}-{number}-{who}", std::process::id());
        let cli = Image::build(&label("cli"), Some(root), &[]);
        let tar =
            Context::load(root, &root.join("Dockerfile"), Builder::Classic, &Own::default()).unwrap().tar(&[]).unwrap();
        let own = Image::build(&label("own"), None, &tar);
        let sent = cli.files();
        assert!(sent.len() >= 3, "{case:?} leaves nothing to compare: {sent:?}");
        assert_eq!(own.files(), sent, "{case:?}");
    }
}

/// An edit misses the cache first where the suite's facts say, and a touched file not at all.
#[test]
#[ignore = "needs a container engine"]
fn an_edit_misses_first_at_the_instruction_that_the_facts_name() {
    let _engine = SharedEngine::take();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-suite");
    let suite = Suite::load(&folder).unwrap();
    let variant = suite.variant("python3.9-slim").unwrap();
    let mut context = suite.context(variant, Builder::Classic).unwrap();
    // Layers of its own, so that nobody else's builds or clean-ups matter.
    let own = format!("\nLABEL io.tonnage.test=edit-{}\nWORKDIR", std::process::id());
    context.with_dockerfile(&variant.dockerfile_text.replacen("\nWORKDIR", &own, 1));
    let mut images = Vec::new();
    let mut build = |edits: &[Edit]| {
        let mut command = Command::new("docker");
        command.env("DOCKER_BUILDKIT", "0").args(["build", "--force-rm", "-f", context.dockerfile(), "-"]);
        let log = String::from_utf8(run(command, &context.tar(edits).unwrap())).unwrap();
        let id = log.lines().find_map(|line| line.strip_prefix("Successfully built ")).unwrap();
        if !images.iter().any(|image: &Image| image.0 == id) {
            images.push(Image(id.to_owned()));
        }
        first_miss(&log)
    };
    let line = |path: &str, stamp: &str| {
        let edited = edit_line(path, context.content(path).unwrap(), stamp);
        [Edit::Replace { path: path.to_owned(), content: edited }]
    };
    assert!(build(&[]).is_some());
    assert_eq!(build(&[]), None);
    let touched = Edit::Touch { path: "src/server.py".into(), mtime: 1 };
    assert_eq!(build(&[touched]), None);
    for file in [variant.src.as_ref().unwrap(), variant.deps.as_ref().unwrap()] {
        let expected = Some(variant.copies(file).unwrap().text.clone());
        for stamp in ["1", "2"] {
            assert_eq!(build(&line(file.to_str().unwrap(), stamp)), expected);
        }
    }
    // Later images stand on layers of earlier ones.
    while images.pop().is_some() {}
}

/// The first instruction of a classic build's log that was not answered from the cache, configuration left out.
fn first_miss(log: &str) -> Option<String> {
    let mut steps: Vec<(&str, bool)> = Vec::new();
    for line in log.lines() {
        if let Some((_, instruction)) = line.strip_prefix("Step ").and_then(|rest| rest.split_once(" : ")) {
            steps.push((instruction, false));
        } else if line.trim() == "---> Using cache" {
            steps.last_mut().unwrap().1 = true;
        }
    }
    let builds = |step: &&(&str, bool)| ["RUN", "COPY", "ADD", "WORKDIR"].contains(&step.0.split(' ').next().unwrap());
    steps.iter().filter(builds).find(|step| !step.1).map(|step| step.0.to_owned())
}

/// A folder with something for every pattern.
fn fill(root: &Path) {
    for (path, content) in [
        ("Dockerfile", "FROM scratch\nCOPY . /ctx/\nCMD [\"x\"]\n"),
        ("README.md", "1"),
        ("README-secret.md", "2"),
        ("notes.md", "3"),
        ("#odd", "4"),
        ("temp", "5"),
        ("temp1", "6"),
        ("src/keep", "7"),
        ("src/a.go", "8"),
        ("src/temp.txt", "9"),
        ("src/lib/a.go", "10"),
        ("src/lib/temp1", "11"),
        ("src/lib/deep/x.md", "12"),
        ("docs/index.md", "13"),
        ("docs/lib/y", "14"),
        ("bin/run", "15"),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::set_permissions(root.join("bin/run"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    symlink("../README.md", root.join("docs/link")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
}

/// An image on the engine, removed when dropped.
struct Image(String);

impl Image {
    /// Builds a folder, or a tar from standard input.
    fn build(label: &str, folder: Option<&Path>, tar: &[u8]) -> Self {
        let mut command = Command::new("docker");
        command.env("DOCKER_BUILDKIT", "0").args(["build", "--quiet", "--label", label]);
        match folder {
            Some(folder) => command.arg(folder),
            None => command.arg("-"),
        };
        Self(run(command, tar).trim_ascii().to_vec().try_into().unwrap())
    }

    /// Path → type, mode, link target and content of what was copied.
    fn files(&self) -> BTreeMap<String, (u8, u32, Vec<u8>, Vec<u8>)> {
        let mut create = Command::new("docker");
        create.args(["create", &self.0]);
        let container = String::from_utf8(run(create, &[])).unwrap().trim().to_owned();
        let mut export = Command::new("docker");
        export.args(["export", &container]);
        let tar = run(export, &[]);
        let mut remove = Command::new("docker");
        remove.args(["rm", &container]);
        run(remove, &[]);
        let mut archive = tar::Archive::new(&tar[..]);
        let mut files = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let Some(path) = path.strip_prefix("ctx/") else { continue };
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let link = entry.link_name_bytes().unwrap_or_default().into_owned();
            let header = entry.header();
            files.insert(path.to_owned(), (header.entry_type().as_byte(), header.mode().unwrap(), link, content));
        }
        files
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let mut remove = Command::new("docker");
        remove.args(["image", "rm", &self.0]);
        let output = remove.output().unwrap();
        assert!(output.status.success() || std::thread::panicking(), "{} is left behind", self.0);
    }
}

/// Runs a command to its end and gives its output.
fn run(mut command: Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("the live tests need the docker CLI: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    // The tars here are smaller than what a pipe and the child take before they answer.
    drop(stdin.write_all(input));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
