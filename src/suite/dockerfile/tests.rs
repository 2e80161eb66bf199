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

fn given(pairs: &[(&str, &str)]) -> Arguments {
    Arguments::of(&args(pairs))
}

fn on(engine: &str) -> Arguments {
    Arguments { automatic: platform_args(None, engine), ..Arguments::default() }
}

fn bases(text: &str, values: &[(&str, &str)], target: Option<&str>) -> Vec<String> {
    Facts::parse(text).unwrap().external_bases(&given(values), target).unwrap().images
}

fn copying(text: &str, file: &str) -> Option<(u32, String)> {
    Facts::parse(text)
        .unwrap()
        .copies_for(Path::new(file), &Arguments::default(), None)
        .map(|fact| (fact.line, fact.text.clone()))
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
    assert_eq!(facts.copies_for(Path::new("src/a.py"), &Arguments::default(), None).unwrap().line, 9);
}

#[test]
fn what_cannot_be_parsed_is_an_error_with_its_line() {
    for (text, line) in [("FROM a\nRUM x\n", 2), ("RUN x\n", 1), ("ARG A=1\n", 1), ("FROM a\nCOPY x\n", 2)] {
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
        facts.all_external_bases(&given(&[]), None).unwrap().images,
        ["golang:1.24", "unused:1", "nginx:1", "busybox:1", "debian:12"]
    );
    assert_eq!(facts.final_base(&given(&[]), None).as_deref(), Some("debian:12"));
    let count = |target| facts.stage_count(&given(&[]), target);
    assert_eq!((count(None), count(Some("build")), count(Some("x"))), (Some(2), Some(1), None));
    assert_eq!(facts.external_bases(&given(&[]), Some("x")), Err(DockerfileError::NoStage("x".into())));
    assert!(bases("FROM scratch\nCOPY a a\n", &[], None).is_empty());
    // A stage may be called like an image and stand on it.
    assert_eq!(bases("FROM alpine AS alpine\nFROM alpine\n", &[], None), ["alpine"]);
}

#[test]
fn variables_in_from_take_given_values_then_defaults() {
    let text = "ARG V=3.9\nARG TAG=${V}-slim\nARG NONE\nFROM python:${TAG}${NONE:+-x}\n";
    assert_eq!(bases(text, &[], None), ["python:3.9-slim"]);
    assert_eq!(bases(text, &[("TAG", "3.10"), ("NONE", "y")], None), ["python:3.10-x"]);
    // What the builder sets by itself gives way to a default, and what is given does not.
    let text = "ARG TARGETARCH=arm64\nFROM a:$TARGETARCH\n";
    let mut args = on("linux/amd64");
    let facts = Facts::parse(text).unwrap();
    assert_eq!(facts.external_bases(&args, None).unwrap().images, ["a:arm64"]);
    args.given.insert("TARGETARCH".into(), "mine".into());
    assert_eq!(facts.external_bases(&args, None).unwrap().images, ["a:mine"]);
    // An argument that is not declared before the first FROM does not count there.
    let facts = Facts::parse("FROM $X\n").unwrap();
    let unknown = facts.external_bases(&given(&[("X", "a")]), None).unwrap().unknown;
    assert!(matches!(unknown.as_slice(), [DockerfileError::Blank { line: 1, .. }]), "{unknown:?}");
    let by_platform = "FROM a AS base-amd64\nFROM b AS base-arm64\nFROM base-${TARGETARCH}\n";
    let facts = Facts::parse(by_platform).unwrap();
    let unknown = facts.external_bases(&given(&[]), None).unwrap().unknown;
    assert!(
        matches!(unknown.as_slice(), [DockerfileError::Unresolved { line: 3, name, .. }] if name == "TARGETARCH"),
        "{unknown:?}"
    );
    assert_eq!(facts.external_bases(&on("linux/arm64/v8"), None).unwrap().images, ["b"]);
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
        ("FROM p\nCOPY --exclude=*.md dir* /d/\nCOPY . /e\n", "dir3/a.md", Some((3, "COPY . /e"))),
        ("FROM p\nCOPY --exclude=*.md dir* /d/\nCOPY . /e\n", "dir3/x/a.md", Some((2, "COPY --exclude=*.md dir* /d/"))),
        ("FROM p\nCOPY --exclude=src/*.md src /d/\n", "src/a.md", Some((2, "COPY --exclude=src/*.md src /d/"))),
        ("FROM p\nCOPY --exclude=*.md a.md /d/\n", "a.md", Some((2, "COPY --exclude=*.md a.md /d/"))),
        ("FROM p\nCOPY --exclude=*.md a* /d/\n", "a.md", Some((2, "COPY --exclude=*.md a* /d/"))),
        ("FROM p\nONBUILD COPY . .\nCOPY src /a\n", "src/x", Some((3, "COPY src /a"))),
    ] {
        let expected = expected.map(|(line, text): (u32, &str)| (line, text.to_owned()));
        assert_eq!(copying(text, file), expected, "{file} in {text}");
    }
}

