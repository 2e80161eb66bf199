//! What a suite names outside of its repository is used only if the command line allows it.

use std::fs;
use std::os::unix::fs::symlink;

use tonnage::testing::fixture;
use tonnage::testing::record;

use crate::sandbox::Sandbox;

/// No engine answers there: what is said before one is looked for has another exit code.
const NO_ENGINE: &str = "unix:///none/engine.sock";

/// A repository with a suite in `repository/suite`, a record beside it, and a baseline outside in `outside/kept.json`.
fn repository(manifest: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("repository/.git")).unwrap();
    sandbox.write("repository/suite/tonnage.toml", "[suite]\nname = \"flaskblog\"\n");
    sandbox.write("repository/suite/a/Dockerfile", "FROM scratch\n");
    record::write(&sandbox.path("measured"), &fixture::record()).unwrap();
    sandbox.run(&["baseline", "accept", "measured", "--suite", "repository/suite"]).expect(0);
    fs::create_dir(sandbox.path("outside")).unwrap();
    fs::rename(sandbox.path("repository/suite/tonnage-baseline.json"), sandbox.path("outside/kept.json")).unwrap();
    sandbox.write("repository/suite/tonnage.toml", manifest);
    sandbox
}

#[test]
fn a_baseline_outside_is_neither_read_nor_written() {
    for link in [false, true] {
        let manifest = if link { "" } else { "[gate]\nbaseline = \"../../outside/kept.json\"\n" };
        let sandbox = repository(manifest);
        if link {
            symlink("../../outside/kept.json", sandbox.path("repository/suite/tonnage-baseline.json")).unwrap();
        }
        let kept = sandbox.path("outside/kept.json");
        let before = fs::read(&kept).unwrap();
        for command in [&["check", "measured"][..], &["baseline", "accept", "measured"], &["baseline", "verify"]] {
            let refused = sandbox.run(&[command, &["--suite", "repository/suite"]].concat()).expect(7);
            let shown = kept.canonicalize().unwrap().display().to_string();
            assert!(refused.stderr.contains(&format!("error: `{shown}` is outside of `")), "{}", refused.stderr);
            assert!(refused.stderr.contains(&format!("`--allow-outside {shown}`")), "{}", refused.stderr);
            assert_eq!(fs::read(&kept).unwrap(), before);
            for allowed in ["outside", "outside/kept.json"] {
                let arguments = ["--suite", "repository/suite", "--allow-outside", allowed];
                sandbox.run(&[command, &arguments].concat()).expect(0);
            }
            // A baseline that the command line names may be anywhere.
            sandbox
                .run(&[command, &["--suite", "repository/suite", "--baseline", "outside/kept.json"]].concat())
                .expect(0);
        }
    }
}

#[test]
fn the_name_of_a_suite_leads_to_no_record_elsewhere() {
    let sandbox = repository("");
    let elsewhere = sandbox.path("measured").display().to_string();
    fs::create_dir(sandbox.path("measured/1")).unwrap();
    fs::rename(sandbox.path("measured/run.json"), sandbox.path("measured/1/run.json")).unwrap();
    for name in [elsewhere.as_str(), "../measured"] {
        sandbox.write("repository/suite/tonnage.toml", &format!("[suite]\nname = \"{name}\"\n"));
        let refused = sandbox.run(&["check", "--suite", "repository/suite"]).expect(7);
        refused.complains(&["cannot be a name"]);
    }
}

#[test]
fn a_run_refuses_what_its_suite_names_outside_before_an_engine_is_looked_for() {
    let outside = ["[suite]\ncontext = \"../..\"\n", "[build]\nca_files = [\"../../outside/key\"]\n"];
    for manifest in outside {
        let sandbox = repository(manifest);
        sandbox.write("outside/key", "secret");
        for command in [&["run", "repository/suite"][..], &["doctor", "repository/suite"]] {
            let refused = sandbox.run_on(NO_ENGINE, command).expect(7);
            assert!(refused.stderr.contains("tonnage.toml:2:"), "{}", refused.stderr);
            assert!(refused.stderr.contains("is outside of `") && refused.stderr.contains("--allow-outside "));
            sandbox.run_on(NO_ENGINE, &[command, &["--allow-outside", "."]].concat()).expect(6);
        }
        let none = sandbox.run_on(NO_ENGINE, &["run", "repository/suite", "--allow-outside", "none"]).expect(7);
        assert!(none.stderr.contains("`none`"), "{}", none.stderr);
    }
}
