//! `tonnage weigh`, and `tonnage compare` of archives: small docker archives made here.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use tonnage_image::testing::archives::{self, digest};

use crate::sandbox::{Ran, Sandbox};

/// Names that a terminal, a table or a page would act upon.
const HOSTILE: [&str; 4] = ["srv/\u{1b}[2Jclear", "srv/two\nlines", "srv/a|b`c", "srv/<script>alert(1)<!--"];
const INSTRUCTION: &str = "RUN echo \u{1b}]0;owned\u{7} | tee <b>";

/// A layer of files of different content, so that there are no duplicates by chance.
fn layer(files: &[(&str, usize)]) -> Vec<u8> {
    let content =
        |(index, (path, size)): (usize, &(&str, usize))| ((*path).to_owned(), vec![(index % 251) as u8; *size]);
    archives::archive(&files.iter().enumerate().map(content).collect::<Vec<_>>())
}

/// An image of a docker archive: its tag, its platform, and its layers with their instructions.
struct Image<'a> {
    tag: &'a str,
    architecture: &'a str,
    layers: Vec<(&'a str, Vec<u8>)>,
}

fn archive(images: &[Image<'_>]) -> Vec<u8> {
    let made = images.iter().map(|image| {
        let layers: Vec<Vec<u8>> = image.layers.iter().map(|(_, layer)| layer.clone()).collect();
        let ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", digest(layer))).collect();
        let history: Vec<Value> = image.layers.iter().map(|(by, _)| json!({"created_by": by})).collect();
        let config = json!({
            "architecture": image.architecture, "os": "linux", "config": {"User": "app"}, "history": history,
            "rootfs": {"type": "layers", "diff_ids": ids},
        });
        archives::Image { tag: Some(image.tag.to_owned()), config: serde_json::to_vec(&config).unwrap(), layers }
    });
    archives::docker(&made.collect::<Vec<_>>())
}

fn below() -> Vec<u8> {
    layer(&[("etc/os-release", 100), ("usr/lib/big.so", 70_001)])
}

/// Two layers, 103,108 bytes: 70,101 below; above it four hostile names and a file that replaces `big.so`.
fn hostile() -> Image<'static> {
    let mut files: Vec<(&str, usize)> = HOSTILE.iter().map(|name| (*name, 3_001)).collect();
    files.push(("usr/lib/big.so", 21_003));
    Image {
        tag: "evil:1",
        architecture: "amd64",
        layers: vec![("COPY rootfs /", below()), (INSTRUCTION, layer(&files))],
    }
}
const HOSTILE_SIZE: u64 = 100 + 70_001 + 4 * 3_001 + 21_003;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("evil.tar"), archive(&[hostile()])).unwrap();
    sandbox
}

#[track_caller]
fn expect_harmless(text: &str) {
    assert!(!text.contains(['\u{1b}', '\u{7}']), "escape sequences come through:\n{text:?}");
}

#[test]
fn the_table_adds_up_and_shows_hostile_names_harmlessly() {
    let ran = sandbox().run(&["weigh", "evil.tar", "--full", "--bytes"]).expect(0);
    assert_eq!(ran.stderr, "");
    expect_harmless(&ran.stdout);
    let total = ran.stdout.lines().find(|line| line.contains("TOTAL")).unwrap();
    assert!(total.contains("103,108 B") && HOSTILE_SIZE == 103_108, "{total}");
    for words in ["COPY rootfs /", "/usr/lib/big.so", "srv/two\\nlines", "srv/a|b`c", "\\u{1b}[2Jclear", "█"] {
        assert!(ran.stdout.contains(words), "no `{words}`:\n{}", ran.stdout);
    }
    let dead = ran.stdout.lines().find(|line| line.contains("COPY rootfs / → RUN echo")).unwrap();
    assert!(dead.contains("70.0 kB") && dead.contains("/usr/lib/big.so"), "{dead}");
}