#[test]
fn other_bases_leave_all_else_byte_for_byte() {
    let map = args(&[("python:3.9-alpine", "tonnage-standin/python:3.9-alpine"), ("nginx", "mine/nginx:2")]);
    let rewritten = rewrite_bases(MULTISTAGE, &map, &given(&[]));
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
        assert_eq!(rewrite_bases(text, &map, &given(&[])), expected.unwrap_or(text));
    }
}

#[test]
fn spans_cover_instructions_with_their_comments_and_here_documents() {
    let text = "\u{feff}ARG A=\u{e9}\r\n# aside\r\n  FROM a:$A \\\r\n# inside\r\n\r\n  AS b  \r\nRUN cat <<X \\\n <<-'Y' > /z\n1\nX\n\t2\n\tY\nCOPY a b";
    let facts = Facts::parse(text).unwrap();
    let seen: Vec<&str> = facts.instructions.iter().map(|fact| &text[fact.span.clone()]).collect();
    assert_eq!(
        seen,
        [
            "ARG A=\u{e9}",
            "FROM a:$A \\\r\n# inside\r\n\r\n  AS b  ",
            "RUN cat <<X \\\n <<-'Y' > /z\n1\nX\n\t2\n\tY",
            "COPY a b",
        ]
    );
    let parsed = parse::parse(text).unwrap();
    let heredocs: Vec<_> = parsed.instructions[2].heredocs.iter().collect();
    assert_eq!(heredocs.len(), 2);
    let content = |index: usize| &text[heredocs[index].content.clone()];
    assert_eq!((heredocs[0].name.as_str(), content(0), heredocs[0].quoted), ("X", "1\n", false));
    assert_eq!((heredocs[1].name.as_str(), content(1), heredocs[1].quoted), ("Y", "\t2\n", true));
    assert_eq!(heredocs[1].tabs, parse::Tabs::Removed);
}

#[test]
fn bases_are_replaced_whatever_is_written_around_them() {
    let map = args(&[("a:1", "A"), ("b:1", "B"), ("c:1", "C")]);
    for (text, expected) in [
        ("FROM \\\n# x\n  a:1\nRUN <<E\nFROM a:1\nE\n", "FROM \\\n# x\n  A\nRUN <<E\nFROM a:1\nE\n"),
        (
            "FROM x\nRUN --mount=\"Type=bind,From=b:1,target=/m\" --mount=from=c:1,'target=/n' y\n",
            "FROM x\nRUN --mount=\"Type=bind,From=B,target=/m\" --mount=from=C,'target=/n' y\n",
        ),
        ("FROM a:1 AS y\nONBUILD COPY --from=\"b:1\" x y\n", "FROM A AS y\nONBUILD COPY --from=\"B\" x y\n"),
        ("FROM x\nCOPY --from=\\\nb:1 x y\n", "FROM x\nCOPY --from=\\\nB x y\n"),
        ("FROM \"a:1\"\n", "FROM A\n"),
        (
            "FROM a:1 AS one-amd64\nFROM one-$TARGETARCH\nCOPY --from=0 x y\n",
            "FROM A AS one-amd64\nFROM one-$TARGETARCH\nCOPY --from=0 x y\n",
        ),
        ("FROM b:1 AS x\nFROM a:1 AS x\nFROM x\n", "FROM B AS x\nFROM A AS x\nFROM x\n"),
        ("FROM x\nCOPY --from=$b:1 x y\n", "FROM x\nCOPY --from=$b:1 x y\n"),
    ] {
        assert_eq!(rewrite_bases(text, &map, &on("linux/amd64")), expected, "{text}");
    }
}

