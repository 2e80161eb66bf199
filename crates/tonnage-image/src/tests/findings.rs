//! Findings, each with the exact bytes that it costs.

use super::{Item, assert_adds_up, read_one, weigh_above, weigh_layers};
use crate::facts::Finding;
use crate::testing::archives::{file, folder, hard_link, image_of, whiteout, zeros};
use crate::{ReportOptions, Weight, weigh};

fn find<'a>(weight: &'a Weight, code: &str) -> Option<&'a Finding> {
    weight.findings.iter().find(|finding| finding.code == code)
}

fn cost(weight: &Weight, code: &str) -> Option<u64> {
    find(weight, code).map(|finding| finding.size_bytes.0)
}

/// Weighs layers that these instructions made.
fn weigh_made_by(layers: &[(&str, Vec<Item>)]) -> Weight {
    let items: Vec<Vec<Item>> = layers.iter().map(|(_, items)| items.clone()).collect();
    let mut scan = read_one(&image_of(&items));
    let lines = scan.config.history.iter_mut().filter(|line| !line.empty_layer);
    for (line, (instruction, _)) in lines.zip(layers) {
        (*instruction).clone_into(&mut line.instruction);
    }
    let weight = weigh(&scan, &ReportOptions { base_diff_ids: &[], site_layers: 0, top: 100 });
    assert_adds_up(&weight);
    weight
}

#[test]
fn each_cache_is_found_where_its_tool_keeps_it() {
    for (path, code) in [
        ("root/.npm/_cacache/index-v5/x", "npm-cache-left"),
        ("usr/local/share/.cache/yarn/v6/x", "yarn-cache-left"),
        ("root/.yarn/berry/cache/x.zip", "yarn-cache-left"),
        ("root/.local/share/pnpm/store/v3/x", "pnpm-store-left"),
        ("root/.cache/go-build/00/x", "go-cache-left"),
        ("go/pkg/mod/cache/x", "go-cache-left"),
        ("home/me/.cargo/registry/cache/x", "cargo-cache-left"),
        ("usr/local/cargo/git/db/x", "cargo-cache-left"),
        ("root/.m2/repository/org/x.jar", "maven-cache-left"),
        ("root/.gradle/caches/8/x", "gradle-cache-left"),
        ("root/.bundle/cache/x", "bundler-cache-left"),
        ("root/.composer/cache/x", "composer-cache-left"),
        ("root/.nuget/packages/x", "nuget-cache-left"),
        ("root/.cache/uv/wheels/x", "uv-cache-left"),
        (".cache/pip/http/x", "pip-cache-left"),
        ("var/cache/dnf/x", "dnf-cache-left"),
        ("srv/.git/objects/pack/x", "version-control-left"),
        ("srv/lib/.hg/store/x", "version-control-left"),
    ] {
        let layer = vec![zeros(path, 1234), zeros("srv/kept", 50), zeros("srv/x.git/y", 7), zeros("srv/cache/y", 7)];
        let weight = weigh_layers(std::slice::from_ref(&layer));
        assert_eq!(cost(&weight, code), Some(1234), "{path}");
        assert_eq!(weight.findings.len(), 1, "{path}: {:?}", weight.findings);
        assert!(!weight.findings[0].remedy.is_empty());
        // What the base left behind is not the Dockerfile's doing.
        assert_eq!(weigh_above(&[layer, vec![]], 1).findings, [], "{path}");
    }
}

#[test]
fn caches_that_are_known_by_their_neighbours() {
    let weight = weigh_layers(&[vec![
        file("opt/conda/conda-meta/history", "x"),
        zeros("opt/conda/lib/x", 500),
        hard_link("opt/conda/pkgs/x-1/lib/x", "opt/conda/lib/x"),
        zeros("opt/conda/pkgs/x-1.conda", 3000),
        zeros("srv/pkgs/mine", 7),
        folder("usr/local/bundle/specifications"),
        zeros("usr/local/bundle/cache/rake-13.gem", 400),
        zeros("s/a.dist-info/WHEEL", 1),
        zeros("s/a.dist-info/sboms/bom.json", 90),
    ]]);
    assert_eq!(cost(&weight, "conda-cache-left"), Some(3000));
    assert_eq!(cost(&weight, "gem-cache-left"), Some(400));
    assert_eq!(cost(&weight, "sboms-left"), Some(90));
    assert_eq!(weight.findings.len(), 3, "{:?}", weight.findings);
}

