//! What may be claimed, and what is left.

use std::collections::BTreeSet;

use super::*;
use crate::engine::Snapshot;

/// 2026-11-23T22:48:00Z and a minute later.
const START: u64 = 1_795_474_080_000_000_000;
const END: u64 = START + 60_000_000_000;

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

fn id(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

fn image(letter: char, parent: Option<char>, tags: &[&str], run: Option<&str>) -> ListedImage {
    ListedImage {
        id: id(letter),
        parent_id: parent.map(id).unwrap_or_default(),
        repo_tags: Some(if tags.is_empty() {
            vec!["<none>:<none>".to_owned()]
        } else {
            tags.iter().map(|&tag| tag.to_owned()).collect()
        }),
        repo_digests: None,
        labels: run.map(|run| BTreeMap::from([(labels::RUN.to_owned(), run.to_owned())])),
        created: 1_795_474_085,
    }
}

fn ownership() -> Ownership {
    let before = Snapshot {
        images: set(&[&id('0')]),
        tags: BTreeMap::from([("python:3.9".to_owned(), id('0'))]),
        ..Snapshot::default()
    };
    Ownership {
        run: "r1".into(),
        before: Some(before),
        tags: set(&["tonnage/app:1"]),
        images: set(&["bbbbbbbbbbbb"]),
        containers: BTreeSet::new(),
        instructions: set(&[
            "RUN --mount=type=cache,target=/c  pip   install -r x",
            "COPY src /app",
            "RUN [\"make\", \"all\"]",
        ]),
        windows: vec![(START, END)],
    }
}

const NAME: &str = "tonnage-run:r1-app";

/// What is claimed where nobody else is on the engine.
fn alone<'a>(listed: &'a [ListedImage], ownership: &Ownership) -> Images<'a> {
    images(listed, &[], &[], &BTreeMap::new(), ownership)
}

fn letters<'a>(ids: impl Iterator<Item = &'a &'a str>) -> String {
    ids.filter_map(|id| id.chars().nth(7)).collect()
}

fn claimed(listed: &[ListedImage], ownership: &Ownership) -> String {
    letters(alone(listed, ownership).ours.keys())
}

fn before(ownership: &mut Ownership) -> &mut Snapshot {
    ownership.before.get_or_insert_default()
}

fn lost() -> Ownership {
    Ownership { run: "r1".into(), ..Ownership::default() }
}

