//! The page `report.html` in a real browser: headless Chromium, driven by its own driver.
//!
//! Without a browser these tests fail and say how to get one, so that nobody believes they passed. Set
//! `TONNAGE_SKIP_BROWSER=1` to go without them knowingly.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod driver;
mod librsvg;

use driver::{Browser, Keys};
use serde_json::{Value, json};
use tonnage::testing::fixture;
use tonnage::testing::record::Record;
use tonnage::testing::report;

/// A browser showing the page of a record, in a window of the given width; `None` where it is to be skipped.
fn showing(record: &Record, width: u32) -> Option<(Browser, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, report::html(record).unwrap()).unwrap();
    let browser = Browser::start(width, 900)?;
    browser.open(&format!("file://{}", file.display()));
    Some((browser, folder))
}

/// The texts of one column of the first table.
fn column(browser: &Browser, index: usize) -> Vec<String> {
    let script = "return [...document.querySelector('table.sortable').tBodies[0].rows].map((r) => r.cells[arguments[0]].textContent)";
    serde_json::from_value(browser.run(script, json!([index]))).unwrap()
}

#[test]
fn the_page_opens_without_a_word_on_the_console_and_without_a_network() {
    for record in [fixture::record(), fixture::stand_in(), fixture::with_failures()] {
        let Some((browser, _folder)) = showing(&record, 1200) else { return };
        assert_eq!(browser.console(), Vec::<String>::new());
        assert_eq!(browser.run("return performance.getEntriesByType('resource').length", json!([])), 0);
        let title = browser.run("return document.title", json!([]));
        assert_eq!(title, record.suite.title);
    }
}

#[test]
fn a_click_on_a_head_sorts_by_value_and_another_turns_it_round() {
    let record = fixture::record();
    let Some((browser, _folder)) = showing(&record, 1200) else { return };
    let mut by_size: Vec<(u64, String)> =
        record.variants.iter().map(|v| (v.sizes.as_ref().unwrap().size_bytes.0, v.name.clone())).collect();
    by_size.sort();
    let expected: Vec<String> = by_size.into_iter().map(|(_, name)| name).collect();
    assert_ne!(column(&browser, 0), expected, "the table begins in the order of the suite");
    let head = "table.sortable th:nth-child(2) button";
    browser.click(head);
    assert_eq!(column(&browser, 0), expected);
    browser.click(head);
    let reversed: Vec<String> = expected.iter().rev().cloned().collect();
    assert_eq!(column(&browser, 0), reversed);
    let sorted = "return document.querySelector('table.sortable th:nth-child(2)').getAttribute('aria-sort')";
    assert_eq!(browser.run(sorted, json!([])), "descending");
    // By keyboard too.
    browser.focus(head);
    browser.press(Keys::Enter);
    assert_eq!(column(&browser, 0), expected);
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// A record whose first image has a tree of round sizes: `/usr/lib` with two files, and three directories beside.
fn with_tree() -> Record {
    let mut record = fixture::record();
    let tree = json!({"name": "/", "size_bytes": 1_000_000_000, "layer": 0, "children": [
        {"name": "usr", "size_bytes": 600_000_000, "layer": 0, "package": "libc6", "children": [
            {"name": "lib", "size_bytes": 400_000_000, "layer": 0, "package": "libc6", "children": [
                {"name": "a.so", "size_bytes": 300_000_000, "layer": 0, "package": "libc6"},
                {"name": "b.so", "size_bytes": 100_000_000, "layer": 5, "package": "gcc-8"},
            ]},
            {"name": "share", "size_bytes": 200_000_000, "layer": 0},
        ]},
        {"name": "opt", "size_bytes": 300_000_000, "layer": 5},
        {"name": "etc", "size_bytes": 100_000_000},
    ]});
    record.variants[0].tree = serde_json::from_value(tree).unwrap();
    record
}

/// Place of the tile of this name: left, top, width, height.
fn tile(browser: &Browser, name: &str) -> [f64; 4] {
    let script =
        "const t = [...document.querySelectorAll('.map .tile')].find((t) => t.title.startsWith(arguments[0] + '\\n'));
        const r = t.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]";
    serde_json::from_value(browser.run(script, json!([name]))).unwrap()
}

