//! Tests of loading: the suites of the repository, defaults and their merging, and each way to be wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::super::*;
use crate::error::{Diagnose, Failure};
use crate::exit::Exit;
use crate::record::Builder;
use crate::suite::dockerfile::{Arguments, rewrite_bases};
use crate::testing::files::directory;
use crate::units::Bytes;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder with a manifest, `a/Dockerfile`, `b/Dockerfile`, `src/x.py` and `requirements.txt`.
fn suite(manifest: &str) -> TempDir {
    directory(&[
        ("tonnage.toml", manifest),
        ("a/Dockerfile", "FROM python:3.9\nCOPY requirements.txt .\nCOPY src /app\n"),
        ("b/Dockerfile", "FROM python:3.9-slim AS one\nFROM one\nCOPY . .\n"),
        ("src/x.py", "x = 1\n"),
        ("requirements.txt", "Flask\n"),
    ])
}

fn load(manifest: &str) -> Result<Suite, SuiteError> {
    Suite::load(suite(manifest).path())
}

#[test]
fn the_flask_suite_has_four_variants_with_the_published_figures() {
    for (folder, prefix) in [("variants/flask-blog", ""), ("tests/fixtures/tiny-suite", "tonnage-tiny/")] {
        let suite = Suite::load(&repository(folder)).unwrap();
        let seen: Vec<_> = suite
            .variants
            .iter()
            .map(|variant| {
                (
                    variant.name.as_str(),
                    variant.external_bases(&Arguments::default(), Builder::Buildkit).images.join(" "),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("python3.9", format!("{prefix}python:3.9")),
                ("python3.9-slim", format!("{prefix}python:3.9-slim")),
                ("python3.9-alpine", format!("{prefix}python:3.9-alpine")),
                ("python3.9-alpine-multistage", format!("{prefix}python:3.9-alpine")),
            ]
        );
        for variant in &suite.variants {
            assert_eq!(variant.copies(Path::new("src/server.py")).unwrap().text, "COPY src /app");
            let deps = variant.copies(variant.deps.as_ref().unwrap()).unwrap();
            assert!(deps.text.starts_with("COPY requirements.txt "), "{}", deps.text);
            let serve = variant.serve.as_ref().unwrap();
            assert_eq!((serve.port, serve.expect.as_str()), (5000, "Hello World!"));
            let multistage = variant.name.ends_with("multistage");
            assert_eq!(serve.command.is_empty(), !multistage);
            let context = suite.context(variant, Builder::Buildkit).unwrap();
            assert!(context.content("src/server.py").is_some());
            assert_eq!(Path::new(context.dockerfile()), variant.dockerfile);
        }
    }
    let suite = Suite::load(&repository("variants/flask-blog/tonnage.toml")).unwrap();
    let claims: Vec<_> = suite.variants.iter().map(|variant| variant.reference.clone().unwrap().text).collect();
    assert_eq!(claims, ["842MB", "118MB", "55.8MB", "48.8MB"]);
    for set in ["july-2021", "stand-in"] {
        for variant in &suite.variants {
            let rewritten = rewrite_bases(&variant.dockerfile_text, &suite.bases[set], &Arguments::default());
            assert!(!rewritten.contains("FROM python:3.9\n") && !rewritten.contains("FROM python:3.9-alpine as"));
            assert_eq!(rewritten.lines().count(), variant.dockerfile_text.lines().count());
        }
    }
}

#[test]
fn without_listed_variants_each_folder_with_a_dockerfile_is_one() {
    let dir = suite("");
    fs::create_dir(dir.path().join("no-dockerfile")).unwrap();
    let suite = Suite::load(&dir.path().join("tonnage.toml")).unwrap();
    let names: Vec<_> = suite.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(suite.variants[0].dockerfile, Path::new("a/Dockerfile"));
    assert_eq!(suite.variants[0].context, Path::new("."));
    assert_eq!(suite.build, BuildOptions { deadline: super::DEADLINE, ..BuildOptions::default() });
    assert!(suite.variants[0].serve.is_none());
}

#[test]
fn a_variant_stands_over_the_suite_key_by_key() {
    let suite = load(
        r#"
[suite]
name = "s"
src = "src/x.py"
[build]
args = { A = "1", B = "1" }
platform = "linux/amd64"
network = "host"
target = "one"
labels = { l = "1" }
deadline = "1m 30s"
ca_files = ["ca.pem"]
[serve]
port = 80
path = "/health"
timeout = "5 s"
memory = "64 MiB"
env = { A = "1", B = "1" }
[[variant]]
name = "A"
dockerfile = "./a/Dockerfile"
src = "x.py"
context = "src"
args = { B = "2" }
platform = "linux/arm64"
reference = "1.5 GB"
serve = { port = 8080, starts = 2, env = { B = "2" }, command = ["x"] }
[[variant]]
name = "b"
"#,
    )
    .unwrap();
    let [a, b] = &suite.variants[..] else { panic!() };
    assert_eq!(a.dockerfile, Path::new("a/Dockerfile"));
    assert_eq!(a.src.as_deref(), Some(Path::new("x.py")));
    assert_eq!(
        a.build_args.clone().into_iter().collect::<Vec<_>>(),
        [("A".into(), "1".into()), ("B".into(), "2".into())]
    );
    assert_eq!(a.platform.as_deref(), Some("linux/arm64"));
    assert_eq!((a.network.as_deref(), a.target.as_deref()), (Some("host"), Some("one")));
    let serve = a.serve.as_ref().unwrap();
    assert_eq!((serve.port, serve.path.as_str(), serve.starts), (8080, "/health", 2));
    assert_eq!((serve.timeout, serve.limits.memory_bytes), (Duration::from_secs(5), Bytes(64 << 20)));
    assert_eq!(serve.env["A"], "1");
    assert_eq!(serve.env["B"], "2");
    let serve = b.serve.as_ref().unwrap();
    assert_eq!((serve.port, serve.path.as_str()), (80, "/health"));
    assert_eq!(b.build_args, suite.build.args);
    assert_eq!(suite.build.deadline, Duration::from_secs(90));
    assert_eq!(suite.build.ca_files, [suite.root.join("ca.pem")]);
}

#[test]
fn each_way_to_be_wrong_has_its_place_and_a_hint() {
    for (manifest, line, message) in [
        ("[suite]\nname = \"a/b\"\n", 2, "`a/b` cannot be a name"),
        ("[suite]\nname = \"-a\"\n", 2, "`-a` cannot be a name"),
        (
            "[[variant]]\nname = \"a\"\n[[variant]]\nname = \"A\"\ndockerfile = \"a/Dockerfile\"\n",
            4,
            "a second variant",
        ),
        ("[[variant]]\nname = \"zz\"\n", 2, "has no Dockerfile at `zz/Dockerfile`"),
        ("[[variant]]\nname = \"a\"\ndockerfile = \"/etc/passwd\"\n", 3, "`/etc/passwd` is outside of `"),
        ("[[variant]]\nname = \"a\"\ndockerfile = \"../none\"\n", 3, "/none` is outside of `"),
        ("[[variant]]\nname = \"a\"\ncontext = \"/etc\"\n", 3, "`/etc` is outside of `"),
        ("[suite]\ncontext = \"a/../..\"\n", 2, "` is outside of `"),
        ("[build]\nca_files = [\"a\", \"/etc/shadow\"]\n", 2, "`/etc/shadow` is outside of `"),
        ("[suite]\nsrc = \"../x\"\n", 2, "leads out of its directory"),
        ("[suite]\nsrc = \"none.py\"\n", 2, "there is no file `none.py`"),
        ("[suite]\ncontext = \"none\"\n", 2, "is not a directory"),
        ("[serve]\npath = \"/\"\n", 1, "without a `port`"),
        ("[serve]\nport = 0\n", 2, "`0` is not a valid port"),
        ("[serve]\nport = 80\npath = \"x\"\n", 3, "`x` is not a path"),
        ("[serve]\nport = 80\npath = \"/ HTTP/1.0\\r\\n\"\n", 3, "is not a path"),
        ("[[variant]]\nname = \"a\"\nreference = { cold = \"soon\" }\n", 3, "`soon` is not a time"),
        ("[[variant]]\nname = \"a\"\nreference = { warm = \"1 s\" }\n", 3, "unknown key `warm`"),
        ("[[variant]]\nname = \"a\"\nreference = 3\n", 3, "invalid type"),
        ("[serve]\nport = 80\ncpus = 0\n", 3, "`0` is not a number of CPUs"),
        ("[serve]\nport = 80\ncpus = nan\n", 3, "`NaN` is not a number of CPUs"),
        ("[serve]\nport = 80\ntimeout = \"soon\"\n", 3, "`soon` is not a duration"),
        ("[serve]\nport = 80\ntimeout = \"-3 s\"\n", 3, "is not a duration"),
        ("[serve]\nport = 80\nmemory = \"64\"\n", 3, "`64` has no unit"),
        ("[serve]\nport = 80\nstarts = 0\n", 3, "`0` starts"),
        ("[build]\ndeadline = \"30\"\n", 2, "`30` is not a duration"),
        ("[build]\nplatform = \"nonsense\"\n", 2, "`nonsense` is not a platform"),
        ("[build]\nplatform = \"\"\n", 2, "`` is not a platform"),
        ("[[variant]]\nname = \"a\"\nplatform = \"linux/arm64/\"\n", 3, "`linux/arm64/` is not a platform"),
        ("[[variant]]\nname = \"a\"\nreference = \"842\"\n", 3, "`842` has no unit"),
        ("[suite]\nnmae = \"x\"\n", 2, "unknown key `nmae`"),
        ("[suite\n", 1, ""),
    ] {
        let error = load(manifest).unwrap_err();
        assert_eq!(error.exit(), Exit::Unreadable);
        let shown = error.to_string();
        assert!(shown.contains(&format!("tonnage.toml:{line}:")) && shown.contains(message), "{manifest}: {shown}");
        assert!(Failure::from(error).hint.is_some(), "{manifest}");
    }
}

#[test]
fn a_folder_without_manifest_or_variants_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Suite::load(dir.path()), Err(SuiteError::NoManifest { .. })));
    assert!(matches!(Suite::load(&dir.path().join("x.toml")), Err(SuiteError::File(_))));
    fs::write(dir.path().join("tonnage.toml"), "").unwrap();
    let error = Suite::load(dir.path()).unwrap_err();
    assert!(matches!(error, SuiteError::NoVariants { .. }));
    assert!(error.hint().unwrap().contains("[[variant]]"));
}