fn container(name: &str, image: char, labels: &[(&str, &str)]) -> ListedContainer {
    ListedContainer {
        id: format!("{name:f>64}"),
        image_id: id(image),
        image: String::new(),
        names: Some(vec![format!("/{name}")]),
        labels: Some(labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
    }
}

#[test]
fn images_are_ours_by_an_id_that_our_builds_named_or_by_a_name_that_only_the_run_gives() {
    let listed = [
        image('0', None, &["python:3.9"], None),
        image('a', Some('b'), &[NAME], Some("r1")),
        image('b', Some('0'), &[], None),
        image('c', Some('0'), &[], None),
        image('d', None, &["tonnage-run:r2-app"], Some("r2")),
        // Built on ours, or committed from a container of ours: the label comes along.
        image('e', None, &["theirs:1"], Some("r1")),
        image('f', None, &[], Some("r1")),
    ];
    let own = ownership();
    assert_eq!(claimed(&listed, &own), "ab");
    assert_eq!(doubtful_images(&listed, &alone(&listed, &own), &own, &[0]), 2);
    // What was there before is never ours, whatever its id, its label, and its name.
    let mut known = ownership();
    before(&mut known).images.extend([id('b'), id('a')]);
    assert_eq!(claimed(&listed, &known), "");
    // No ledger: names that only the run gives, and no other.
    assert_eq!(claimed(&listed, &lost()), "a");
    assert_eq!(doubtful_images(&listed, &alone(&listed, &lost()), &lost(), &[0]), 0);
    let renamed = [image('a', None, &[NAME, "theirs:1"], Some("r1"))];
    assert_eq!(claimed(&renamed, &lost()), "");
    assert_eq!(marked_image(&listed[1]).as_deref(), Some("r1"));
    assert!([&listed[5], &listed[6], &renamed[0]].iter().all(|image| marked_image(image).is_none()));
    // No run at all is nobody's.
    assert_eq!(claimed(&listed, &Ownership::default()), "");
    // An engine that was empty is not a lost ledger.
    let empty = Ownership { before: Some(Snapshot::default()), ..ownership() };
    assert_eq!(claimed(&listed, &empty), "ab");
    // A beginning too short to name an image names none.
    let vague = Ownership { images: set(&["", "c", "sha256:"]), ..ownership() };
    assert_eq!(claimed(&listed, &vague), "a");
}

#[test]
fn names_that_only_a_run_gives_begin_with_its_id() {
    for (reference, own) in [
        (NAME, true),
        ("localhost/tonnage-base:r1-app", true),
        ("docker.io/library/tonnage-site:r1-python", true),
        ("tonnage-run:r1", false),
        ("tonnage-run:r12-app", false),
        ("tonnage-run:r2-app", false),
        ("evil/tonnage-run:r1-app", false),
        ("tonnage-run@sha256:r1-app", false),
        ("theirs:r1-app", false),
    ] {
        assert_eq!(labels::is_own_name("r1", reference), own, "{reference}");
    }
    assert!(!labels::is_own_name("", "tonnage-run:-app"));
}

#[test]
fn images_that_somebody_else_uses_stay_with_what_they_stand_on() {
    let listed = [
        image('a', Some('b'), &[NAME], Some("r1")),
        image('b', Some('0'), &[], None),
        image('c', None, &["tonnage-run:r1-other"], Some("r1")),
    ];
    let own = ownership();
    let found = |containers: &[ListedContainer], foreign: &[Foreign], more: &[ListedImage]| {
        let listed = [&listed[..], more].concat();
        let layers = BTreeMap::from([
            (id('a'), vec!["base".to_owned(), "a".to_owned()]),
            (id('c'), vec!["base".to_owned(), "c".to_owned()]),
        ]);
        let found = images(&listed, containers, foreign, &layers, &own);
        (letters(found.ours.keys()), letters(found.used.keys()))
    };
    let is = |ours: &str, used: &str| (ours.to_owned(), used.to_owned());
    assert_eq!(found(&[], &[], &[]), is("abc", ""));
    // A container of theirs, which inherits our labels.
    let inherited = [(labels::RUN, "r1"), (labels::CONTAINER, "1")];
    assert_eq!(found(&[container("theirs", 'a', &inherited)], &[], &[]), is("c", "ab"));
    assert_eq!(found(&[container("tonnage-1", 'a', &inherited)], &[], &[]), is("abc", ""));
    // A child of the classic builder or of a commit.
    assert_eq!(found(&[], &[], &[image('e', Some('a'), &["theirs:1"], Some("r1"))]), is("c", "ab"));
    assert_eq!(found(&[], &[], &[image('e', Some('b'), &["theirs:1"], None)]), is("ac", "b"));
    // A child that BuildKit made: its layers say so.
    let child = |inherits, layers: &[&str]| Foreign {
        inherits,
        diff_ids: layers.iter().map(|&layer| layer.to_owned()).collect(),
        history: Vec::new(),
    };
    assert_eq!(found(&[], &[child(true, &["base", "a", "more"])], &[]), is("c", "ab"));
    assert_eq!(found(&[], &[child(true, &["base", "c"])], &[]), is("ab", "c"));
    // The same Dockerfile built by somebody else is not a child.
    assert_eq!(found(&[], &[child(false, &["base", "a"])], &[]), is("abc", ""));
    // A base that was pulled has no label of ours to inherit.
    let pulled = [image('7', None, &["base:1"], None)];
    let own = Ownership { images: set(&[&id('7')]), ..ownership() };
    let layers = BTreeMap::from([(id('7'), vec!["base".to_owned()])]);
    let found = images(&pulled, &[], &[child(false, &["base", "x"])], &layers, &own);
    assert_eq!((letters(found.ours.keys()), letters(found.used.keys())), is("", "7"));
}

#[test]
fn an_image_that_stays_is_told_of_once_and_what_it_stands_on_never() {
    // `a` stands on `b`; `c` has no name; both names of `a` are one image's.
    let listed = [
        image('b', None, &[], None),
        image('a', Some('b'), &[NAME, "mine/keep:1", "mine/keep:2"], Some("r1")),
        image('c', None, &[], None),
    ];
    let own = Ownership { images: set(&[&id('b'), &id('c')]), ..ownership() };
    let started = |images: &[char]| images.iter().map(|image| container("x", *image, &[])).collect::<Vec<_>>();
    let told = |containers: &[char]| {
        let mut found = images(&listed, &started(containers), &[], &BTreeMap::new(), &own);
        let plan = names(&listed, &found, &own);
        found.leave_named(&listed, &plan);
        let lines = left(&listed, &found, &plan).into_iter().map(|(names, why)| format!("{}: {why}", names.join(" ")));
        (lines.collect::<Vec<_>>(), letters(found.ours.keys()))
    };
    let named = "mine/keep:1 mine/keep:2";
    let of_container = "another client's container uses it";
    assert_eq!(told(&[]), (vec![format!("{named}: {FOREIGN_NAME}")], "c".to_owned()));
    assert_eq!(told(&['a']), (vec![format!("{named}: {of_container}")], "c".to_owned()));
    let both = [format!("{}: {of_container}", id('b')), format!("{named}: {of_container}")];
    assert_eq!(told(&['a', 'b']), (both.to_vec(), "c".to_owned()));
    assert_eq!(told(&['c']).0[1], format!("{}: {of_container}", id('c')));
}

#[test]
fn references_go_come_back_or_stay() {
    let listed = [
        image('0', None, &["python:3.9"], None),
        image('a', None, &[NAME, "mine/keep:1"], Some("r1")),
        image('c', None, &["theirs:1"], None),
    ];
    let mut own = ownership();
    own.tags = set(&["python:3.11"]);
    let plan = names(&listed, &alone(&listed, &own), &own);
    assert_eq!(plan, BTreeSet::from([Naming::Remove(NAME.into()), Naming::Foreign("mine/keep:1".into())]));
    // A reference of theirs that our pull took is given back.
    let listed = [image('7', None, &["python:3.11"], None)];
    own.images = set(&[&id('7')]);
    let mut moved = own.clone();
    before(&mut moved).images.insert(id('9'));
    before(&mut moved).tags.insert("python:3.11".into(), id('9'));
    let plan = names(&listed, &alone(&listed, &moved), &moved);
    assert_eq!(plan, BTreeSet::from([Naming::Restore { tag: "python:3.11".into(), image: id('9') }]));
    // One that was not there goes with the image that was pulled.
    assert_eq!(names(&listed, &alone(&listed, &own), &own), BTreeSet::from([Naming::Remove("python:3.11".into())]));
    // One that somebody else gave to their image stays.
    own.images.clear();
    assert_eq!(names(&listed, &alone(&listed, &own), &own), BTreeSet::from([Naming::Foreign("python:3.11".into())]));
    // Without a ledger only names of the run's own go.
    let listed = [image('a', None, &[NAME], Some("r1")), image('c', None, &["tonnage/app:1"], None)];
    let plan = names(&listed, &alone(&listed, &lost()), &lost());
    assert_eq!(plan, BTreeSet::from([Naming::Remove(NAME.into())]));
}

#[test]
fn references_are_the_same_however_an_engine_writes_them() {
    for (own, listed, same) in [
        ("a/b:1", "a/b:1", true),
        ("a/b", "a/b:latest", true),
        ("a/b:1", "localhost/a/b:1", true),
        ("b:1", "docker.io/library/b:1", true),
        ("b:1", "evil/b:1", false),
        ("b:1", "b:12", false),
        ("host:5000/b", "host:5000/b:latest", true),
    ] {
        assert_eq!(same_reference(own, listed), same, "{own} {listed}");
    }
}

#[test]
fn containers_are_ours_by_their_name_or_where_the_classic_builder_told_of_them() {
    let all = [
        container("tonnage-1", 'a', &[(labels::RUN, "r1"), (labels::CONTAINER, "1")]),
        // From our image, or from a commit of our container: labels come along, the name does not.
        container("inherits", 'a', &[(labels::RUN, "r1"), (labels::CONTAINER, "1")]),
        container("tonnage-2", 'a', &[(labels::RUN, "r2"), (labels::CONTAINER, "2")]),
        container("tonnage-", 'a', &[(labels::RUN, "r1")]),
        container("left by a build", 'b', &[]),
        container("somebody's", 'b', &[]),
    ];
    let names = |own: &Ownership| -> Vec<String> {
        containers(&all, own).iter().map(|found| found.id.trim_start_matches('f').to_owned()).collect()
    };
    let mut own = ownership();
    own.containers = set(&["", &all[4].id[..60]]);
    assert_eq!(names(&own), ["tonnage-1", "left by a build"]);
    assert_eq!(names(&Ownership { before: None, ..own.clone() }), ["tonnage-1"]);
    before(&mut own).containers.extend(all.iter().map(|container| container.id.clone()));
    assert!(names(&own).is_empty());
    assert!(names(&Ownership::default()).is_empty());
    let marks: Vec<Option<&str>> = all.iter().map(marked_container).collect();
    assert_eq!(marks, [Some("r1"), None, Some("r2"), None, None, None]);
}

fn record(name: &str, description: &str, second: u64, parent: &str) -> ListedRecord {
    let text = serde_json::json!({
        "ID": name, "Description": description, "Size": 10, "Parent": parent,
        "CreatedAt": format!("2026-11-23T22:48:{second:02}.5Z"),
    });
    serde_json::from_value(text).unwrap()
}

fn ids<'a>(records: &[&'a ListedRecord]) -> Vec<&'a str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

