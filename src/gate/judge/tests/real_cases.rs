//! What has gone wrong in public, and what the gate makes of it.

use super::*;
use crate::record::ImageStore;

/// <https://github.com/open-edge-platform/geti/issues/5590>: the sizes in the comments of all pull requests fell and
/// rose again, while nobody had changed the images: the runner's engine had.
#[test]
fn an_engine_that_counts_in_another_way_moves_nothing() {
    let found = judged("[budget]\nsize = \"+0 B\"\nown = \"+0 B\"\n", Some(nothing), |record| {
        record.environment.engine.image_store = ImageStore::Containerd;
        record.environment.engine.storage_driver = "overlayfs".into();
        for sizes in record.variants.iter_mut().filter_map(|variant| variant.sizes.as_mut()) {
            sizes.engine_size_bytes = Some(Bytes(sizes.size_bytes.0 / 3));
        }
    });
    assert_eq!((found.verdict, found.exit().code()), (Verdict::Pass, 0));
    assert!(found.variants.iter().all(|variant| why(variant) == "no change in size"));
    assert!(found.notes.iter().any(|note| note.to_string().contains("graphdriver in the baseline, containerd here")));
}

/// <https://github.com/emqx/emqx/pull/18938>: the limit fails every pull request, for `apt-get upgrade` in the
/// Dockerfile writes seven packages of the base once more.
#[test]
fn packages_upgraded_on_top_of_the_base_are_named_as_stored_twice() {
    let seven = ["base-files", "bash", "gzip", "libaudit-common", "libc-bin", "perl-base", "tzdata"];
    let dpkg = |name: &str, version: &str, layer: u32, bytes: u64| Package {
        manager: PackageManager::Dpkg,
        name: name.into(),
        version: version.into(),
        size_bytes: Bytes(bytes),
        layers: vec![(layer, Bytes(bytes))],
    };
    let budget = "[budget]\nsize = \"+1 MB\"\n";
    let before = |record: &mut Record| {
        let names = ["base-files", "bash", "gzip", "libaudit-common", "libc-bin", "perl-base", "tzdata"];
        let made = names.map(|name| Package {
            manager: PackageManager::Dpkg,
            name: name.into(),
            version: "1".into(),
            size_bytes: Bytes(1_480_000),
            layers: vec![(0, Bytes(1_480_000))],
        });
        record.variants[SLIM].packages.extend(made);
    };
    let mut record = fixture::record();
    for name in seven {
        let mut package = dpkg(name, "2", 0, 1_480_000);
        package.layers.push((7, Bytes(1_480_000)));
        record.variants[SLIM].packages.push(package);
    }
    grow(&mut record, 7, 7 * 1_480_000);
    let now = Measured::of_record(record, "run.json", Path::new("run.json")).unwrap();
    let found = judged_with(budget, Some(before), &now, &[]);
    assert_eq!(found.exit().code(), 1);
    let slim = &found.variants[SLIM];
    assert_eq!(
        why(slim),
        "+10.4 MB: 7 packages upgraded on top of the base, stored twice in \
         `RUN pip install --no-cache-dir -r requirements.txt`"
    );
    assert_eq!(slim.comparison.as_ref().unwrap().delta_bytes.0, 7 * 1_480_000);
}

/// <https://github.com/dotnet/dotnet-docker/issues/4758>: every image grew by 65 MB at once, and it was the base. A
/// budget on `own` stays silent about that, one on `size` fails and says so.
#[test]
fn a_base_that_grew_is_told_from_own_growth() {
    let moved = |record: &mut Record| {
        grow(record, 2, 65_000_000);
        for base in &mut record.variants[SLIM].bases {
            base.id = format!("sha256:{}", "ab".repeat(32));
            base.digest = format!("sha256:{}", "cd".repeat(32));
        }
    };
    assert_eq!(judged("[budget]\nown = \"+0 B\"\n", Some(nothing), moved).exit().code(), 0);
    let found = judged("[budget]\nsize = \"+5 %\"\n", Some(nothing), moved);
    assert_eq!(found.exit().code(), 1);
    let slim = &found.variants[SLIM];
    assert!(why(slim).starts_with("+65.0 MB: base moved, `python:3.9-slim"), "{}", why(slim));
    assert_eq!(slim.comparison.as_ref().unwrap().own_delta_bytes.0, 0);
}