#[test]
fn the_screen_says_the_answer_first_and_is_short() {
    let sandbox = sandbox();
    let ran = sandbox.run(&["weigh", "evil.tar", "--path", "*.so"]).expect(0);
    expect_harmless(&ran.stdout);
    let first = ran.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("`evil.tar`: 103 kB; 70.0 kB reclaimable (rewritten or deleted files 70.0 kB)"),
        "{first}"
    );
    assert!(ran.stdout.lines().count() <= 30 && ran.stdout.contains("─ usr/"), "{}", ran.stdout);
    assert!(ran.stdout.contains("`*.so`: 21.0 kB in 1 file"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("103,108"), "no exact bytes unless asked for: {}", ran.stdout);
}

/// Bytes of an entry of ncdu's export and of those in it.
fn sum(entry: &Value) -> u64 {
    match entry {
        Value::Array(directory) => directory[1..].iter().map(sum).sum(),
        file => file["asize"].as_u64().unwrap(),
    }
}

#[test]
fn a_page_and_an_export_for_ncdu_hold_the_files_and_no_markup_of_strangers() {
    let sandbox = sandbox();
    let page = sandbox.run(&["weigh", "evil.tar", "--format", "html"]).expect(0).stdout;
    expect_harmless(&page);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("big.so") && page.contains("70.0 kB"), "{page}");
    assert_eq!(page.matches("<script").count(), 2, "the data and our script");
    let compared = sandbox.run(&["compare", "evil.tar", "evil.tar", "--format", "html"]).expect(0).stdout;
    expect_harmless(&compared);
    assert!(compared.contains("no change in size") && compared.contains("(old)"), "{compared}");
    let export = sandbox.run(&["weigh", "evil.tar", "--format", "ncdu"]).expect(0).stdout;
    expect_harmless(&export);
    let export: Value = serde_json::from_str(&export).unwrap();
    assert_eq!((export[0].clone(), sum(&export[3])), (json!(1), HOSTILE_SIZE - 70_001));
}

#[test]
fn why_says_who_wrote_a_path_and_what_hides_it() {
    let sandbox = sandbox();
    let ran = sandbox.run(&["weigh", "evil.tar", "--why", "usr/lib/big.so"]).expect(0);
    expect_harmless(&ran.stdout);
    assert!(ran.stdout.contains("`/usr/lib/big.so` in evil.tar: 21.0 kB in 1 file, 70.0 kB hidden"), "{}", ran.stdout);
    assert!(ran.stdout.contains("written by `COPY rootfs /` and hidden by `RUN echo"), "{}", ran.stdout);
    sandbox.run(&["weigh", "evil.tar", "--why", "/nowhere"]).expect(2).complains(&["at or below `/nowhere`"]);
    sandbox.run(&["weigh", "evil.tar", "--why", "/", "--full"]).expect(2);
}

