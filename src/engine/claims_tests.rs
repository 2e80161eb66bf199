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
        before,
        tags: set(&["tonnage/app:1"]),
        images: set(&["bbbbbbbbbbbb"]),
        instructions: set(&[
            "RUN --mount=type=cache,target=/c  pip   install -r x",
            "COPY src /app",
            "RUN [\"make\", \"all\"]",
        ]),
        windows: vec![(START, END)],
    }
}

fn claimed(listed: &[ListedImage], ownership: &Ownership) -> String {
    images(listed, ownership).keys().filter_map(|id| id.chars().nth(7)).collect()
}

#[test]
fn images_are_ours_by_label_or_by_an_id_that_our_builds_named() {
    let listed = [
        image('0', None, &["python:3.9"], None),
        image('a', Some('b'), &["tonnage/app:1"], Some("r1")),
        image('b', Some('0'), &[], None),
        image('c', Some('0'), &[], None),
        image('d', None, &["other:1"], Some("r2")),
    ];
    assert_eq!(claimed(&listed, &ownership()), "ab");
    assert_eq!(doubtful_images(&listed, &images(&listed, &ownership()), &ownership(), &[0]), 1);
    // What was there before is never ours, whatever its id begins with; a label is.
    let mut own = ownership();
    own.before.images.extend([id('b'), id('a')]);
    assert_eq!(claimed(&listed, &own), "a");
    // Nothing known of before: labels only.
    let lost = Ownership { before: Snapshot::default(), ..ownership() };
    assert_eq!(claimed(&listed, &lost), "a");
    assert_eq!(doubtful_images(&listed, &images(&listed, &lost), &lost, &[0]), 0);
    // No run at all stands for every run.
    assert_eq!(claimed(&listed, &Ownership::default()), "ad");
    // A beginning too short to name an image names none.
    let vague = Ownership { images: set(&["", "c", "sha256:"]), ..ownership() };
    assert_eq!(claimed(&listed, &vague), "a");
}