#[test]
fn platforms_are_said_as_buildkit_says_them() {
    let shown = |requested: Option<&str>, engine: &str| {
        let args = platform_args(requested, engine);
        let of = |name: &str| args.get(name).map_or("?", String::as_str).to_owned();
        format!("{} {} {} {}", of("TARGETPLATFORM"), of("TARGETARCH"), of("TARGETVARIANT"), of("BUILDPLATFORM"))
    };
    for (requested, engine, expected) in [
        (None, "linux/x86_64", "linux/amd64 amd64  linux/amd64"),
        (None, "linux/aarch64", "linux/arm64 arm64  linux/arm64"),
        (Some("linux/arm64/v8"), "linux/amd64", "linux/arm64 arm64  linux/amd64"),
        (Some("linux/arm"), "linux/amd64", "linux/arm/v7 arm v7 linux/amd64"),
        (Some("linux/arm/v6"), "linux/amd64", "linux/arm/v6 arm v6 linux/amd64"),
        (Some("aarch64"), "linux/amd64", "linux/arm64 arm64  linux/amd64"),
        (Some("windows"), "linux/amd64", "windows/amd64 amd64  linux/amd64"),
        (Some("linux/x86_64"), "linux/arm64", "linux/amd64 amd64  linux/arm64"),
        // Which variant an engine on arm has depends on its processor.
        (None, "linux/arm", "? arm ? ?"),
        (None, "", "? ? ? ?"),
    ] {
        assert_eq!(shown(requested, engine), expected, "{requested:?} on {engine}");
    }
}

#[test]
fn what_is_unknown_leaves_the_rest_known() {
    let of =
        |text: &str, values: &[(&str, &str)]| Facts::parse(text).unwrap().external_bases(&given(values), None).unwrap();
    // A default that is not understood hides no other; a base that needs it is unknown, the others are not.
    let bases = of(
        "ARG BAD=${X^^}\nARG V=1\nFROM a:$V AS x\nFROM b:$BAD AS y\nFROM c:1\nCOPY --from=x / /\nCOPY --from=y / /\n",
        &[],
    );
    assert_eq!(bases.images, ["a:1", "c:1"]);
    assert!(matches!(bases.unknown.as_slice(), [DockerfileError::Unresolved { line: 4, .. }]), "{:?}", bases.unknown);
    assert_eq!(of("ARG BAD=${X^^}\nFROM b:$BAD\n", &[("BAD", "2")]).images, ["b:2"]);
    for text in [
        "FROM $X\n",
        "ARG X\nFROM a:$X\n",
        "ARG X\nFROM a:${X:?must}\n",
        "FROM a:1\nCOPY --from=3 x y\n",
        "FROM a:1\nCOPY --from=$x x y\n",
        "FROM a:1\nRUN --mount=from=$x y\n",
        "FROM a:1\nCOPY --from=a/B x y\n",
        "FROM base-$TARGETARCH\n",
    ] {
        let bases = of(text, &[]);
        assert_eq!(bases.unknown.len(), 1, "{text}");
        assert!(bases.images.iter().all(|image| image == "a:1"), "{text}: {:?}", bases.images);
    }
    // Doubled over and over, a value would fill the memory.
    let many: Vec<String> = (0..64).map(|n| format!("ARG A{}=$A{n}$A{n}\n", n + 1)).collect();
    let many = many.concat();
    assert_eq!(of(&format!("ARG A0=xxxxxxxx\n{many}FROM a:$A64\n"), &[]).unknown.len(), 1);
}