#[test]
fn only_the_sections_asked_for_are_shown() {
    let sandbox = sandbox();
    let titles = |arguments: &[&str]| {
        let ran = sandbox.run(&[&["weigh", "evil.tar"], arguments].concat()).expect(0);
        let known = ["Sizes", "Layers", "Packages", "Reclaimable", "Largest files", "Findings"];
        ran.stdout.lines().filter(|line| known.contains(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(titles(&["--layers"]), ["Layers", "Sizes"]);
    assert_eq!(titles(&["--packages"]), ["Packages", "Sizes"]);
    assert_eq!(titles(&["--files"]), ["Reclaimable", "Largest files", "Sizes"]);
}

#[test]
fn json_has_the_fields_of_the_record_and_whole_names() {
    let sandbox = sandbox();
    let ran = sandbox.run(&["weigh", "evil.tar", "--format", "json"]).expect(0);
    expect_harmless(&ran.stdout);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["format_version"], "1.0");
    assert!(json.get("sharing").is_none());
    let target = &json["targets"][0];
    assert_eq!(target["target"], "evil.tar");
    assert_eq!(target["platform"], "linux/amd64");
    assert_eq!(target["user"], "app");
    let sizes = &target["sizes"];
    assert_eq!(sizes["size_bytes"], HOSTILE_SIZE);
    assert_eq!(sizes["reclaimable_bytes"], 70_001);
    assert_eq!(sizes["rootfs_bytes"], HOSTILE_SIZE - 70_001);
    assert_eq!(sizes["wire_kind"], "estimated");
    assert_eq!(target["layers"][0]["size_bytes"], 70_101);
    assert_eq!(target["layers"][0]["diff_id"], format!("sha256:{}", digest(&below())));
    let dead = &target["reclaimable"][0];
    assert_eq!((dead["path"].as_str(), dead["size_bytes"].as_u64()), (Some("/usr/lib/big.so"), Some(70_001)));
    assert_eq!(dead["written_by"], "COPY rootfs /");
    let paths: Vec<&str> =
        target["paths"].as_array().unwrap().iter().map(|path| path["path"].as_str().unwrap()).collect();
    for name in HOSTILE {
        assert!(paths.contains(&format!("/{name}").as_str()), "{name:?} in {paths:?}");
    }
    let rest = |list: &str| target[list].as_array().unwrap().iter().map(|row| row["size_bytes"].as_u64().unwrap());
    assert_eq!(rest("packages").chain(rest("remainder")).sum::<u64>(), HOSTILE_SIZE);
    for list in ["duplicates", "findings"] {
        assert!(target[list].is_array(), "{list}");
    }
}

#[test]
fn a_weighing_is_read_back_as_it_was_written() {
    let sandbox = sandbox();
    let ran = sandbox.run(&["weigh", "evil.tar", "--format", "json"]).expect(0);
    sandbox.write("weighed.json", &ran.stdout);
    let differs = sandbox.run(&["compare", "weighed.json", "evil.tar", "--format", "json"]).expect(0);
    let differs: Value = serde_json::from_str(&differs.stdout).unwrap();
    let images = differs["images"].as_array().unwrap();
    assert_eq!(images.len(), 1, "{differs}");
    assert_eq!((images[0]["old_bytes"].as_u64(), images[0]["delta_bytes"].as_i64()), (Some(HOSTILE_SIZE), Some(0)));
    assert_eq!(images[0]["groups"], json!([]), "nothing moved");
    let table = sandbox.run(&["compare", "weighed.json", "evil.tar"]).expect(0);
    expect_harmless(&table.stdout);
    assert!(table.stdout.contains("no change in size"), "{}", table.stdout);
}

#[test]
fn csv_has_a_row_a_target_or_a_layer_and_no_formulas() {
    let sandbox = sandbox();
    fs::copy(sandbox.path("evil.tar"), sandbox.path("=evil.tar")).unwrap();
    let ran = sandbox.run(&["weigh", "evil.tar", "=evil.tar", "--format", "csv"]).expect(0);
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(rows.len(), 3, "{}", ran.stdout);
    assert!(rows[0].starts_with("target,image_id,config_digest,platform,user,size_bytes,"), "{}", rows[0]);
    assert!(rows[1].contains(",linux/amd64,app,103108,"), "{}", rows[1]);
    assert!(rows[2].starts_with("'=evil.tar,"), "{}", rows[2]);
    let layers = sandbox.run(&["weigh", "evil.tar", "--format", "csv", "--layers"]).expect(0);
    assert_eq!(layers.stdout.lines().count(), 3, "{}", layers.stdout);
    assert!(layers.stdout.contains(&digest(&below())));
    let packages = sandbox.run(&["weigh", "evil.tar", "--format", "csv", "--packages"]).expect(0);
    let sum: u64 =
        packages.stdout.lines().skip(1).map(|row| row.rsplit(',').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(sum, HOSTILE_SIZE);
    sandbox.run(&["weigh", "evil.tar", "--format", "csv", "--layers", "--files"]).expect(2).complains(&["kind"]);
}

#[test]
fn markdown_keeps_hostile_names_in_their_cells() {
    let ran = sandbox().run(&["weigh", "evil.tar", "--format", "markdown"]).expect(0);
    expect_harmless(&ran.stdout);
    for line in ran.stdout.lines().filter(|line| line.contains("script") || line.contains("a\\|b")) {
        // Tags and bars only inside code spans, whose fences are longer than the back-ticks of the name.
        let cell = line.split("| ").find(|cell| cell.contains("script") || cell.contains("a\\|b")).unwrap();
        assert!(cell.starts_with('`'), "{line}");
    }
    assert!(ran.stdout.contains("a\\|b"), "{}", ran.stdout);
    assert!(ran.stdout.contains("two\\nlines"), "{}", ran.stdout);
}

#[test]
fn an_archive_comes_by_standard_input_too_plain_or_packed() {
    let plain = archive(&[hostile()]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    for content in [plain.clone(), gzip.finish().unwrap(), zstd::encode_all(plain.as_slice(), 1).unwrap()] {
        let json: Value =
            serde_json::from_str(&piped(&["weigh", "-", "--format", "json"], &content).expect(0).stdout).unwrap();
        assert_eq!(json["targets"][0]["target"], "-");
        assert_eq!(json["targets"][0]["sizes"]["size_bytes"], HOSTILE_SIZE);
    }
    piped(&["weigh", "-", "--base", "-"], &plain).expect(2).complains(&["once"]);
}

fn piped(arguments: &[&str], content: &[u8]) -> Ran {
    let sandbox = Sandbox::new();
    let mut child = sandbox.command(arguments);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that stops early closes its end.
    drop(child.stdin.take().unwrap().write_all(content));
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn an_archive_that_is_cut_off_is_an_error_with_its_place_and_no_escapes() {
    let whole = archive(&[hostile()]);
    for (cut, places) in [(whole.len() / 2, "byte"), (512 + 700, "byte"), (0, "")] {
        let sandbox = Sandbox::new();
        fs::write(sandbox.path("cut.tar"), &whole[..cut]).unwrap();
        let ran = sandbox.run(&["weigh", "cut.tar"]).expect(7);
        ran.complains(&["cut.tar", places]);
        expect_harmless(&ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn what_is_neither_file_nor_image_is_named() {
    let sandbox = sandbox();
    sandbox.run(&["weigh", "./gone\u{1b}[2J.tar"]).expect(7).complains(&["gone\\u{1b}[2J.tar", "neither"]);
    let dead = format!("unix://{}", sandbox.path("nobody.sock").display());
    let ran = sandbox.command(&["weigh", "evil.tar", "no/such:image"]).env("DOCKER_HOST", &dead).output().unwrap();
    let ran = Ran::from(ran).expect(6);
    ran.complains(&["no/such:image", "nobody.sock"]);
    assert_eq!(ran.stdout, "");
}

#[test]
fn one_of_several_images_is_chosen_by_platform() {
    let sandbox = Sandbox::new();
    let image = |tag, architecture, size| Image { tag, architecture, layers: vec![("RUN a", layer(&[("a", size)]))] };
    let both = archive(&[image("x:amd", "amd64", 10), image("x:arm", "arm64", 20)]);
    fs::write(sandbox.path("both.tar"), both).unwrap();
    let sizes = |arguments: &[&str]| {
        let ran = sandbox.run(&[&["weigh", "both.tar", "--format", "json"], arguments].concat()).expect(0);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        let targets = json["targets"].as_array().unwrap().clone();
        targets
            .iter()
            .map(|one| (one["target"].as_str().unwrap().to_owned(), one["sizes"]["size_bytes"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(sizes(&[]), [("both.tar (x:amd)".to_owned(), 10), ("both.tar (x:arm)".to_owned(), 20)]);
    assert_eq!(sizes(&["--platform", "linux/arm64"]), [("both.tar".to_owned(), 20)]);
    let ran = sandbox.run(&["weigh", "both.tar", "--platform", "linux/s390x"]).expect(7);
    ran.complains(&["both.tar", "linux/s390x"]);
    assert!(ran.stderr.contains("`linux/amd64`, `linux/arm64`"), "{}", ran.stderr);
}

#[test]
fn platforms_are_compared_in_their_normal_form() {
    let sandbox = Sandbox::new();
    for (name, architecture, size) in [("old.tar", "aarch64", 10), ("new.tar", "arm64", 11), ("pc.tar", "amd64", 12)] {
        let image = Image { tag: "x:1", architecture, layers: vec![("RUN a", layer(&[("a", size)]))] };
        fs::write(sandbox.path(name), archive(&[image])).unwrap();
    }
    for platform in ["linux/arm64", "linux/arm64/v8", "aarch64", "linux/aarch64"] {
        for archive in ["old.tar", "new.tar"] {
            sandbox.run(&["weigh", archive, "--platform", platform]).expect(0);
        }
    }
    sandbox.run(&["compare", "old.tar", "new.tar"]).expect(0);
    sandbox.run(&["compare", "old.tar", "pc.tar"]).expect(3);
    // What is not a platform is refused before anything is read.
    for command in [&["weigh", "gone.tar"][..], &["run", "gone"]] {
        for nonsense in ["arm", "linux", "pdp11", "linux/arm64/v8/x"] {
            let ran = sandbox.run(&[command, &["--platform", nonsense]].concat()).expect(2);
            assert!(ran.stderr.contains("is not a platform"), "{}", ran.stderr);
        }
    }
}

#[test]
fn what_is_not_an_image_is_named() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("image.tar.xz"), [b"\xfd7zXZ\0".as_slice(), &[0; 600]].concat()).unwrap();
    let ran = sandbox.run(&["weigh", "image.tar.xz"]).expect(7);
    ran.complains(&["image.tar.xz", "packed as xz"]);
    assert!(ran.stderr.contains("`xz -dc ARCHIVE | tonnage weigh -`"), "{}", ran.stderr);
}

#[test]
fn several_targets_say_what_they_share() {
    let sandbox = sandbox();
    let base = Image { tag: "base:1", architecture: "amd64", layers: vec![("COPY rootfs /", below())] };
    fs::write(sandbox.path("base.tar"), archive(&[base])).unwrap();
    let ran = sandbox.run(&["weigh", "base.tar", "evil.tar", "--base", "base.tar", "--format", "json"]).expect(0);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    let sharing = &json["sharing"];
    assert_eq!(sharing["stored_bytes"], HOSTILE_SIZE);
    assert_eq!(sharing["sum_of_sizes_bytes"], HOSTILE_SIZE + 70_101);
    assert_eq!(sharing["saved_bytes"], 70_101);
    assert_eq!(sharing["unique_bytes"], json!([0, HOSTILE_SIZE - 70_101]));
    assert_eq!(sharing["matrix_bytes"], json!([[70_101, 70_101], [70_101, HOSTILE_SIZE]]));
    let sizes = &json["targets"][1]["sizes"];
    assert_eq!((sizes["shared_bytes"].as_u64(), sizes["base_bytes"].as_u64()), (Some(70_101), Some(70_101)));
    assert_eq!(json["targets"][1]["layers"][0]["origin"], "base");
    assert_eq!(json["targets"][1]["layers"][1]["origin"], "own");
    let table = sandbox.run(&["weigh", "base.tar", "evil.tar"]).expect(0);
    assert!(table.stdout.contains("so sharing saves 70.1 kB"), "{}", table.stdout);
    let other = sandbox.run(&["weigh", "base.tar", "--base", "evil.tar"]).expect(0);
    assert!(other.stderr.contains("warning: `base.tar` is not built on `evil.tar`"), "{}", other.stderr);
}

#[test]
fn paths_are_picked_and_left_out_while_sums_stay_whole() {
    let sandbox = sandbox();
    let listed = |arguments: &[&str]| {
        let ran = sandbox.run(&[&["weigh", "evil.tar", "--format", "json"], arguments].concat()).expect(0);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(json["targets"][0]["sizes"]["size_bytes"], HOSTILE_SIZE);
        json["targets"][0]["paths"].as_array().unwrap().len()
    };
    assert_eq!(listed(&[]), 6);
    assert_eq!(listed(&["--path", "*.so"]), 1);
    assert_eq!(listed(&["--path", "/srv"]), 4);
    assert_eq!(listed(&["--path", "/srv", "--ignore", "a*"]), 3);
    assert_eq!(listed(&["--ignore", "/srv/**", "--top", "1"]), 1);
    sandbox.run(&["weigh", "evil.tar", "--path", "["]).expect(2);
}

#[test]
fn input_that_has_no_end_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.run(&["weigh", "/dev/zero"]).expect(7).complains(&["/dev/zero", "follow the end"]);
    for name in ["suite/tonnage.toml", "run/run.json"] {
        let path = sandbox.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        drop(fs::remove_file(&path));
        std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    }
    let suite = ["run", "suite", "--allow-outside", "/dev/zero"];
    for command in [&suite[..], &["report", "run"], &["check", "run"]] {
        let ran = sandbox.run(command).expect(7);
        assert!(ran.stderr.contains("it is a device"), "{}", ran.stderr);
    }
}

#[test]
fn weighing_ends_after_the_time_allowed() {
    let sandbox = Sandbox::new();
    // A pipe that nobody ever writes to.
    let pipe = sandbox.path("image.tar");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = sandbox.run(&["weigh", "image.tar", "--max-time", "1s"]).expect(7);
    ran.complains(&["not weighed within 1.00 s"]);
}

#[test]
fn an_archive_that_unpacks_to_more_than_allowed_is_refused() {
    let sandbox = Sandbox::new();
    let image = Image { tag: "x:1", architecture: "amd64", layers: vec![("RUN a", layer(&[("a", 200_000)]))] };
    fs::write(sandbox.path("big.tar"), archive(&[image])).unwrap();
    let ran = sandbox.run(&["weigh", "big.tar", "--max-unpacked", "150kB"]).expect(7);
    ran.complains(&["big.tar", "unpacks to more than"]);
    assert!(ran.stderr.contains("--max-unpacked"), "{}", ran.stderr);
    sandbox.run(&["weigh", "big.tar", "--max-unpacked", "1MB"]).expect(0);
}

#[test]
fn an_archive_beyond_the_memory_allowed_is_refused() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..20_000).map(|index| format!("a/{index}")).collect();
    let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    let image = Image { tag: "x:1", architecture: "amd64", layers: vec![("RUN many", layer(&files))] };
    fs::write(sandbox.path("many.tar"), archive(&[image])).unwrap();
    let ran = sandbox.run(&["weigh", "many.tar", "--max-memory", "9MB"]).expect(7);
    ran.complains(&["many.tar", "entries"]);
    assert!(ran.stderr.contains("--max-memory"), "{}", ran.stderr);
    sandbox.run(&["weigh", "many.tar", "--max-memory", "64MB"]).expect(0);
    sandbox.run(&["weigh", "many.tar", "--max-memory", "64"]).expect(2);
}

#[test]
fn what_is_not_looked_at_is_left_blank_and_all_else_is_the_same() {
    let sandbox = sandbox();
    let json = |arguments: &[&str]| {
        let ran = sandbox.run(&[&["weigh", "evil.tar", "--format", "json"], arguments].concat()).expect(0);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    let (all, quick) = (json(&[]), json(&["--no-wire", "--no-duplicates", "--no-verify"]));
    assert_eq!(all.get("not_measured"), None);
    assert_eq!(quick["not_measured"], json!(["duplicates", "wire", "diff_ids"]));
    let (all, quick) = (&all["targets"][0], &quick["targets"][0]);
    assert_eq!((&quick["sizes"]["wire_kind"], &quick["sizes"]["wire_bytes"]), (&json!("unknown"), &json!(0)));
    assert_eq!((&quick["sizes"]["duplicate_bytes"], &quick["duplicates"]), (&json!(0), &json!([])));
    for field in ["size_bytes", "rootfs_bytes", "reclaimable_bytes", "base_bytes"] {
        assert_eq!(all["sizes"][field], quick["sizes"][field], "{field}");
    }
    for field in ["config_digest", "packages", "remainder", "reclaimable", "paths", "tree", "findings"] {
        assert_eq!(all[field], quick[field], "{field}");
    }
    assert_eq!(all["layers"][0]["diff_id"], quick["layers"][0]["diff_id"], "claimed and true");
    let table = sandbox.run(&["weigh", "evil.tar", "--no-wire", "--no-duplicates"]).expect(0).stdout;
    assert!(!table.contains("wire") && !table.contains("duplicates") && !table.contains("Duplicates"), "{table}");
    let csv = sandbox.run(&["weigh", "evil.tar", "--no-wire", "--no-duplicates", "--format", "csv"]).expect(0).stdout;
    assert!(csv.lines().nth(1).unwrap().contains(",,,unknown,"), "{csv}");
}

#[test]
fn a_layer_that_the_config_does_not_know_is_refused_unless_layers_are_not_hashed() {
    let sandbox = Sandbox::new();
    let id = format!("sha256:{}", digest(&below()));
    let with = |new: &str| {
        let mut bytes = archive(&[hostile()]);
        let at = bytes.windows(id.len()).position(|part| part == id.as_bytes()).unwrap();
        bytes[at..at + id.len()].copy_from_slice(new.as_bytes());
        // The config's own name is its digest, which is another one now.
        rename_config(&bytes)
    };
    let other = format!("{}{}", &id[..id.len() - 1], if id.ends_with('0') { '1' } else { '0' });
    fs::write(sandbox.path("other.tar"), with(&other)).unwrap();
    sandbox.run(&["weigh", "other.tar"]).expect(7).complains(&["has the diff id", &other]);
    let ran = sandbox.run(&["weigh", "other.tar", "--no-verify", "--format", "json"]).expect(0);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["targets"][0]["layers"][0]["diff_id"], other);
    assert_eq!(json["targets"][0]["sizes"]["size_bytes"], HOSTILE_SIZE);
    // What is not a digest at all is not taken over from anybody.
    fs::write(sandbox.path("odd.tar"), with(&format!("sha256:\\u001b[2J{}", &id[16..]))).unwrap();
    let ran = sandbox.run(&["weigh", "odd.tar", "--no-verify"]).expect(7);
    expect_harmless(&ran.stderr);
}

/// The archive with its config under a name that is not a digest.
fn rename_config(bytes: &[u8]) -> Vec<u8> {
    let mut read = tar::Archive::new(bytes);
    let mut members = Vec::new();
    for entry in read.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        let mut name = entry.path().unwrap().to_string_lossy().into_owned();
        if name == "manifest.json" {
            let mut manifest: Value = serde_json::from_slice(&content).unwrap();
            manifest[0]["Config"] = json!("config");
            content = serde_json::to_vec(&manifest).unwrap();
        } else if content.starts_with(b"{") {
            "config".clone_into(&mut name);
        }
        members.push((name, content));
    }
    archives::archive(&members)
}

#[test]
fn the_total_of_a_comparison_is_the_difference_of_the_sizes() {
    let sandbox = sandbox();
    let mut more = hostile();
    more.layers.push(("RUN more", layer(&[("opt/more", 12_345)])));
    fs::write(sandbox.path("more.tar"), archive(&[more])).unwrap();
    let ran = sandbox.run(&["compare", "evil.tar", "more.tar"]).expect(0);
    expect_harmless(&ran.stdout);
    let total = ran.stdout.lines().find(|line| line.contains("TOTAL")).unwrap_or_default();
    assert!(total.contains("+12,345 B"), "{}", ran.stdout);
    let back = sandbox.run(&["compare", "more.tar", "evil.tar"]).expect(0);
    assert!(back.stdout.lines().any(|line| line.contains("TOTAL") && line.contains("-12,345 B")), "{}", back.stdout);
}