#[test]
fn references_go_come_back_or_stay() {
    let listed = [
        image('0', None, &["python:3.9"], None),
        image('a', None, &["tonnage/app:1", "mine/keep:1"], Some("r1")),
        image('c', None, &["theirs:1"], None),
    ];
    let own = ownership();
    let plan = names(&listed, &images(&listed, &own), &own);
    assert_eq!(plan, BTreeSet::from([Naming::Remove("tonnage/app:1".into()), Naming::Foreign("mine/keep:1".into())]));
    // A reference of theirs that our build took is given back.
    let mut own = ownership();
    own.before.images.insert(id('9'));
    own.before.tags.insert("tonnage/app:1".into(), id('9'));
    let plan = names(&listed, &images(&listed, &own), &own);
    assert!(plan.contains(&Naming::Restore { tag: "tonnage/app:1".into(), image: id('9') }));
    // A reference of ours that somebody else gave to their image stays.
    let listed = [image('c', None, &["tonnage/app:1"], None)];
    let own = ownership();
    assert_eq!(names(&listed, &images(&listed, &own), &own), BTreeSet::from([Naming::Foreign("tonnage/app:1".into())]));
    // After a kill all references of a labelled image are ours, and no other.
    let listed = [image('a', None, &["x:1"], Some("r1")), image('c', None, &["tonnage/app:1"], None)];
    let lost = Ownership { run: "r1".into(), ..Ownership::default() };
    assert_eq!(names(&listed, &images(&listed, &lost), &lost), BTreeSet::from([Naming::Remove("x:1".into())]));
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
fn containers_are_ours_by_label_or_where_a_build_left_them() {
    let listed = [image('a', None, &["tonnage/app:1"], Some("r1")), image('b', None, &[], None)];
    let container = |name: &str, image: char, run: Option<&str>| ListedContainer {
        id: name.to_owned(),
        image_id: id(image),
        command: "python server.py".into(),
        created: 1_795_474_085,
        labels: run.map(|run| BTreeMap::from([(labels::RUN.to_owned(), run.to_owned())])),
    };
    let all = [
        container("labelled", 'a', Some("r1")),
        container("left by a build", 'b', None),
        container("of another run", 'a', Some("r2")),
        container("somebody's", '0', None),
        container("from before", 'b', None),
        ListedContainer {
            command: "/bin/sh -c 'pip   install -r x'".into(),
            ..container("left by a killed engine", '0', None)
        },
        ListedContainer { command: "/bin/sh -c 'xpip install -r x'".into(), ..container("another", '0', None) },
        ListedContainer {
            command: "/bin/sh -c 'pip install -r x'".into(),
            created: 1_795_470_000,
            ..container("of another time", '0', None)
        },
    ];
    let mut own = ownership();
    own.before.containers.insert("from before".into());
    assert_eq!(
        containers(&all, &images(&listed, &own), &own, &[0]),
        ["labelled", "left by a build", "left by a killed engine"]
    );
    let lost = Ownership { run: "r1".into(), ..Ownership::default() };
    assert_eq!(containers(&all, &images(&listed, &lost), &lost, &[0]), ["labelled"]);
}

fn record(name: &str, description: &str, second: u64, parent: &str) -> ListedRecord {
    let text = serde_json::json!({
        "ID": name, "Description": description, "Size": 10, "Parent": parent,
        "CreatedAt": format!("2026-11-23T22:48:{second:02}.5Z"),
    });
    serde_json::from_value(text).unwrap()
}

#[test]
fn records_of_an_undisturbed_span_are_ours_children_first() {
    let listed = [
        record("base", "from local ", 1, ""),
        record("work", "fileop target", 2, "base"),
        record("run", "mount / from exec /bin/sh -c pip install -r x", 3, "work"),
        record("make", "mount / from exec make all", 3, "base"),
        record("context", "http url http://build-context-w77ev5cjbdf", 1, ""),
        record("old", "fileop target", 1, ""),
    ];
    let mut own = ownership();
    own.before.cache.insert("old".into());
    let found = records(&listed, &[], &BTreeMap::new(), &own, &[0]);
    assert_eq!(found.ours, ["run", "make", "work", "base", "context"]);
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
        let found = records(&listed, &[], &BTreeMap::new(), &own, &[0]);
        assert_eq!(found.ours, ["run"]);
        assert_eq!(found.doubtful.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["copy"]);
    }
    // So does an image that another build made in the span.
    let listed = [ours.clone(), generic.clone()];
    let foreign = [image('f', None, &["theirs:1"], None)];
    assert_eq!(records(&listed, &foreign, &BTreeMap::new(), &own, &[0]).doubtful.len(), 1);
    // One that was there, or one of ours, does not.
    let mut known = own.clone();
    known.before.images.insert(id('f'));
    assert!(records(&listed, &foreign, &BTreeMap::new(), &known, &[0]).doubtful.is_empty());
}

#[test]
fn records_outside_our_spans_are_nobody_s_business() {
    let mut own = ownership();
    own.windows = vec![(START, START + 10_000_000_000)];
    let listed = [record("early", "fileop target", 5, ""), record("late", "fileop target", 30, "")];
    let found = records(&listed, &[], &BTreeMap::new(), &own, &[0]);
    assert_eq!((found.ours, found.doubtful.len()), (vec!["early"], 0));
    // An engine whose clock is 25 s ahead.
    assert_eq!(records(&listed, &[], &BTreeMap::new(), &own, &[25_000_000_000]).ours, ["late"]);
    // A clock that was set in the middle of the run.
    assert_eq!(records(&listed, &[], &BTreeMap::new(), &own, &[0, 25_000_000_000]).ours.len(), 2);
    let lost = Ownership { before: Snapshot::default(), ..own.clone() };
    assert!(records(&listed, &[], &BTreeMap::new(), &lost, &[0]).ours.is_empty());
    let mut bad = record("x", "fileop target", 1, "");
    bad.created_at = "yesterday".into();
    assert!(records(&[bad], &[], &BTreeMap::new(), &own, &[0]).ours.is_empty());
}

#[test]
fn parents_that_go_in_circles_end() {
    let mut own = ownership();
    own.before.cache.insert("z".into());
    let listed = [record("a", "fileop target", 1, "b"), record("b", "fileop target", 1, "a")];
    assert_eq!(records(&listed, &[], &BTreeMap::new(), &own, &[0]).ours.len(), 2);
}