#[test]
fn records_of_an_undisturbed_span_are_ours_children_first() {
    let listed = [
        record("base", "from local ", 1, ""),
        record("work", "fileop target", 2, "base"),
        record("run", "mount / from exec /bin/sh -c pip install -r x", 3, "work"),
        record("make", "mount / from exec make all", 3, "base"),
        record("context", "http url http://build-context-w77ev5cjbdf", 1, ""),
        record("sent", "http url http://buildkit-session/tonnage-1-2-3", 1, ""),
        record("old", "fileop target", 1, ""),
    ];
    let mut own = ownership();
    before(&mut own).cache.insert("old".into());
    let found = records(&listed, &[], &Images::default(), &[], &own, &[0]);
    assert_eq!(ids(&found.ours), ["run", "make", "work", "base", "context", "sent"]);
    assert!(found.doubtful.is_empty());
}

#[test]
fn records_beside_another_build_are_left() {
    let ours = record("run", "mount / from exec /bin/sh -c pip install -r x", 3, "");
    let generic = record("copy", "fileop target", 4, "");
    let own = ownership();
    for foreign in [
        record("f", "mount / from exec /bin/sh -c npm install", 5, ""),
        record("f", "local source for context", 5, ""),
        record("f", "something new", 5, ""),
        record("f", "[2/3] RUN npm install", 5, ""),
    ] {
        let listed = [ours.clone(), generic.clone(), foreign];
        let found = records(&listed, &[], &Images::default(), &[], &own, &[0]);
        assert_eq!(ids(&found.ours), ["run"]);
        assert_eq!(ids(&found.doubtful), ["copy"]);
    }
    // So does an image that another build made in the span.
    let listed = [ours.clone(), generic.clone()];
    let foreign = [image('f', None, &["theirs:1"], None)];
    assert_eq!(records(&listed, &foreign, &Images::default(), &[], &own, &[0]).doubtful.len(), 1);
    // One that was there, or one of ours, does not.
    let mut known = own.clone();
    before(&mut known).images.insert(id('f'));
    assert!(records(&listed, &foreign, &Images::default(), &[], &known, &[0]).doubtful.is_empty());
}