#[test]
fn documentation_and_locales_count_from_one_percent_on() {
    for (size, expected) in [(99, None), (101, Some(101))] {
        let weight = weigh_layers(&[vec![
            zeros("usr/share/doc/x/changelog.gz", size),
            zeros("usr/share/locale/de/LC_MESSAGES/x.mo", size),
            zeros("usr/bin/x", 10_000 - 2 * size),
        ]]);
        assert_eq!((cost(&weight, "docs-left"), cost(&weight, "locales-left")), (expected, expected));
    }
}

/// A Python distribution that owns these files below `site-packages`.
fn distribution(name: &str, files: &[(&str, usize)]) -> Vec<Item> {
    let site = "usr/lib/python3/site-packages";
    let record = files.iter().map(|(path, _)| format!("{path},,")).collect::<Vec<_>>().join("\n");
    let mut items = vec![
        file(&format!("{site}/{name}.dist-info/METADATA"), &format!("Name: {name}\n")),
        file(&format!("{site}/{name}.dist-info/RECORD"), &record),
    ];
    items.extend(files.iter().map(|(path, size)| zeros(&format!("{site}/{path}"), *size)));
    items
}

#[test]
fn tests_and_docs_inside_packages_are_found_and_packages_of_such_names_are_not() {
    let mut items = distribution("np", &[("np/core/tests/t.dat", 500), ("np/core/x.dat", 9000), ("tests/z.dat", 300)]);
    items.push(file("srv/node_modules/docs/package.json", r#"{"name":"docs"}"#));
    items.push(zeros("srv/node_modules/docs/lib/x.js", 10));
    items.push(zeros("srv/node_modules/docs/test/x.js", 40));
    items.push(zeros("srv/tests/mine", 70));
    let weight = weigh_layers(&[items]);
    assert_eq!(cost(&weight, "tests-and-docs"), Some(540));
}

#[test]
fn modules_without_byte_code_are_counted() {
    let files = [
        ("m/a.py", 200_000),
        ("m/b.py", 30_000),
        ("m/c.py", 5000),
        ("m/__pycache__/b.cpython-311.pyc", 10),
        ("m/c.pyc", 10),
        ("m/empty.py", 0),
    ];
    let weight = weigh_layers(&[distribution("m", &files)]);
    let finding = find(&weight, "byte-code-missing").unwrap();
    assert_eq!(finding.size_bytes.0, 0);
    assert!(finding.message.starts_with("1 Python module without byte code, 200 kB of source"), "{}", finding.message);
    let little = weigh_layers(&[distribution("m", &files[1..])]);
    assert_eq!(find(&little, "byte-code-missing"), None);
}

#[test]
fn large_equal_files_are_found_where_an_own_layer_has_one() {
    let large = |path: &str, fill: u8, size: usize| Item::File(path.into(), vec![fill; size], 0o644);
    let layer = vec![
        large("a/model.bin", 1, 1_200_000),
        large("b/model.bin", 1, 1_200_000),
        large("c/model.bin", 1, 1_200_000),
        large("small/a", 2, 999_999),
        large("small/b", 2, 999_999),
        large("other", 3, 1_200_000),
        hard_link("other-name", "other"),
    ];
    let weight = weigh_layers(std::slice::from_ref(&layer));
    assert_eq!(cost(&weight, "equal-files"), Some(2_400_000));
    assert!(find(&weight, "equal-files").unwrap().message.contains("`/c/model.bin`"));
    assert_eq!(find(&weigh_above(&[layer, vec![]], 1), "equal-files"), None);
}

#[test]
fn a_change_of_owners_stores_files_again_and_the_remedy_is_the_copy_with_them() {
    let app = |size: usize| vec![zeros("app/data", size), zeros("app/gone", 20_000)];
    let weight = weigh_made_by(&[
        ("COPY . /app", app(50_000)),
        ("RUN chown -R app:app /app && chmod -R u=rwX /app", vec![zeros("app/data", 50_000)]),
    ]);
    assert_eq!((cost(&weight, "owner-changed"), cost(&weight, "rewritten")), (Some(50_000), None));
    let remedy = &find(&weight, "owner-changed").unwrap().remedy;
    assert!(remedy.contains("write `COPY --chown=app:app --chmod=u=rwX . /app`"), "{remedy}");
    // Another instruction, other content, or the base's files.
    for (instruction, fill, code) in
        [("RUN touch /app/data", 0, "rewritten"), ("RUN chown -R 1 /app && make", 1, "rewritten")]
    {
        let data = Item::File("app/data".into(), vec![fill; 50_000], 0o644);
        let weight = weigh_made_by(&[("COPY . /app", app(50_000)), (instruction, vec![data])]);
        assert_eq!((cost(&weight, code), cost(&weight, "owner-changed")), (Some(50_000), None), "{instruction}");
    }
    // What a shell would not take as one word is not made a line of.
    let odd = [("COPY . /app", app(50_000)), ("RUN chown -R `id -u` /app", vec![zeros("app/data", 50_000)])];
    assert!(find(&weigh_made_by(&odd), "owner-changed").unwrap().remedy.starts_with("change owner"));
}

#[test]
fn what_is_copied_and_removed_later_stays_stored() {
    let weight = weigh_made_by(&[
        ("COPY /uv /bin/uv", vec![zeros("bin/uv", 40_000)]),
        ("RUN uv sync && rm /bin/uv", vec![whiteout("bin/uv"), zeros("app/x", 10)]),
    ]);
    let finding = find(&weight, "copied-and-removed").unwrap();
    assert_eq!((finding.size_bytes.0, finding.instruction.as_str()), (40_000, "RUN uv sync && rm /bin/uv"));
    assert!(finding.message.contains("`COPY /uv /bin/uv`") && finding.message.contains("`/bin/uv`"), "{finding:?}");
    assert!(finding.remedy.contains("RUN --mount=type=bind,from="), "{finding:?}");
    let made = [("RUN make", vec![zeros("bin/uv", 40_000)]), ("RUN rm /bin/uv", vec![whiteout("bin/uv")])];
    let weight = weigh_made_by(&made);
    assert_eq!((cost(&weight, "copied-and-removed"), cost(&weight, "rewritten")), (None, Some(40_000)));
}

#[test]
fn keys_are_named_by_path_also_when_a_later_layer_deletes_them_and_their_content_is_not_shown() {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0LW9m\n";
    let mut items = vec![
        file("root/.ssh/id_rsa", key),
        file("root/.npmrc", "//r.example.org/:_authToken=npm_secret\n"),
        file("etc/ssl/ca.pem", "-----BEGIN CERTIFICATE-----\n"),
    ];
    items.extend(distribution("tornado", &[("tornado/test/test.crt", 1)]));
    // A key that a package brings for its tests is nobody's.
    items.push(file("usr/lib/python3/site-packages/own.dist-info/METADATA", "Name: own\n"));
    items.push(file("usr/lib/python3/site-packages/own.dist-info/RECORD", "own/test.key,,\n"));
    items.push(file("usr/lib/python3/site-packages/own/test.key", key));
    let weight = weigh_layers(&[items.clone(), vec![whiteout("root/.ssh/id_rsa")]]);
    let finding = find(&weight, "credentials-left").unwrap();
    assert_eq!(
        finding.message,
        "2 files hold private keys or credentials, 1 of them deleted later but still readable in this layer: \
         `/root/.npmrc`, `/root/.ssh/id_rsa`"
    );
    assert_eq!(finding.instruction, "step 0");
    let shown = format!("{weight:?}");
    assert!(!shown.contains("c2VjcmV0") && !shown.contains("npm_secret"));
    assert_eq!(find(&weigh_above(&[items, vec![]], 1), "credentials-left"), None);
}
