//! Recorded transcripts and what they must fold to.

use super::transcript::read;
use super::{Folded, Folder, JsonLines, Known};
use crate::engine::BuildEvent;
use crate::record::Builder;
use crate::units::Nanos;

fn labelled(stages: &[&str]) -> Known {
    let stages = stages.iter().map(|&stage| stage.to_owned()).collect();
    Known { stages, has_labels: true, lookup_apart: false }
}

fn fold(name: &str, known: Known) -> Folded {
    read(name).fold(known).0
}

/// Stage, first word and whether it came from cache.
fn proof(folded: &Folded) -> Vec<(&str, &str, bool)> {
    let word = |text| str::split(text, ' ').next().unwrap_or_default();
    folded.steps.iter().map(|step| (step.stage.as_str(), word(&step.instruction), step.cached)).collect()
}

const MULTISTAGE: [&str; 3] = ["base", "builder", ""];

#[test]
fn cold_builds_of_docker_20_prove_that_everything_ran() {
    let buildkit = fold("docker-20-buildkit-cold", labelled(&MULTISTAGE));
    let expected = [
        ("builder", "WORKDIR", false),
        ("builder", "COPY", false),
        ("builder", "RUN", false),
        ("stage-2", "COPY", false),
        ("stage-2", "COPY", false),
        ("stage-2", "WORKDIR", false),
    ];
    assert_eq!(proof(&buildkit), expected);
    assert_eq!(buildkit.image_id, "sha256:f9e3e41ab917802d5a6635a9a8c437a6a9bc45849ea3ede6fb96f55f8bf5297e");
    // The engine's stamps: 83.214115533 to 83.619549527 s.
    assert_eq!(buildkit.steps[2].duration_ns, Nanos(405_433_994));
    assert!(!buildkit.parts.client_side);

    let classic = fold("docker-20-classic-cold", labelled(&MULTISTAGE));
    let mut with_configuration = expected.to_vec();
    with_configuration.extend([("stage-2", "ENV", false), ("stage-2", "CMD", false)]);
    assert_eq!(proof(&classic), with_configuration);
    assert_eq!(classic.image_id, "sha256:b9862a3e74189c4f73a92b2472835f177611d093261b564ef3d7a10f86a12f40");
    // Arrival of the words `Step 5` and of `Step 6`.
    assert_eq!(classic.steps[2].duration_ns, Nanos(2_183_257_407 - 1_170_400_399));
    assert!(classic.parts.client_side);
    assert_eq!(
        classic.made,
        [
            "a26a80b67a73",
            "c34f828c028b",
            "98d561fdbf0e",
            "3a7dfc2af3c1",
            "55eb78f88805",
            "fc85d25a0f43",
            "ad9831a27712",
            "be4c4bbed592",
            "b9862a3e7418"
        ]
    );
    for folded in [buildkit, classic] {
        assert_eq!(folded.log[0], "Collecting Flask==1.1.1");
        assert!(!folded.pulled);
        assert_eq!(folded.failure, None);
        assert_eq!(folded.unfinished, "");
    }
}

#[test]
fn warm_builds_prove_that_everything_came_from_cache() {
    for name in ["docker-20-buildkit-warm", "docker-20-classic-warm"] {
        let folded = fold(name, labelled(&MULTISTAGE));
        assert!(folded.steps.len() >= 6, "{name}");
        assert!(folded.steps.iter().all(|step| step.cached && step.duration_ns == Nanos(0)), "{name}");
        assert!(folded.made.is_empty());
        assert_eq!(folded.image_id, fold(&name.replace("warm", "cold"), labelled(&MULTISTAGE)).image_id);
    }
}

#[test]
fn a_changed_source_file_misses_first_at_its_copy() {
    for name in ["docker-20-buildkit-src", "docker-20-classic-src"] {
        let folded = fold(name, labelled(&MULTISTAGE));
        let missed = folded.steps.iter().find(|step| !step.cached).map(|step| step.instruction.as_str());
        assert_eq!(missed, Some("COPY src /app"), "{name}");
        assert!(folded.steps[..4].iter().all(|step| step.cached), "{name}");
    }
}

#[test]
fn parts_add_up_to_no_more_than_the_wall() {
    for name in [
        "docker-20-buildkit-cold",
        "docker-20-buildkit-warm",
        "docker-20-classic-cold",
        "docker-20-classic-warm",
        "docker-26-buildkit-cold",
        "podman-4-cold",
        "podman-4-warm",
    ] {
        let transcript = read(name);
        let parts = transcript.fold(labelled(&MULTISTAGE)).0.parts;
        let sum = parts.upload_ns + parts.resolve_ns + parts.steps_ns + parts.export_ns;
        assert!(sum <= transcript.wall, "{name}: {parts:?}");
        assert!(sum > Nanos(0), "{name}");
    }
}