#[test]
fn records_outside_our_spans_are_nobody_s_business() {
    let mut own = ownership();
    own.windows = vec![(START, START + 10_000_000_000)];
    let listed = [record("early", "fileop target", 5, ""), record("late", "fileop target", 30, "")];
    let found = records(&listed, &[], &Images::default(), &[], &own, &[0]);
    assert_eq!((ids(&found.ours), found.doubtful.len()), (vec!["early"], 0));
    // An engine whose clock is 25 s ahead.
    assert_eq!(records(&listed, &[], &Images::default(), &[], &own, &[25_000_000_000]).ours.len(), 1);
    // A clock that was set in the middle of the run.
    assert_eq!(records(&listed, &[], &Images::default(), &[], &own, &[0, 25_000_000_000]).ours.len(), 2);
    let lost = Ownership { before: None, ..own.clone() };
    assert!(records(&listed, &[], &Images::default(), &[], &lost, &[0]).ours.is_empty());
    // An engine that was empty is not a lost ledger.
    let empty = Ownership { before: Some(Snapshot::default()), ..own.clone() };
    assert_eq!(records(&listed, &[], &Images::default(), &[], &empty, &[0]).ours.len(), 1);
    let mut bad = record("x", "fileop target", 1, "");
    bad.created_at = "yesterday".into();
    assert!(records(&[bad], &[], &Images::default(), &[], &own, &[0]).ours.is_empty());
}