#[test]
fn a_dockerfile_with_a_syntax_error_is_still_a_variant() {
    let dir = suite("");
    fs::write(dir.path().join("a/Dockerfile"), "FROM x\nRUM y\n").unwrap();
    fs::write(dir.path().join("b/Dockerfile"), b"FROM x\nRUN echo \xff\n").unwrap();
    let suite = Suite::load(dir.path()).unwrap();
    let error = suite.variants[0].facts_error.as_ref().unwrap();
    assert!(error.to_string().starts_with("line 2: "), "{error}");
    assert!(suite.variants[0].facts.instructions.is_empty());
    assert!(suite.variants[1].facts_error.is_none());
}

#[test]
fn the_digest_follows_names_modes_and_contents_and_nothing_else() {
    use std::os::unix::fs::PermissionsExt as _;

    let digest = |dir: &TempDir| Suite::load(dir.path()).unwrap().digest;
    let manifest = "[suite]\nname = \"x\"\n";
    let (one, two) = (suite(manifest), suite(manifest));
    let first = digest(&one);
    assert!(first.starts_with("sha256:") && first.len() == 71);
    assert_eq!(first, digest(&two));
    let file = one.path().join("src/x.py");
    fs::File::open(&file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(first, digest(&one));
    let mut digests = vec![first];
    fs::write(&file, "x = 2\n").unwrap();
    digests.push(digest(&one));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    digests.push(digest(&one));
    fs::rename(&file, one.path().join("src/y.py")).unwrap();
    digests.push(digest(&one));
    fs::write(one.path().join("a/Dockerfile"), "FROM y\n").unwrap();
    digests.push(digest(&one));
    fs::write(one.path().join(".dockerignore"), "src\n").unwrap();
    digests.push(digest(&one));
    let unique: std::collections::BTreeSet<_> = digests.iter().collect();
    assert_eq!(unique.len(), digests.len(), "{digests:?}");
    // What is left out of the context does not count.
    fs::write(one.path().join("src/new"), "").unwrap();
    assert_eq!(&digest(&one), digests.last().unwrap());
}

#[test]
fn the_twin_is_the_last_of_the_variants_with_the_fewest_stages() {
    let blog = Suite::load(&repository("variants/flask-blog")).unwrap();
    let twin = |only: &[&str]| {
        let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
        blog.twin(&only).map(|index| blog.chosen(&only)[index].name.clone())
    };
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(twin(&[]), name("python3.9-alpine"), "the multistage build makes layers that no image holds");
    assert_eq!(twin(&["python3.9-alpine-multistage"]), name("python3.9-alpine-multistage"));
    assert_eq!(twin(&["python3.9-slim", "python3.9", "python3.9"]), name("python3.9-slim"), "named twice is once");
    assert_eq!(twin(&["nothing"]), None);
}

#[test]
fn links_are_judged_by_where_they_lead_whoever_names_them() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "FROM secret\n").unwrap();
    // The path in the suite that becomes a link, and the manifest that leads there.
    let cases = [
        ("c/Dockerfile", ""),
        ("a/Dockerfile", "[[variant]]\nname = \"a\"\n"),
        ("x", "[[variant]]\nname = \"a\"\ndockerfile = \"x\"\n"),
        ("x", "[build]\nca_files = [\"x\"]\n"),
        (".dockerignore", ""),
        (".containerignore", ""),
        ("src/.dockerignore", "[suite]\ncontext = \"src\"\n"),
        ("a/Dockerfile.dockerignore", ""),
        ("a/Dockerfile.containerignore", ""),
        ("tonnage.toml", ""),
    ];
    for (link, manifest) in cases {
        let dir = suite(manifest);
        let path = dir.path().join(link);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        drop(fs::remove_file(&path));
        symlink(&secret, &path).unwrap();
        let error = Suite::load(dir.path()).unwrap_err();
        assert_eq!(error.exit(), Exit::Unreadable);
        let shown = error.to_string();
        assert!(shown.contains(&format!("`{}` is outside of `", secret.display())), "{link}: {shown}");
        assert!(!shown.contains("FROM"));
        assert!(error.hint().unwrap().contains(&format!("`--allow-outside {}`", secret.display())), "{link}");
        if link != "tonnage.toml" {
            Suite::load_allowing(dir.path(), &[outside.path().to_owned()]).unwrap();
        }
    }
    // Directories are links too: the context's, and that of a variant.
    fs::write(outside.path().join("Dockerfile"), "FROM secret\n").unwrap();
    for (link, manifest) in [("x", "[suite]\ncontext = \"x\"\n"), ("found", "")] {
        let dir = suite(manifest);
        symlink(outside.path(), dir.path().join(link)).unwrap();
        let error = Suite::load(dir.path()).unwrap_err();
        assert!(error.to_string().contains("is outside of"), "{error}");
        Suite::load_allowing(dir.path(), &[outside.path().to_owned()]).unwrap();
    }
}

#[test]
fn paths_may_lead_through_the_repository_of_the_suite() {
    let dir = suite("");
    let inner = dir.path().join("bench");
    fs::create_dir(&inner).unwrap();
    let manifest = "[suite]\ncontext = \"..\"\n[build]\nca_files = [\"../requirements.txt\"]\n[[variant]]\nname = \"a\"\n\
                    dockerfile = \"../a/Dockerfile\"\n";
    fs::write(inner.join("tonnage.toml"), manifest).unwrap();
    let error = Suite::load(&inner).unwrap_err();
    assert!(error.to_string().contains("tonnage.toml:4:"), "{error}");
    fs::create_dir(dir.path().join(".git")).unwrap();
    let suite = Suite::load(&inner).unwrap();
    assert_eq!(
        (suite.variants[0].context.as_path(), suite.variants[0].dockerfile.as_path()),
        (Path::new(".."), Path::new("../a/Dockerfile"))
    );
}
