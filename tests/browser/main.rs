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

#[test]
fn one_can_click_and_type_into_the_files_and_back() {
    let record = fixture::record();
    let Some((browser, _folder)) = showing(&record, 1200) else { return };
    let depth = || browser.run("return document.querySelectorAll('.crumbs li').length", json!([])).as_u64().unwrap();
    let tiles = || browser.run("return document.querySelectorAll('.map .tile').length", json!([])).as_u64().unwrap();
    let said = || browser.run("return document.querySelector('.said').textContent", json!([])).to_string();
    let root = record.variants[0].tree.as_ref().unwrap();
    assert_eq!(depth(), 1);
    assert_eq!(tiles(), root.children.iter().filter(|child| child.size_bytes.0 > 0).count() as u64);
    browser.click(".map button.tile");
    assert_eq!(depth(), 2);
    assert!(said().contains(&root.children[0].name), "{}", said());
    // The first tile that can be opened has the focus: Enter goes further in, Escape comes back out.
    browser.press(Keys::Enter);
    assert_eq!(depth(), 3);
    browser.press(Keys::Escape);
    browser.press(Keys::Escape);
    assert_eq!(depth(), 1);
    let layers = record.variants[1].layers.iter().filter(|layer| layer.size_bytes.0 > 0).count() as u64;
    let choose = "for (const [id, value] of arguments) { const s = document.getElementById(id); s.value = value; s.dispatchEvent(new Event('change', {bubbles: true})) }";
    browser.run(choose, json!([["explorer-variant", "1"], ["explorer-view", "layers"]]));
    assert_eq!(tiles(), layers);
    // Tiles cover the map and none reaches out of it.
    let cover = browser.run(
        "const m = document.querySelector('.map').getBoundingClientRect(); let area = 0; let out = 0;
         for (const t of document.querySelectorAll('.map .tile')) { const r = t.getBoundingClientRect();
           area += r.width * r.height; if (r.right > m.right + 1 || r.bottom > m.bottom + 1) out += 1 }
         return [area / (m.width * m.height), out]",
        json!([]),
    );
    assert!((cover[0].as_f64().unwrap() - 1.0).abs() < 0.05, "{cover}");
    assert_eq!(cover[1], 0);
    assert_eq!(browser.console(), Vec::<String>::new());
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
    browser.click(".map button.tile");
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