#[test]
fn parents_that_go_in_circles_end() {
    let mut own = ownership();
    before(&mut own).cache.insert("z".into());
    let listed = [record("a", "fileop target", 1, "b"), record("b", "fileop target", 1, "a")];
    assert_eq!(records(&listed, &[], &Images::default(), &[], &own, &[0]).ours.len(), 2);
}

#[test]
fn layers_of_a_base_have_no_description_and_are_no_sign_of_another_build() {
    let listed =
        [record("layer", "", 1, ""), record("run", "mount / from exec /bin/sh -c pip install -r x", 3, "layer")];
    let own = ownership();
    let found = records(&listed, &[], &Images::default(), &[], &own, &[0]);
    assert_eq!(ids(&found.ours), ["run", "layer"]);
    assert!(found.doubtful.is_empty());
}

#[test]
fn records_that_another_client_used_are_left() {
    let mut ours = record("run", "mount / from exec /bin/sh -c pip install -r x", 3, "");
    let own = ownership();
    let found = |record: &ListedRecord, foreign: &[Foreign]| {
        let listed = [record.clone()];
        let found = records(&listed, &[], &Images::default(), foreign, &own, &[0]);
        (found.ours.len(), found.used.len())
    };
    assert_eq!(found(&ours, &[]), (1, 0));
    // Its image was built with the same instruction.
    let with = |history: &str| Foreign { history: vec![history.to_owned()], ..Foreign::default() };
    assert_eq!(found(&ours, &[with("RUN /bin/sh -c pip install -r x # buildkit")]), (0, 1));
    assert_eq!(found(&ours, &[with("RUN /bin/sh -c pip  install -r x # buildkit")]), (0, 1));
    assert_eq!(found(&ours, &[with("RUN /bin/sh -c npm install # buildkit")]), (1, 0));
    // The classic builder has a cache of its own.
    assert_eq!(found(&ours, &[with("/bin/sh -c pip install -r x")]), (1, 0));
    // It was used in our time, and long after.
    ours.last_used_at = Some("2026-11-23T22:49:05Z".into());
    assert_eq!(found(&ours, &[]), (1, 0));
    ours.last_used_at = Some("2026-11-23T22:55:00Z".into());
    assert_eq!(found(&ours, &[]), (0, 1));
}

#[test]
fn a_build_that_was_cut_short_claims_nothing_made_after_its_last_sign_of_life() {
    let own = Ownership { windows: vec![(START, START)], ..ownership() };
    let listed = [
        record("run", "mount / from exec /bin/sh -c pip install -r x", 0, ""),
        record("later", "mount / from exec /bin/sh -c pip install -r x", 5, ""),
    ];
    assert_eq!(ids(&records(&listed, &[], &Images::default(), &[], &own, &[0]).ours), ["run"]);
}