fn text(browser: &Browser, selector: &str) -> String {
    let script = "return document.querySelector(arguments[0]).textContent";
    browser.run(script, json!([selector])).as_str().unwrap().to_owned()
}

fn fragment(browser: &Browser) -> String {
    browser.run("return location.hash", json!([])).as_str().unwrap().to_owned()
}

/// Sets a field and says so, as a user's typing does.
fn set(browser: &Browser, selector: &str, value: &str) {
    let script = "const f = document.querySelector(arguments[0]); f.value = arguments[1];
        for (const e of ['input', 'change']) f.dispatchEvent(new Event(e, {bubbles: true}))";
    browser.run(script, json!([selector, value]));
}

#[test]
fn files_are_tiles_within_those_of_their_directories() {
    let Some((browser, _folder)) = showing(&with_tree(), 1200) else { return };
    let inside = |inner: &str, outer: &str| {
        let ([x, y, w, h], [left, top, width, height]) = (tile(&browser, inner), tile(&browser, outer));
        assert!(
            x >= left && y >= top && x + w <= left + width + 0.5 && y + h <= top + height + 0.5,
            "{inner} in {outer}"
        );
    };
    for (inner, outer) in [("a.so", "lib"), ("b.so", "lib"), ("lib", "usr"), ("share", "usr")] {
        inside(inner, outer);
    }
    let area = |name: &str| {
        let [_, _, width, height] = tile(&browser, name);
        width * height
    };
    for (one, other, ratio) in [("a.so", "b.so", 3.0), ("usr", "opt", 2.0), ("opt", "etc", 3.0), ("lib", "share", 2.0)]
    {
        let found = area(one) / area(other);
        assert!((found / ratio - 1.0).abs() < 0.03, "{one} ÷ {other}: {found}");
    }
    // The directories of the root fill the map, and none reaches out of it.
    let cover = browser.run(
        "const m = document.querySelector('.map').getBoundingClientRect(); let out = 0;
         for (const t of document.querySelectorAll('.map .tile')) { const r = t.getBoundingClientRect();
           if (r.right > m.right + 1 || r.bottom > m.bottom + 1) out += 1 }
         return [m.width * m.height, out]",
        json!([]),
    );
    let filled = area("usr") + area("opt") + area("etc");
    assert!((filled / cover[0].as_f64().unwrap() - 1.0).abs() < 0.01, "{cover}");
    assert_eq!(cover[1], 0);
}