#[test]
fn failures_name_their_instruction() {
    for (name, message, instruction) in [
        (
            "docker-20-buildkit-run-fails",
            "executor failed running [/bin/sh -c echo going; echo wrong >&2; exit 7]: exit code: 7",
            "RUN echo going; echo wrong >&2; exit 7",
        ),
        (
            "docker-20-classic-run-fails",
            "The command '/bin/sh -c echo going; echo wrong >&2; exit 7' returned a non-zero code: 7",
            "RUN echo going; echo wrong >&2; exit 7",
        ),
        ("docker-20-buildkit-syntax", "unknown instruction: RUNN", ""),
        ("docker-20-buildkit-no-base", "connection refused", "FROM 127.0.0.1:9/nothing/here:1"),
        ("docker-20-classic-no-base", "connection refused", "FROM 127.0.0.1:9/nothing/here:1"),
        ("docker-20-buildkit-copy-fails", "\"/nothing.txt\" not found", "COPY nothing.txt /"),
        ("docker-20-classic-copy-fails", "file does not exist", "COPY nothing.txt /"),
        ("docker-28-buildkit-parallel-fails", "exit code: 3", "RUN exit 3"),
        ("podman-5-multistage-fails", "exit status 7", "RUN echo going; exit 7"),
        ("podman-4-multistage-fails", "exit status 7", "RUN echo going; echo wrong >&2; exit 7"),
    ] {
        let failed = fold(name, labelled(&[])).failure.unwrap_or_else(|| panic!("{name}"));
        assert!(failed.message.contains(message), "{name}: {}", failed.message);
        assert_eq!(failed.instruction, instruction, "{name}");
    }
    let folded = fold("docker-20-classic-run-fails", labelled(&[]));
    assert_eq!(folded.log, ["one", "going", "wrong"]);
    assert_eq!(folded.made, ["39968145ab2e"]);
    assert_eq!(fold("docker-20-buildkit-run-fails", labelled(&[])).log, ["one", "going", "wrong"]);
}

#[test]
fn vertices_in_any_order_come_out_in_the_dockerfile_s() {
    let folded = fold("docker-26-buildkit-cold", labelled(&MULTISTAGE));
    assert_eq!(
        proof(&folded),
        [
            // Cached in spite of `nocache`, and told of once more without the mark.
            ("builder", "WORKDIR", true),
            ("builder", "COPY", false),
            ("builder", "RUN", false),
            ("stage-2", "COPY", false),
            ("stage-2", "COPY", false),
            ("stage-2", "WORKDIR", false),
        ]
    );
    assert_eq!(folded.steps[3].instruction, "COPY --from=builder /root/.local /root/.local");
    // 29 + 360 + 50 + 30 + 10 ms and the millisecond of WORKDIR, without gaps.
    assert_eq!(folded.parts.steps_ns, Nanos(480_000_000));
    assert_eq!(folded.parts.upload_ns, Nanos(20_000_000));
    assert_eq!(folded.parts.resolve_ns, Nanos(9_000_000));
    assert_eq!(folded.parts.export_ns, Nanos(290_000_000));
}

