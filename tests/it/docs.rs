//! Pages of the documentation: what their commands print is what the page shows, and no link leads nowhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use serde_json::json;
use tonnage_image::testing::archives::{self, Item, digest, file, layer};

use crate::pages::walk;
use crate::sandbox::Sandbox;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of so many bytes that are not those of another file.
fn bytes(path: &str, size: usize, mode: u32) -> Item {
    let seed = path.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let content = (0..size).map(|at| (seed.wrapping_add(u32::try_from(at / 64).unwrap()) % 251) as u8);
    Item::File(path.to_owned(), content.collect(), mode)
}

/// A package database with these packages, and the list of the files of each.
fn dpkg(packages: &[(&str, &[&str])]) -> Vec<Item> {
    let status = |(name, _): &(&str, &[&str])| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n")
    };
    let mut items = vec![file("var/lib/dpkg/status", &packages.iter().map(status).collect::<Vec<_>>().concat())];
    for (name, files) in packages {
        let list = files.iter().map(|path| format!("/{path}")).collect::<Vec<_>>().join("\n") + "\n";
        items.push(file(&format!("var/lib/dpkg/info/{name}.list"), &list));
    }
    items
}

const LIBC: (&str, &[&str]) = ("libc6", &["usr/lib/x86_64-linux-gnu/libc.so.6"]);
const GCC: (&str, &[&str]) = ("gcc-12", &["usr/bin/gcc-12", "usr/lib/gcc/x86_64-linux-gnu/12/cc1"]);
const GIT: (&str, &[&str]) = ("git", &["usr/bin/git"]);

/// An archive as `docker save` writes it.
fn saved(layers: &[(&str, Vec<Item>)]) -> Vec<u8> {
    let tars: Vec<Vec<u8>> = layers.iter().map(|(_, items)| layer(items)).collect();
    let ids: Vec<String> = tars.iter().map(|tar| format!("sha256:{}", digest(tar))).collect();
    let history: Vec<_> = layers.iter().map(|(by, _)| json!({"created_by": by})).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {"User": "app", "WorkingDir": "/app"}, "history": history,
        "rootfs": {"type": "layers", "diff_ids": ids},
    });
    archives::docker(&[archives::Image {
        tag: Some("shop:1".to_owned()),
        config: serde_json::to_vec(&config).unwrap(),
        layers: tars,
    }])
}

fn base() -> (&'static str, Vec<Item>) {
    let mut items = vec![bytes(LIBC.1[0], 1_900_000, 0o755), bytes("bin/bash", 1_200_000, 0o755)];
    items.extend(dpkg(&[LIBC]));
    ("ADD rootfs.tar.xz / # buildkit", items)
}

fn app(mode: u32) -> Vec<Item> {
    vec![bytes("app/catalog.db", 2_400_000, mode), bytes("app/shop.py", 18_000, mode)]
}

/// The image of the pages about an archive: everything that can go wrong did.
fn shop() -> Vec<u8> {
    let mut tools = vec![
        bytes(GCC.1[0], 1_100_000, 0o755),
        bytes(GCC.1[1], 7_300_000, 0o755),
        bytes("var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages", 4_600_000, 0o644),
    ];
    tools.extend(dpkg(&[LIBC, GCC]));
    let mut copied = app(0o600);
    copied.push(bytes("app/.git/objects/pack/pack-1.pack", 3_100_000, 0o444));
    saved(&[
        base(),
        ("RUN apt-get update && apt-get install -y gcc", tools),
        ("COPY . /app", copied),
        ("RUN chmod -R a+r /app", app(0o644)),
    ])
}

/// The same without what need not be there, and with git or without.
fn small(with_git: bool) -> Vec<u8> {
    let mut layers = vec![base()];
    if with_git {
        let mut tools = vec![bytes(GIT.1[0], 3_700_000, 0o755)];
        tools.extend(dpkg(&[LIBC, GIT]));
        layers.push(("RUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*", tools));
    }
    layers.push(("COPY --chmod=644 . /app", app(0o644)));
    saved(&layers)
}

fn as_it_is(text: &str) -> String {
    text.to_owned()
}

#[test]
fn the_page_about_an_archive_shows_what_is_printed() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("shop.tar"), shop()).unwrap();
    walk("docs/why-is-it-big.md", &sandbox.path(""), as_it_is);
    for (name, begins) in [("shop.html", "<!DOCTYPE html>"), ("shop.ncdu", "[1,2,{\"progname\":\"tonnage\"")] {
        assert!(sandbox.read(name).starts_with(begins), "{name}");
    }
}

