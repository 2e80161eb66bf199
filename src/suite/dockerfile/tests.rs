//! Tests of the facts.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const MULTISTAGE: &str = "\
FROM python:3.9-alpine as base

FROM base as builder
COPY requirements.txt /requirements.txt
RUN pip install --user -r /requirements.txt

FROM base
COPY --from=builder /root/.local /root/.local
COPY src /app
WORKDIR /app
ENV PATH=/home/app/.local/bin:$PATH
CMD [\"/bin/sh\"]
";

fn args(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn bases(text: &str, given: &[(&str, &str)], target: Option<&str>) -> Vec<String> {
    Facts::parse(text).unwrap().external_bases(&args(given), target).unwrap()
}

fn copying(text: &str, file: &str) -> Option<(u32, String)> {
    Facts::parse(text).unwrap().copies(Path::new(file)).map(|fact| (fact.line, fact.text.clone()))
}

#[test]
fn instructions_have_line_stage_kind_and_one_line_of_text() {
    let text = "# syntax=docker/dockerfile:1.7\nARG V=1\nFROM a AS one\nRUN x && \\\n    # why\n    y\n\nworkdir /a\nFROM one\nCOPY . .\n";
    let facts = Facts::parse(text).unwrap();
    let seen: Vec<_> = facts
        .instructions
        .iter()
        .map(|fact| (fact.line, fact.stage, fact.kind, fact.text.as_str(), fact.cacheable))
        .collect();
    assert_eq!(
        seen,
        [
            (2, 0, Kind::Arg, "ARG V=1", false),
            (3, 0, Kind::From, "FROM a AS one", false),
            (4, 0, Kind::Run, "RUN x && y", true),
            (8, 0, Kind::Workdir, "workdir /a", true),
            (9, 1, Kind::From, "FROM one", false),
            (10, 1, Kind::Copy, "COPY . .", true),
        ]
    );
    assert_eq!(facts.syntax.as_deref(), Some("docker/dockerfile:1.7"));
    assert_eq!(facts.stages[0].name.as_deref(), Some("one"));
    assert_eq!(facts.stages[1].base, "one");
}

#[test]
fn a_byte_order_mark_other_line_ends_and_another_escape_shift_nothing() {
    let facts = Facts::parse("\u{feff}# escape=`\r\nFROM a\r\nRUN x `\r\n  y\r\nWORKDIR C:\\b\r\n").unwrap();
    let seen: Vec<_> = facts.instructions.iter().map(|fact| (fact.line, fact.text.as_str())).collect();
    assert_eq!(seen, [(2, "FROM a"), (3, "RUN x y"), (5, "WORKDIR C:\\b")]);
}

#[test]
fn here_documents_are_one_instruction() {
    let facts = Facts::parse("FROM a\nRUN <<EOF\nFROM b\nCOPY x y\nEOF\nCOPY <<F /f\nsrc\nF\nCOPY src /app\n").unwrap();
    assert_eq!(facts.instructions.iter().map(|fact| fact.line).collect::<Vec<_>>(), [1, 2, 6, 9]);
    assert_eq!(facts.instructions[1].text, "RUN <<EOF");
    assert_eq!(facts.copies(Path::new("src/a.py")).unwrap().line, 9);
}

#[test]
fn what_cannot_be_parsed_is_an_error_with_its_line() {
    for (text, line) in [("FROM a\nRUM x\n", 2), ("RUN x\n", 1), ("FROM a\nCOPY x\n", 2)] {
        match Facts::parse(text) {
            Err(DockerfileError::Syntax { line: at, .. }) => assert_eq!(at, line, "{text}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(Facts::parse("").is_err());
}

#[test]
fn the_images_of_all_needed_stages_are_named_once_the_final_base_last() {
    assert_eq!(bases(MULTISTAGE, &[], None), ["python:3.9-alpine"]);
    let text = "FROM golang:1.24 AS build\nFROM unused:1 AS other\nFROM debian:12 AS run\nCOPY --from=build /a /a\nCOPY --from=nginx:1 /b /b\nRUN --mount=type=bind,from=busybox:1,target=/x true\n";
    assert_eq!(bases(text, &[], None), ["golang:1.24", "nginx:1", "busybox:1", "debian:12"]);
    assert_eq!(bases(text, &[], Some("build")), ["golang:1.24"]);
    assert_eq!(bases(text, &[], Some("OTHER")), ["unused:1"]);
    assert_eq!(bases(text, &[], Some("1")), ["unused:1"]);
    let facts = Facts::parse(text).unwrap();
    assert_eq!(
        facts.all_external_bases(&args(&[]), None).unwrap(),
        ["golang:1.24", "unused:1", "nginx:1", "busybox:1", "debian:12"]
    );
    assert_eq!(facts.final_base(&args(&[]), None).as_deref(), Some("debian:12"));
    let count = |target| facts.stage_count(&args(&[]), target);
    assert_eq!((count(None), count(Some("build")), count(Some("x"))), (Some(2), Some(1), None));
    assert_eq!(facts.external_bases(&args(&[]), Some("x")), Err(DockerfileError::NoStage("x".into())));
    assert!(bases("FROM scratch\nCOPY a a\n", &[], None).is_empty());
    // A stage may be called like an image and stand on it.
    assert_eq!(bases("FROM alpine AS alpine\nFROM alpine\n", &[], None), ["alpine"]);
}

#[test]
fn variables_in_from_take_given_values_then_defaults() {
    let text = "ARG V=3.9\nARG TAG=${V}-slim\nARG NONE\nFROM python:${TAG}${NONE:+-x}\n";
    assert_eq!(bases(text, &[], None), ["python:3.9-slim"]);
    assert_eq!(bases(text, &[("TAG", "3.10"), ("NONE", "y")], None), ["python:3.10-x"]);
    // An argument that is not declared before the first FROM does not count there.
    assert!(matches!(
        Facts::parse("FROM $X\n").unwrap().external_bases(&args(&[("X", "a")]), None),
        Err(DockerfileError::Blank { line: 1, .. })
    ));
    let by_platform = "FROM a AS base-amd64\nFROM b AS base-arm64\nFROM base-${TARGETARCH}\n";
    let facts = Facts::parse(by_platform).unwrap();
    assert!(matches!(
        facts.external_bases(&args(&[]), None),
        Err(DockerfileError::Unresolved { line: 3, name, .. }) if name == "TARGETARCH"
    ));
    assert_eq!(facts.external_bases(&platform_args("linux/arm64/v8"), None).unwrap(), ["b"]);
}

#[test]
fn the_first_instruction_that_takes_in_a_file_is_found() {
    let flask = "FROM p\nWORKDIR /app\nCOPY requirements.txt ./\nRUN pip install\nCOPY src /app\n";
    for (text, file, expected) in [
        (flask, "src/server.py", Some((5, "COPY src /app"))),
        (flask, "requirements.txt", Some((3, "COPY requirements.txt ./"))),
        (flask, "README.md", None),
        (flask, "srcs/a.py", None),
        (MULTISTAGE, "src/server.py", Some((9, "COPY src /app"))),
        (MULTISTAGE, "requirements.txt", Some((4, "COPY requirements.txt /requirements.txt"))),
        ("FROM p\nCOPY . .\nRUN x\n", "src/server.py", Some((2, "COPY . ."))),
        ("FROM p\nCOPY ./ /app\n", "a", Some((2, "COPY ./ /app"))),
        ("FROM p\nCOPY /src/ /app\n", "src/a", Some((2, "COPY /src/ /app"))),
        ("FROM p\nCOPY package*.json ./\nCOPY . .\n", "package.json", Some((2, "COPY package*.json ./"))),
        ("FROM p\nCOPY package*.json ./\nCOPY . .\n", "src/package.json", Some((3, "COPY . ."))),
        ("FROM p\nCOPY [\"a b\", \"src\", \"/app/\"]\n", "src/x", Some((2, "COPY [\"a b\", \"src\", \"/app/\"]"))),
        ("FROM p\nADD https://example.org/src /x\nADD src /y\n", "src", Some((3, "ADD src /y"))),
        ("FROM p AS a\nCOPY x /x\nFROM p\nCOPY --from=a src src\n", "src", None),
        ("FROM p AS unused\nCOPY src /src\nFROM p\nCOPY src /app\n", "src/a", Some((4, "COPY src /app"))),
        ("FROM p\nARG DIR=src\nCOPY $DIR /app\n", "src/a", Some((3, "COPY $DIR /app"))),
        ("FROM p\nENV DIR src\nCOPY ${DIR}/a /app\n", "src/a", Some((3, "COPY ${DIR}/a /app"))),
        (
            "FROM p\nRUN --mount=type=bind,source=req.txt,target=/r pip\nCOPY . .\n",
            "req.txt",
            Some((2, "RUN --mount=type=bind,source=req.txt,target=/r pip")),
        ),
        ("FROM p\nRUN --mount=type=cache,target=/c pip\n", "req.txt", None),
        ("FROM p\nCOPY --exclude=*.md . .\nCOPY a.md /\n", "a.md", Some((3, "COPY a.md /"))),
        ("FROM p\nONBUILD COPY . .\nCOPY src /a\n", "src/x", Some((3, "COPY src /a"))),
    ] {
        let expected = expected.map(|(line, text): (u32, &str)| (line, text.to_owned()));
        assert_eq!(copying(text, file), expected, "{file} in {text}");
    }
}

#[test]
fn other_bases_leave_all_else_byte_for_byte() {
    let map = args(&[("python:3.9-alpine", "tonnage-standin/python:3.9-alpine"), ("nginx", "mine/nginx:2")]);
    let rewritten = rewrite_bases(MULTISTAGE, &map, &args(&[]));
    assert_eq!(rewritten, MULTISTAGE.replacen("python:3.9-alpine", "tonnage-standin/python:3.9-alpine", 1));

    for (text, expected) in [
        (
            "\u{feff}ARG V=3.9\r\nFROM --platform=linux/amd64 \\\r\n  python:${V}-alpine  AS x # no\r\n",
            None, // A comment after the name is a syntax error: nothing is touched.
        ),
        (
            "\u{feff}ARG V=3.9\r\nFROM --platform=linux/amd64 \\\r\n  python:${V}-alpine  AS x\r\n\tRUN  y\r\n",
            Some(
                "\u{feff}ARG V=3.9\r\nFROM --platform=linux/amd64 \\\r\n  tonnage-standin/python:3.9-alpine  AS x\r\n\tRUN  y\r\n",
            ),
        ),
        (
            "from docker.io/library/python:3.9-alpine\nCOPY --from=nginx:latest a b\nCOPY --chown=1 --from=other a b\n",
            Some(
                "from tonnage-standin/python:3.9-alpine\nCOPY --from=mine/nginx:2 a b\nCOPY --chown=1 --from=other a b\n",
            ),
        ),
        (
            "FROM scratch AS nginx\nFROM x\nCOPY --from=nginx a b\nRUN --mount=from=nginx,target=/x y\n",
            None, // `nginx` is a stage here.
        ),
        (
            "FROM x\nRUN --mount=type=bind,from=nginx,source=/a,target=/b cat\n",
            Some("FROM x\nRUN --mount=type=bind,from=mine/nginx:2,source=/a,target=/b cat\n"),
        ),
        ("FROM python:3.9-alpine\nRUM x\n", None),
    ] {
        assert_eq!(rewrite_bases(text, &map, &args(&[])), expected.unwrap_or(text));
    }
}

#[test]
fn one_image_has_several_names() {
    for (one, other, same) in [
        ("python", "docker.io/library/python:latest", true),
        ("python:3.9", "library/python:3.9", true),
        ("python:3.9", "python:3.10", false),
        ("localhost:5000/python", "python", false),
        ("a/b", "a/b:latest", true),
        ("a@sha256:1", "a@sha256:1", true),
    ] {
        assert_eq!(same_image(one, other), same, "{one} {other}");
    }
}

#[test]
fn ports_are_those_of_the_target() {
    let facts = Facts::parse("FROM a AS x\nEXPOSE 80\nFROM x\nEXPOSE 5000/tcp 6000\n").unwrap();
    assert_eq!(facts.exposed(None), ["5000/tcp", "6000"]);
    assert_eq!(facts.exposed(Some("x")), ["80"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in "((FROM|COPY|RUN|ARG|ENV|ADD|run) [ \\\\${}:=\"'a-c<#\u{e9}\u{feff}.*/\\[\\]-]{0,16}\n){0,8}"
    ) {
        let map = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        drop(rewrite_bases(&text, &map, &BTreeMap::new()));
        if let Ok(facts) = Facts::parse(&text) {
            drop(facts.external_bases(&BTreeMap::new(), None));
            assert!(facts.copies(Path::new("a/b")).is_none_or(|fact| fact.line > 0));
        }
    }
}
