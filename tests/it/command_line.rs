//! The command line: help, usage errors, and errors before anything is built.

use crate::sandbox::Sandbox;

#[test]
fn help_names_every_command_and_goes_to_stdout() {
    let ran = Sandbox::new().run(&["--help"]).expect(0);
    for command in
        ["run", "weigh", "compare", "check", "baseline", "merge", "report", "trend", "init", "doctor", "clean"]
    {
        assert!(ran.stdout.lines().any(|line| line.trim_start().starts_with(command)), "{command}:\n{}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    let ran = Sandbox::new().run(&["run", "--fast"]).expect(2);
    assert!(ran.stderr.contains("--fast"), "{}", ran.stderr);
}

#[test]
fn a_socket_that_nobody_serves_is_no_engine() {
    let sandbox = Sandbox::with_tiny_suite();
    let socket = sandbox.path("nobody.sock");
    let url = format!("unix://{}", socket.display());
    let missing = sandbox.run(&["run", "suite", "--host", &url]).expect(6);
    missing.complains(&["nobody.sock"]);
    // A socket file that is there but has no listener any more.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let stale = sandbox.command(&["run", "suite"]).env("DOCKER_HOST", &url).output().unwrap();
    let stale = crate::sandbox::Ran::from(stale).expect(6);
    stale.complains(&["nobody.sock"]);
    assert!(!sandbox.path("results").exists(), "nothing was measured, so there is no results folder");
}

#[test]
fn a_malformed_manifest_is_shown_with_line_and_column() {
    let sandbox = Sandbox::new();
    sandbox.write("suite/tonnage.toml", "[suite]\nname = \"x\"\ncolour = = 1\n");
    let ran = sandbox.run(&["run", "suite"]).expect(7);
    ran.complains(&["tonnage.toml:3:"]);
}

#[test]
fn a_suite_that_is_not_there_is_named() {
    Sandbox::new().run(&["run", "nowhere"]).expect(7).complains(&["nowhere"]);
}

#[test]
fn a_record_that_is_not_there_is_named() {
    Sandbox::new().run(&["report", "nowhere"]).expect(7).complains(&["nowhere"]);
}

#[test]
fn completions_and_manual_pages_come_from_the_definitions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(sandbox.run(&["completions", shell]).expect(0).stdout.contains("sizes-only"), "{shell}");
    }
    assert!(sandbox.run(&["man"]).expect(0).stdout.starts_with(".ie"));
    assert!(sandbox.run(&["man", "run"]).expect(0).stdout.contains("resume"));
    sandbox.run(&["man", "fly"]).expect(2).complains(&["fly"]);
}

#[test]
fn a_set_of_bases_that_is_not_there_is_answered_with_those_that_are() {
    let sandbox = Sandbox::with_tiny_suite();
    for command in ["doctor", "run"] {
        let ran = sandbox.run(&[command, "suite", "--bases", "nope", "--host", "unix:///nowhere.sock"]).expect(2);
        ran.complains(&["no set of bases `nope`"]);
        assert!(ran.stderr.contains("`default`, `all-slim`"), "{}", ran.stderr);
    }
}

#[test]
fn other_bases_are_refused_for_a_dockerfile_that_cannot_be_read() {
    let sandbox = Sandbox::with_tiny_suite();
    sandbox.write("suite/python3.9-slim/Dockerfile", "FROM tonnage-tiny/python:3.9-slim\nRUN cat <<EOF\n");
    for command in [&["run", "suite"][..], &["doctor", "suite"]] {
        let args = [command, &["--host", "unix:///nowhere.sock"]].concat();
        // No engine is needed to know it.
        let refused = sandbox.run(&[&args[..], &["--bases", "all-slim"]].concat()).expect(7);
        refused.complains(&["variant `python3.9-slim`", "line 2: the here-document `EOF` has no end"]);
        sandbox.run(&args).expect(6);
    }
    let others = ["run", "suite", "--bases", "all-slim", "--only", "python3.9", "--host", "unix:///nowhere.sock"];
    sandbox.run(&others).expect(6);
    assert!(sandbox.run(&["doctor", "suite", "--host", "unix:///nowhere.sock"]).stdout.contains("verdict"));
}

#[test]
fn the_version_has_details_for_bug_reports() {
    let sandbox = Sandbox::new();
    for arguments in [["--version", "--verbose"], ["--verbose", "--version"]] {
        let ran = sandbox.run(&arguments).expect(0);
        let first = format!("tonnage {}\ncommit: ", env!("CARGO_PKG_VERSION"));
        assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
        let target = ran.stdout.lines().find_map(|line| line.strip_prefix("target: ")).unwrap();
        assert!(target.starts_with(std::env::consts::ARCH), "{target}");
        assert!(ran.stdout.contains("\nfeatures: "), "{}", ran.stdout);
    }
    assert_eq!(sandbox.run(&["-V"]).expect(0).stdout, format!("tonnage {}\n", env!("CARGO_PKG_VERSION")));
    sandbox.run(&["--verbose", "doctor"]).expect(2).complains(&["`--verbose` needs `--version`"]);
}