#[test]
fn the_page_about_ci_shows_what_a_failing_gate_prints() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("main.tar"), small(false)).unwrap();
    fs::write(sandbox.path("branch.tar"), small(true)).unwrap();
    sandbox.write("tonnage.toml", "[budget]\nsize = [\"8 MB\", \"+2 %\"]\n");
    let weighed = |name: &str| {
        let json = sandbox.run(&["weigh", &format!("app={name}"), "--format", "json"]).expect(0).stdout;
        sandbox.write("weighed.json", &json);
    };
    weighed("main.tar");
    sandbox.run(&["baseline", "accept", "weighed.json", "--baseline", "images.json", "--reason", "first"]).expect(0);
    weighed("branch.tar");
    walk("docs/ci.md", &sandbox.path(""), as_it_is);
}

#[test]
fn the_page_about_a_slide_shows_its_chart() {
    let sandbox = Sandbox::new();
    let content = small(false);
    fs::write(sandbox.path("shop-small.tar"), &content).unwrap();
    fs::write(sandbox.path("shop.tar"), shop()).unwrap();
    let run = fs::read_to_string(root().join("results/flask-blog/latest/run.json")).unwrap();
    sandbox.write("results/flask-blog/latest/run.json", &run);
    walk("docs/chart-for-a-slide.md", &sandbox.path(""), as_it_is);
    for name in ["slide.svg", "build-times.svg"] {
        let (made, shown) = (sandbox.read(name), root().join("docs/pictures").join(name));
        if std::env::var_os("TONNAGE_UPDATE_DOCS").is_some_and(|value| value == "1") {
            fs::write(&shown, &made).unwrap();
        }
        assert!(
            fs::read_to_string(shown).unwrap() == made,
            "docs/pictures/{name}: set TONNAGE_UPDATE_DOCS=1 to write it"
        );
    }
    let png = fs::read(sandbox.path("slide.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
}

#[test]
fn the_page_about_the_blog_shows_the_committed_results() {
    let sandbox = Sandbox::new();
    for name in ["run.json", "report.md", "report.html"] {
        let path = Path::new("results/flask-blog/latest").join(name);
        sandbox.write(path.to_str().unwrap(), &fs::read_to_string(root().join(&path)).unwrap());
    }
    walk("docs/reproduce-the-blog.md", &sandbox.path(""), as_it_is);
}

/// Every page of the repository that is for readers.
fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(|name| root().join(name)).into();
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    found.extend(docs.filter(|path| path.extension().is_some_and(|kind| kind == "md")));
    found
}

/// The links of a page, and the anchors of its headings as GitHub makes them.
fn links_and_anchors(page: &Path) -> (Vec<String>, Vec<String>) {
    let text = fs::read_to_string(page).unwrap();
    let arena = Arena::new();
    let mut options = Options::default();
    options.extension.table = true;
    let (mut links, mut anchors) = (Vec::new(), Vec::new());
    for node in parse_document(&arena, &text, &options).descendants() {
        match &node.data.borrow().value {
            NodeValue::Link(link) | NodeValue::Image(link) => links.push(link.url.clone()),
            NodeValue::Heading(_) => {
                let words: String = node
                    .descendants()
                    .filter_map(|part| match &part.data.borrow().value {
                        NodeValue::Text(text) => Some(text.to_string()),
                        NodeValue::Code(code) => Some(code.literal.clone()),
                        _ => None,
                    })
                    .collect();
                let kept = words
                    .to_lowercase()
                    .chars()
                    .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
                    .collect::<String>();
                anchors.push(kept.replace(' ', "-"));
            }
            _ => {}
        }
    }
    (links, anchors)
}

#[test]
fn no_link_leads_nowhere_and_every_page_is_in_the_index() {
    let mut anchors: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let mut all = Vec::new();
    for page in pages() {
        let (links, own) = links_and_anchors(&page);
        anchors.insert(page.canonicalize().unwrap(), own);
        all.push((page, links));
    }
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (page, links) in &all {
        for link in links.iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            count += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let known =
                |target: &PathBuf| anchors.get(target).is_none_or(|known| known.iter().any(|one| one == anchor));
            let found = target.canonicalize().is_ok_and(|target| anchor.is_empty() || known(&target));
            if !found {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty() && count > 30, "{count} links, these lead nowhere:\n{}", wrong.join("\n"));
    let index = root().join("docs/README.md");
    let listed = &all.iter().find(|(page, _)| *page == index).unwrap().1;
    for (page, _) in all.iter().filter(|(page, _)| page.starts_with(root().join("docs")) && *page != index) {
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(listed.iter().any(|link| link == name), "docs/README.md does not list {name}");
    }
}