#[test]
fn one_can_click_and_type_into_the_files_and_back() {
    let Some((browser, _folder)) = showing(&with_tree(), 1200) else { return };
    let depth = || browser.run("return document.querySelectorAll('.crumbs li').length", json!([])).as_u64().unwrap();
    assert_eq!(depth(), 1);
    assert!(text(&browser, ".said").starts_with("/: 1.00 GB (1,000,000,000 B), 100.0 % of all"));
    browser.click(".map button.tile span");
    assert_eq!(depth(), 2);
    assert!(text(&browser, ".said").starts_with("usr: 600 MB"), "{}", text(&browser, ".said"));
    // The first tile that can be opened has the focus: Enter goes further in, Escape comes back out.
    browser.press(Keys::Enter);
    assert_eq!(depth(), 3);
    assert_eq!(fragment(&browser), "#explore&in=usr&in=lib");
    browser.press(Keys::Escape);
    browser.press(Keys::Escape);
    assert_eq!(depth(), 1);
    set(&browser, "#explorer-view", "layers");
    set(&browser, "#explorer-variant", "python3.9-slim");
    let layers = fixture::record().variants[1].layers.iter().filter(|layer| layer.size_bytes.0 > 0).count();
    let rows = browser.run("return document.querySelectorAll('.rows tr').length", json!([]));
    assert_eq!(rows, layers);
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn what_is_searched_stands_out_and_its_bytes_are_added_up() {
    let Some((browser, _folder)) = showing(&with_tree(), 1200) else { return };
    let dim = || {
        let script = "return [...document.querySelectorAll('.map .miss')].map((t) => t.title.split('\\n')[0]).sort()";
        serde_json::from_value::<Vec<String>>(browser.run(script, json!([]))).unwrap()
    };
    set(&browser, "#explorer-search", "B.SO");
    assert_eq!(text(&browser, ".said"), "1 match: 100 MB, 10.0 % of all");
    assert_eq!(dim(), ["a.so", "etc", "opt", "share"]);
    // `usr` matches by its package, so what is in it counts once.
    set(&browser, "#explorer-search", "libc6");
    assert_eq!(text(&browser, ".said"), "1 match: 600 MB, 60.0 % of all");
    assert_eq!(dim(), ["etc", "opt"]);
    set(&browser, "#explorer-search", "b.so");
    browser.click(".rows button");
    assert_eq!(fragment(&browser), "#explore&find=b.so&in=usr&in=lib", "a match leads to its directory");
    set(&browser, "#explorer-search", "no such file");
    assert!(text(&browser, ".rows").contains("Nothing matches."));
}

#[test]
fn a_link_shows_again_what_was_shown() {
    let record = with_tree();
    let Some((browser, folder)) = showing(&record, 1200) else { return };
    let classes = |name: &str| {
        let script = "return [...document.querySelectorAll('.map .tile')].find((t) => t.title.startsWith(arguments[0] + '\\n')).className";
        browser.run(script, json!([name])).as_str().unwrap().to_owned()
    };
    let by_layer = [classes("a.so"), classes("b.so"), classes("opt"), classes("etc")];
    assert_eq!(by_layer[1], by_layer[2], "one layer, one color");
    assert!(by_layer[0] != by_layer[1] && by_layer[3].contains("unknown"), "{by_layer:?}");
    let page = format!("file://{}", folder.path().join("report.html").display());
    browser.open("about:blank");
    browser.open(&format!("{page}#explore&color=package&in=usr&in=lib&find=b"));
    assert!(text(&browser, ".said").starts_with("1 match"));
    assert_eq!(browser.run("return document.querySelectorAll('.crumbs li').length", json!([])), 3);
    assert!(text(&browser, ".legend").contains("gcc-8") && text(&browser, ".legend").contains("libc6"));
    let in_view = "const r = document.getElementById('explore').getBoundingClientRect(); return r.top < innerHeight && r.bottom > 0";
    assert_eq!(browser.run(in_view, json!([])), true);
    // Another link within the page keeps it.
    browser.click("nav.contents a[href='#times']");
    assert_eq!(fragment(&browser), "#times&color=package&in=usr&in=lib&find=b");
    assert!(text(&browser, ".said").starts_with("1 match"));
    // Names of another image, or none at all, are not errors.
    browser.open(&format!("{page}#explore&image=nobody&in=nowhere&view=x&color=y&filter=z"));
    assert!(text(&browser, ".said").starts_with("/: "));
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn many_variants_can_be_filtered_by_name() {
    let Some((browser, _folder)) = showing(&fixture::record(), 1200) else { return };
    assert_eq!(browser.run("return document.getElementById('filter')", json!([])), Value::Null, "four need none");
    drop(browser);
    let Some((browser, folder)) = showing(&librsvg::of(12), 1200) else { return };
    let rows = || {
        let script = "return [...document.querySelector('table.sortable').tBodies[0].rows].filter((r) => !r.hidden && r.offsetHeight > 0).length";
        browser.run(script, json!([])).as_u64().unwrap()
    };
    let strips = || {
        let script =
            "return [...document.querySelectorAll('.strip[data-variant]')].filter((r) => r.offsetHeight > 0).length";
        browser.run(script, json!([])).as_u64().unwrap()
    };
    let all = strips();
    assert_eq!(rows(), 12);
    set(&browser, "#filter input", "alpine MULTI");
    assert_eq!(rows(), 3);
    assert_eq!(strips(), all / 4);
    assert_eq!(text(&browser, "#filter span"), "3 variants");
    assert_eq!(fragment(&browser), "#&filter=alpine+MULTI");
    let page = format!("file://{}", folder.path().join("report.html").display());
    browser.open("about:blank");
    browser.open(&format!("{page}#sizes&filter=slim"));
    assert_eq!(rows(), 3);
    set(&browser, "#filter input", "");
    assert_eq!(rows(), 12);
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn the_first_screen_has_the_chart_of_sizes() {
    for (width, height) in [(1280, 900), (390, 844)] {
        let Some((browser, _folder)) = showing(&fixture::stand_in(), width) else { return };
        let top = browser.run(
            "const c = [...document.querySelectorAll('header .chart svg')].find((s) => s.getBoundingClientRect().height > 0);
             return [c.querySelector('title').textContent, c.getBoundingClientRect().top,
               c.compareDocumentPosition(document.querySelector('table')) & Node.DOCUMENT_POSITION_FOLLOWING]",
            json!([]),
        );
        assert!(top[0].as_str().unwrap().contains("size"), "{top}");
        assert!(top[1].as_f64().unwrap() < f64::from(height) / 2.0, "{width} px: {top}");
        assert_ne!(top[2], 0, "before the first table");
    }
}

#[test]
fn no_chart_is_cut_on_a_telephone() {
    let Some((browser, _folder)) = showing(&fixture::stand_in(), 390) else { return };
    let charts = browser.run(
        "return [...document.querySelectorAll('svg')].filter((s) => s.getBoundingClientRect().height > 0)
           .map((s) => s.getBoundingClientRect()).map((r) => [r.left, r.right])",
        json!([]),
    );
    let charts = charts.as_array().unwrap();
    assert!(charts.len() > 10, "{charts:?}");
    for chart in charts {
        assert!(chart[0].as_f64().unwrap() >= 0.0 && chart[1].as_f64().unwrap() <= 390.0, "{chart}");
    }
}

#[test]
fn backticks_are_code() {
    let mut record = fixture::record();
    record.variants[0].findings[0].remedy = "write `COPY --chown=app`, and an odd ` stays".to_owned();
    let Some((browser, _folder)) = showing(&record, 1200) else { return };
    let remedies = browser.run("return [...document.querySelectorAll('.remedy')].map((r) => r.innerHTML)", json!([]));
    let wanted = json!("write <code>COPY --chown=app</code>, and an odd ` stays");
    assert!(remedies.as_array().unwrap().contains(&wanted), "{remedies}");
}

#[test]
fn hostile_names_run_nothing() {
    let evil = "\"><img src=x onerror=\"window.owned=1\"><script>window.owned=1</script></script><!--";
    let mut record = fixture::with_failures();
    record.suite.title = evil.to_owned();
    record.suite.source = evil.to_owned();
    record.environment.engine.storage_driver = evil.to_owned();
    for variant in &mut record.variants {
        let name = format!("{evil}{}", variant.name);
        for sample in record.samples.iter_mut().filter(|sample| sample.variant == variant.name) {
            sample.variant.clone_from(&name);
            evil.clone_into(&mut sample.reason);
        }
        variant.name = name;
        for layer in &mut variant.layers {
            evil.clone_into(&mut layer.instruction);
        }
        for finding in &mut variant.findings {
            (finding.message, finding.remedy, finding.instruction) = (evil.into(), evil.into(), evil.into());
        }
        for package in &mut variant.packages {
            evil.clone_into(&mut package.name);
        }
        if let Some(failure) = &mut variant.failure {
            evil.clone_into(&mut failure.message);
            failure.log = vec![evil.to_owned()];
        }
        if let Some(tree) = &mut variant.tree {
            for child in &mut tree.children {
                evil.clone_into(&mut child.name);
            }
        }
    }
    let Some((browser, _folder)) = showing(&record, 1200) else { return };
    browser.click("table.sortable th:nth-child(2) button");
    browser.click(".map button.tile span");
    set(&browser, "#explorer-search", "onerror");
    assert_eq!(browser.run("return window.owned === undefined", json!([])), true);
    assert_eq!(
        browser.run("return document.querySelectorAll('main img, main script[src], iframe').length", json!([])),
        0
    );
    assert_eq!(browser.run("return document.querySelector('h1').textContent", json!([])), evil);
    assert_eq!(browser.console(), Vec::<String>::new());
    // And had it got in, the policy would have stopped it.
    browser.run(
        "const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s)",
        json!([]),
    );
    assert_eq!(browser.run("return window.owned === undefined", json!([])), true);
}

#[test]
fn it_fits_a_telephone_and_a_desk_in_light_and_dark() {
    for width in [390, 830, 1200] {
        let Some((browser, _folder)) = showing(&fixture::stand_in(), width) else { return };
        let over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.run(over, json!([])), 0, "nothing but tables and charts scrolls sideways at {width} px");
        let colours =
            || browser.run("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]", json!([]));
        browser.prefer("light");
        let light = colours();
        browser.prefer("dark");
        let dark = colours();
        assert_eq!(light[0], "rgb(255, 255, 255)");
        assert_eq!(dark[0], "rgb(13, 17, 23)");
        assert_ne!(light[1], dark[1]);
    }
}

#[test]
fn every_cache_hit_figure_leads_to_its_proof() {
    let Some((browser, _folder)) = showing(&fixture::record(), 1200) else { return };
    let wrong = browser.run(
        "return [...document.querySelectorAll(\"a[href^='#proof-']\")].filter((a) => !document.querySelector(a.hash)).length",
        json!([]),
    );
    assert_eq!(wrong, 0, "no link leads nowhere");
    // Two in the headline for each of four variants, five in the table of times.
    let links = browser.run("return document.querySelectorAll(\"td a[href^='#proof-']\").length", json!([]));
    assert_eq!(links, 4 * (2 + 5));
    let seen = || {
        browser.run(
            "const r = document.getElementById('proof-src-0').getBoundingClientRect();
             return r.height > 0 && r.top >= 0 && r.top < innerHeight",
            json!([]),
        )
    };
    assert_eq!(seen(), false, "it is folded at first");
    for _ in 0..2 {
        browser.click("td a[href='#proof-src-0']");
        assert_eq!(seen(), true);
        let text = browser.run("return document.getElementById('proof-src-0').textContent", json!([])).to_string();
        assert!(
            text.contains("3/4 cached in the worst of 7 valid samples") && text.contains("COPY src /app"),
            "{text}"
        );
        // Folded again by hand, the same link opens it again.
        browser
            .run("document.getElementById('proof-src-0').closest('details').open = false; scrollTo(0, 0)", json!([]));
    }
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn printing_opens_what_is_folded() {
    let Some((browser, _folder)) = showing(&fixture::record(), 1200) else { return };
    let folded = || browser.run("return document.querySelectorAll('details:not([open])').length", json!([])).as_u64();
    assert_ne!(folded(), Some(0));
    browser.run("dispatchEvent(new Event('beforeprint'))", json!([]));
    assert_eq!(folded(), Some(0));
    browser.run("dispatchEvent(new Event('afterprint'))", json!([]));
    assert_ne!(folded(), Some(0));
}

#[test]
fn charts_keep_their_text_inside_as_a_browser_draws_it() {
    for record in [fixture::record(), fixture::stand_in(), fixture::with_failures()] {
        let Some((browser, folder)) = showing(&record, 1200) else { return };
        for chart in report::charts(&record).unwrap() {
            let file = folder.path().join(format!("{}.svg", chart.name));
            std::fs::write(&file, &chart.svg).unwrap();
            browser.open(&format!("file://{}", file.display()));
            let outside: Value = browser.run(
                "const c = document.documentElement.getBoundingClientRect();
                 return [...document.querySelectorAll('text')].filter((t) => { const r = t.getBoundingClientRect();
                   return r.left < c.left || r.right > c.right || r.top < c.top || r.bottom > c.bottom }).map((t) => t.textContent)",
                json!([]),
            );
            assert_eq!(outside, json!([]), "{}", chart.name);
            let overlapping: Value = browser.run(
                "const t = [...document.querySelectorAll('text')].map((e) => [e.textContent.trim(), e.getBoundingClientRect()]);
                 const found = [];
                 t.forEach(([a, r], i) => t.slice(i + 1).forEach(([b, s]) => {
                   if (Math.min(r.right, s.right) - Math.max(r.left, s.left) > 2 &&
                       Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top) > 5) found.push(a + ' / ' + b) }));
                 return found",
                json!([]),
            );
            assert_eq!(overlapping, json!([]), "{}", chart.name);
        }
    }
}
