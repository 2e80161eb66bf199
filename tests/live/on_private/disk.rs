//! Full disks, of the results and of the engine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::holdings::Holdings;
use crate::private_engine::PrivateEngine;
use crate::runs::steps;
use crate::sandbox::Sandbox;

/// A small file system in memory, there until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, size: &str) -> Self {
        std::fs::create_dir_all(path).unwrap();
        mount(path, size);
        Self(path.to_owned())
    }

    /// Leaves so many bytes free.
    fn fill_up_to(&self, free_bytes: u64) {
        let stat = rustix::fs::statvfs(&self.0).unwrap();
        let filler = stat.f_bavail * stat.f_frsize - free_bytes;
        std::fs::write(self.0.join("filler"), vec![1; usize::try_from(filler).unwrap()]).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

fn mount(path: &Path, size: &str) {
    let options = format!("size={size}");
    let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tonnage-test"]).arg(path).status();
    assert!(status.unwrap().success(), "a tmpfs on {}", path.display());
}

/// Samples in a journal.
fn journalled(sandbox: &Sandbox, folder: &str) -> usize {
    let journal = sandbox.read(&format!("{folder}/journal.jsonl"));
    journal.lines().filter(|line| line.starts_with("{\"sample\"") && line.ends_with('}')).count()
}

const PLAN: [&str; 9] =
    ["run", "suite", "--only", "python3.9-alpine", "--scenarios", "cold,warm", "--rounds", "2", "--no-twin"];

#[test]
#[ignore = "needs a container engine"]
fn a_results_disk_that_fills_up_ends_the_run_clearly_and_the_resume_loses_nothing() {
    let engine = PrivateEngine::start();
    engine.load("alpine");
    let sandbox = Sandbox::with_tiny_suite();
    let disk = SmallDisk::mount(&sandbox.path("disk"), "8m");
    let before = Holdings::on(Some(engine.host()));
    // Some samples fit, the whole run does not.
    disk.fill_up_to(16 << 10);
    // Whether the image starts is not what fills a disk.
    let out = ["--no-serve", "--out", "disk/out"];
    let ran = sandbox.run_on(engine.host(), &[&PLAN[..], &out].concat()).expect(7);
    ran.complains(&["journal.jsonl", "No space left on device"]);
    before.expect_unchanged();
    let kept = journalled(&sandbox, "disk/out");
    assert!(kept > 0 && kept < 12, "{kept} samples are on the full disk");
    // Still full: the same words, and what is there stays.
    sandbox.run_on(engine.host(), &[&PLAN[..], &["--no-serve", "--resume", "disk/out"]].concat()).expect(7);
    before.expect_unchanged();
    disk.free();
    sandbox.run_on(engine.host(), &[&PLAN[..], &["--no-serve", "--resume", "disk/out"]].concat()).expect(0);
    before.expect_unchanged();
    let record = sandbox.json("disk/out/run.json");
    assert_eq!(record["ended"], "complete");
    assert_eq!(steps(&record), (0..12).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs a container engine"]
fn a_disk_that_is_full_when_the_report_is_written_keeps_the_record() {
    let engine = PrivateEngine::start();
    engine.load("alpine");
    let sandbox = Sandbox::with_tiny_suite();
    let disk = SmallDisk::mount(&sandbox.path("disk"), "8m");
    // The journal and the record fit, the charts do not.
    disk.fill_up_to(200 << 10);
    let ran = sandbox.run_on(engine.host(), &[&PLAN[..], &["--out", "disk/out"]].concat()).expect(7);
    ran.complains(&["No space left on device"]);
    assert_eq!(sandbox.json("disk/out/run.json")["ended"], "complete");
    disk.free();
    sandbox.run(&["report", "disk/out", "--out", "again"]).expect(0);
}

#[test]
#[ignore = "needs a container engine"]
fn an_engine_whose_own_disk_is_full_is_told_with_the_reason_and_cleaned() {
    let engine = PrivateEngine::start_on(|data| mount(data, "96m"));
    engine.load("alpine");
    let before = Holdings::on(Some(engine.host()));
    let sandbox = Sandbox::with_tiny_suite();
    let base = "FROM tonnage-tiny/python:3.9-alpine\n";
    let variants = [
        ("in-run", "RUN dd if=/dev/zero of=/big bs=1M count=200\n"),
        // Fits once, but neither beside its export nor a second time.
        ("in-export", "RUN dd if=/dev/urandom of=/big bs=1M count=60\n"),
        ("in-upload", "COPY large /large\n"),
        ("fits", "RUN echo fits\n"),
    ];
    let mut manifest = String::from("[suite]\nname = \"full\"\n");
    for (name, text) in variants {
        let _ = write!(manifest, "[[variant]]\nname = \"{name}\"\n");
        sandbox.write(&format!("full/{name}/Dockerfile"), &format!("{base}{text}"));
    }
    sandbox.write("full/tonnage.toml", &manifest);
    sandbox.write("full/.dockerignore", "*\n");
    sandbox.write("full/in-upload/Dockerfile.dockerignore", "*\n!large\n");
    let large = std::fs::File::create(sandbox.path("full/large")).unwrap();
    large.set_len(120 << 20).unwrap();
    for (only, code, ended, words) in [
        ("in-run", 5, "complete", "No space left on device"),
        ("in-export", 5, "complete", "no space left on device"),
        ("in-upload", 6, "engine_lost", "no space left on device"),
        ("fits", 0, "complete", "it built"),
    ] {
        // By export, which needs space on the engine; in place, nothing would.
        let arguments = ["run", "full", "--sizes-only", "--via", "export", "--only", only, "--out", only];
        let ran = sandbox.run_on(engine.host(), &arguments);
        // Sentences of a table are broken to its width.
        let said = format!("{}{}", ran.stdout, ran.stderr).replace(['│', '┆'], " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ran.code, Some(code), "{only}:\n{said}");
        assert!(said.contains(words), "{only}:\n{said}");
        assert_eq!(sandbox.json(&format!("{only}/run.json"))["ended"], ended);
        if code == 6 {
            ran.complains(&[words]);
            assert!(said.contains("hint: free disk space on the engine"), "{said}");
        }
        before.expect_unchanged();
        sandbox.run_on(engine.host(), &["clean"]).expect(0);
        before.expect_unchanged();
    }
    let record = sandbox.json("in-export/run.json");
    assert_eq!(record["variants"][0]["failure"]["stage"], "export", "{}", record["variants"][0]);
}

/// Folders of layers on an engine's disk.
fn layer_folders(data: &Path) -> usize {
    let drivers = ["overlay2", "fuse-overlayfs", "vfs"].map(|driver| data.join(driver)).into_iter();
    drivers.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().count()
}

#[test]
#[ignore = "needs a container engine"]
fn a_file_copied_to_the_root_is_not_left_on_the_engines_disk_once_for_each_build() {
    let mut data = PathBuf::new();
    let engine = PrivateEngine::start_on(|folder| data = folder.to_owned());
    engine.load("alpine");
    let sandbox = Sandbox::new();
    let mut manifest = String::from("[suite]\nname = \"jar\"\n");
    for (name, more) in [("plain", ""), ("more", "COPY run.sh /run.sh\n")] {
        let _ = write!(manifest, "[[variant]]\nname = \"{name}\"\n");
        let dockerfile = format!("FROM tonnage-tiny/python:3.9-alpine\nCOPY app.jar /app.jar\n{more}");
        sandbox.write(&format!("suite/{name}/Dockerfile"), &dockerfile);
    }
    sandbox.write("suite/tonnage.toml", &manifest);
    sandbox.write("suite/app.jar", &"a".repeat(100_000));
    sandbox.write("suite/run.sh", "exec true\n");
    let before = layer_folders(&data);
    assert!(before > 0, "nothing in {}", data.display());
    let arguments = ["run", "suite", "--builder", "buildkit", "--rounds", "3", "--out", "out"];
    sandbox.run_on(engine.host(), &arguments).expect(0);
    let record = sandbox.json("out/run.json");
    let samples = record["samples"].as_array().unwrap();
    assert!(samples.iter().all(|sample| sample["valid"] == true), "{samples:?}");
    let cold = samples.iter().filter(|sample| sample["scenario"] == "cold").count();
    assert_eq!(cold, 4 * 3, "four rounds of two variants and the twin");
    // The layer that the variants share is the same in both images.
    let plain = &record["variants"][0]["sizes"];
    assert_eq!(plain["shared_bytes"], plain["size_bytes"], "{plain}");
    // The shared layer of the first round, whose images are weighed, was built for both.
    let left = layer_folders(&data) - before;
    assert!(left <= 1, "{left} folders of {cold} cold builds are left");
}