#[test]
fn variables_hold_as_the_builder_has_them() {
    let text = "\
ARG V=1
FROM scratch AS base
ARG P=3000
ENV A=1 PORT=$P
FROM base
ENV A=2 B=$A
ARG V
ARG C=$B D=${C}x
EXPOSE $PORT/tcp $P ${NONE:-81} $V
COPY b$B d$D v$V /x/
HEALTHCHECK NONE
";
    let facts = Facts::parse(text).unwrap();
    assert_eq!(facts.exposed(&given(&[]), None), ["3000/tcp", "3000", "81", "1"]);
    assert_eq!(facts.taken(&given(&[("V", "7")]), None).plain(), ["b1", "d1x", "v7"]);
    assert_eq!(facts.healthcheck(&given(&[]), None), None);
    let environment = facts.environment(&given(&[]), None);
    let fill = |text: &str| environment.fill(text, &args(&[("OWN", "o")]));
    // A container has what ENV sets, and not what ARG does.
    assert_eq!(fill("$A $B $PORT [$P] $OWN ${P:-80}").as_deref(), Some("2 1 3000 [] o 80"));
}

#[test]
fn a_stage_carries_out_the_triggers_of_the_stage_that_it_is_from() {
    let text = "FROM a:1 AS base\nONBUILD COPY src /a\nONBUILD COPY --from=b:1 x y\nFROM base AS child\nFROM child\nCOPY other /o\n";
    let facts = Facts::parse(text).unwrap();
    assert_eq!(bases(text, &[], None), ["b:1", "a:1"]);
    assert_eq!(bases(text, &[], Some("base")), ["a:1"]);
    let taken = |target| facts.copies_for(Path::new("src/x"), &given(&[]), target).map(|fact| fact.line);
    assert_eq!((taken(None), taken(Some("base"))), (Some(2), None));
}

#[test]
fn long_lines_many_stages_and_many_instructions_have_an_end() {
    let line = |length: usize| format!("FROM a\nRUN {}", "x".repeat(length - 4));
    assert!(Facts::parse(&line(65_535)).is_ok());
    assert!(matches!(Facts::parse(&line(65_536)), Err(DockerfileError::Syntax { line: 2, .. })));
    assert!(Facts::parse(&"FROM a\n".repeat(1001)).is_err());
    assert!(Facts::parse(&format!("FROM a\n{}", "USER x\n".repeat(20_000))).is_err());
    let chain: Vec<String> = (1..1000).map(|n| format!("FROM s{} AS s{n}\nENV A{n}=$A\n", n - 1)).collect();
    let chain = chain.concat();
    assert_eq!(bases(&format!("FROM a AS s0\n{chain}"), &[], None), ["a"]);
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
    assert_eq!(facts.exposed(&given(&[]), None), ["5000/tcp", "6000", "80"]);
    assert_eq!(facts.exposed(&given(&[]), Some("x")), ["80"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in "((FROM|COPY|RUN|ARG|ENV|ADD|run|ONBUILD RUN|EXPOSE|HEALTHCHECK CMD) [ \\\\${}:=\"'a-c<#\u{e9}\u{feff}.*/\\[\\]-]{0,16}\n){0,8}"
    ) {
        let map = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        drop(rewrite_bases(&text, &map, &given(&[])));
        if let Ok(facts) = Facts::parse(&text) {
            drop(facts.external_bases(&given(&[]), None));
            assert!(facts.copies_for(Path::new("a/b"), &Arguments::default(), None).is_none_or(|fact| fact.line > 0));
            drop(facts.exposed(&given(&[]), None));
            drop(facts.environment(&given(&[]), None).fill(&text, &BTreeMap::new()));
            assert!(facts.instructions.iter().all(|fact| text.get(fact.span.clone()).is_some_and(|text| !text.is_empty())));
        }
    }
}