#[test]
fn what_another_client_builds_at_the_same_time_is_not_this_build_s_work() {
    let words = |text: &String| text.split(' ').next().unwrap_or_default().to_owned();
    // Steps that are this build's, and words of those that are not. 28 tells of the other build's vertices, each of
    // them once more under this build's own digest.
    let elsewhere = vec!["COPY", "RUN", "COPY", "RUN"];
    for (name, own, expected) in
        [("docker-20-buildkit-beside", 1, elsewhere), ("docker-28-buildkit-beside", 5, Vec::new())]
    {
        let (folded, shown) = read(name).fold(labelled(&[""]));
        assert_eq!(folded.steps.len(), own, "{name}: {:?}", folded.steps);
        assert_eq!(folded.elsewhere.iter().map(words).collect::<Vec<_>>(), expected, "{name}");
        for event in shown {
            if let BuildEvent::Step { index, total, .. } = event {
                assert!(index <= total && total == 6, "{index}/{total}");
            }
        }
    }
    for name in ["docker-20-buildkit-cold", "docker-20-buildkit-warm", "docker-26-buildkit-cold"] {
        assert_eq!(fold(name, labelled(&MULTISTAGE)).elsewhere, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_registry_that_is_asked_in_every_rebuild_is_no_part_of_it() {
    let known = Known { stages: vec![String::new()], has_labels: true, lookup_apart: true };
    let folded = fold("docker-28-containerd-warm", known.clone());
    // 2400 ms of look-up, token included, and 5 ms inside of FROM; nothing ran beside it.
    assert_eq!(folded.apart, Nanos(2_405_000_000));
    assert_eq!(folded.parts.resolve_ns, Nanos(2_405_000_000));
    assert_eq!(proof(&folded), [("", "WORKDIR", true), ("", "RUN", true), ("", "COPY", true)]);
    assert!(!folded.pulled);
    let apart = fold("docker-28-containerd-warm", Known { lookup_apart: false, ..known.clone() }).apart;
    assert_eq!(apart, Nanos(0));
    // Without a network: 20 s for the metadata, and as much again inside of FROM.
    let offline = read("docker-28-containerd-offline");
    let apart = offline.fold(known).0.apart;
    assert!((39_900_000_000..40_200_000_000).contains(&apart.0), "{apart:?}");
    assert!(offline.wall.saturating_sub(apart) < Nanos(500_000_000), "{:?} of {:?}", apart, offline.wall);
}

#[test]
fn a_base_that_is_fetched_inside_the_build_is_noticed() {
    assert!(fold("docker-28-buildkit-pulls", labelled(&[])).pulled);
    assert!(fold("podman-5-multistage-fails", labelled(&[])).pulled);
    assert!(!fold("podman-4-cold", labelled(&[])).pulled);
    let mut folder = Folder::new(Builder::Classic, Known::default());
    let text = b"{\"stream\":\"Step 1/2 : FROM x\\n\"}\n{\"status\":\"Pulling from library/x\",\"id\":\"1\"}\n";
    JsonLines::default().push(text, |line| folder.line(Nanos(1), &line, &mut |_| {}));
    assert!(folder.finish(Nanos(2)).pulled);
}

#[test]
fn podman_s_dialect_is_understood() {
    let cold = fold("podman-4-cold", labelled(&[""]));
    assert_eq!(proof(&cold), [("", "WORKDIR", false), ("", "COPY", false), ("", "RUN", false), ("", "CMD", false)]);
    assert_eq!(cold.image_id, "sha256:c463ce61d08cae3d762d94f6f680a181182572f429b8aad43f310032eb7f8f60");
    // From the words `STEP 4/6` to the image of that step; the fake pip sleeps 300 ms of it.
    assert!((800_000_000..1_500_000_000).contains(&cold.steps[2].duration_ns.0), "{:?}", cold.steps);
    assert_eq!(cold.log[0], "Collecting Flask==1.1.1");
    assert_eq!(cold.unfinished, "");
    let warm = fold("podman-4-warm", labelled(&[""]));
    assert_eq!(proof(&warm), [("", "WORKDIR", true), ("", "COPY", true), ("", "RUN", true), ("", "CMD", true)]);
    assert_eq!(warm.image_id, cold.image_id);
    assert!(warm.made.is_empty(), "{:?}", warm.made);
    let failed = fold("podman-5-multistage-fails", labelled(&["builder", ""]));
    assert_eq!(proof(&failed), [("builder", "COPY", false), ("stage-1", "COPY", false), ("stage-1", "RUN", false)]);
    let failed = fold("podman-4-multistage-fails", labelled(&[]));
    assert_eq!(proof(&failed), [("builder", "COPY", false), ("stage-1", "COPY", true), ("stage-1", "RUN", false)]);
}

#[test]
fn podman_s_stages_are_told_apart_whichever_it_begins_first() {
    let steps = |cached: [bool; 8]| {
        let words = [
            ("builder", "WORKDIR"),
            ("builder", "COPY"),
            ("builder", "RUN"),
            ("stage-2", "COPY"),
            ("stage-2", "COPY"),
            ("stage-2", "WORKDIR"),
            ("stage-2", "ENV"),
            ("stage-2", "CMD"),
        ];
        words.into_iter().zip(cached).map(|((stage, word), cached)| (stage, word, cached)).collect::<Vec<_>>()
    };
    let none = Known { stages: Vec::new(), has_labels: false, lookup_apart: false };
    let fold = |name: &str| fold(name, none.clone());
    assert_eq!(proof(&fold("podman-4-multistage-cold")), steps([false; 8]));
    assert_eq!(proof(&fold("podman-4-multistage-warm")), steps([true; 8]));
    let source = [true, true, true, true, false, false, false, false];
    assert_eq!(proof(&fold("podman-4-multistage-src")), steps(source));
    // The copy is announced before the stage that it copies from is built, and its image comes after that.
    let interleaved = fold("podman-4-multistage-interleaved");
    assert_eq!(proof(&interleaved), steps([true, false, false, true, true, true, true, true]));
    let run = &interleaved.steps[2];
    assert!(run.instruction.contains("pip install"), "{run:?}");
    assert!((900_000_000..1_100_000_000).contains(&run.duration_ns.0), "{run:?}");
}

#[test]
fn a_run_that_prints_buildah_s_words_proves_nothing() {
    let mut folder = Folder::new(Builder::Buildah, Known::default());
    for (at, text) in [
        "STEP 1/3: FROM x",
        "STEP 2/3: RUN echo",
        "--> Using cache 0123456789abcdef",
        "STEP 5/9: RUN nothing",
        "--> fedcba987654",
        "STEP 3/3: CMD x",
    ]
    .iter()
    .enumerate()
    {
        let line = serde_json::json!({ "stream": format!("{text}\n") });
        JsonLines::default()
            .push(format!("{line}\n").as_bytes(), |line| folder.line(Nanos(at as u64), &line, &mut |_| {}));
    }
    let end = folder.finish(Nanos(9));
    assert_eq!(proof(&end), [("", "RUN", false), ("", "CMD", false)]);
    assert_eq!(end.made, ["fedcba987654"]);
}

#[test]
fn output_that_looks_like_the_builder_s_own_words_changes_nothing() {
    let (folded, shown) = read("docker-28-classic-spoofed").fold(labelled(&[""]));
    assert_eq!(proof(&folded), [("", "RUN", false), ("", "COPY", true)]);
    assert_eq!(folded.log, ["Step 7/9 : RUN nothing", "Step x/y : z", "red"]);
    let steps = shown.iter().filter(|event| matches!(event, BuildEvent::Step { .. })).count();
    assert_eq!(steps, 3);
}

#[test]
fn people_are_shown_what_happens() {
    for name in ["docker-20-buildkit-src", "docker-20-classic-src"] {
        let shown = read(name).fold(labelled(&MULTISTAGE)).1;
        let copy = BuildEvent::Cached { instruction: "COPY requirements.txt /requirements.txt".into() };
        assert!(shown.contains(&copy), "{name}");
        let is_copy = |event: &BuildEvent| matches!(event, BuildEvent::Step { instruction, .. } if instruction == "COPY src /app");
        assert!(shown.iter().any(is_copy), "{name}");
    }
    assert!(read("docker-20-buildkit-cold").fold(labelled(&[])).1.contains(&BuildEvent::Exporting));
}

#[test]
fn a_build_that_is_cut_off_names_the_instruction_it_was_at() {
    for (name, at, expected) in [
        ("docker-20-buildkit-cold", 650_000_000, "RUN FAKE_PIP_SLEEP=0.05 pip install --user -r /requirements.txt"),
        ("docker-20-classic-cold", 1_600_000_000, "RUN FAKE_PIP_SLEEP=0.05 pip install --user -r /requirements.txt"),
    ] {
        let mut transcript = read(name);
        transcript.lines.retain(|(arrival, _)| arrival.0 <= at);
        transcript.wall = Nanos(at);
        let folded = transcript.fold(labelled(&MULTISTAGE)).0;
        assert_eq!(folded.unfinished, expected, "{name}");
        assert_eq!(folded.failure, None);
    }
}

proptest::proptest! {
    /// Whatever an engine sends: no panic, and bounded facts.
    #[test]
    fn any_text_can_be_folded(lines in proptest::collection::vec("\\PC{0,80}|Step [0-9]/[0-9] : [A-Z ]{0,9}\n| ---> [a-f0-9]{12}\n", 0..60)) {
        for builder in [Builder::Classic, Builder::Buildah, Builder::Buildkit] {
            let mut folder = Folder::new(builder, labelled(&["a"]));
            for (at, text) in lines.iter().enumerate() {
                let line = serde_json::json!({ "stream": text, "id": "moby.buildkit.trace", "aux": text, "error": null });
                JsonLines::default().push(format!("{line}\n").as_bytes(), |line| {
                    folder.line(Nanos(at as u64), &line, &mut |_| {});
                });
            }
            let folded = folder.finish(Nanos(1_000));
            proptest::prop_assert!(folded.log.len() <= 50);
            proptest::prop_assert!(folded.steps.len() <= lines.len());
        }
    }
}
