//! Files and layers of each variant as trees that one can click into.

use std::collections::BinaryHeap;

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use crate::record::{FileNode, Variant};
use crate::report::facts::Facts;
use crate::report::words;
use crate::text::{for_people, shorten};
use crate::units::{Bytes, count};

/// Most nodes of all trees of the page, of one variant, and of one folder.
const MOST: usize = 14_000;
const MOST_OF_ONE: usize = 3_000;
const MOST_CHILDREN: usize = 60;

/// The explorer, its data, and what stands in for it where scripts do not run.
pub(super) fn render(facts: &Facts<'_>) -> Markup {
    let variants: Vec<&Variant> = facts.record.variants.iter().filter(|variant| !variant.layers.is_empty()).collect();
    of(&variants)
}

/// The same of some images.
pub(super) fn of(variants: &[&Variant]) -> Markup {
    // Half of it for files, half for layers.
    let budget = (MOST / variants.len().max(1) / 2).clamp(8, MOST_OF_ONE);
    let data: Vec<Value> = variants.iter().copied().map(|variant| trees(variant, budget)).collect();
    html! {
        p { "Click into a tile, or press Enter on it; arrow keys go from tile to tile, Escape or Backspace goes up." }
        div.explorer #explorer {
            div.controls {
                label { "Variant" select #explorer-variant { @for (index, variant) in variants.iter().enumerate() {
                    option value=(index) { (for_people(&variant.name)) }
                } } }
                label { "Show" select #explorer-view {
                    option value="files" { "files that can be seen" }
                    option value="layers" { "layers and what they hold" }
                } }
            }
            ol.crumbs aria-label="Where you are" {}
            p.said aria-live="polite" {}
            div.map role="group" aria-label="Tiles by size" {}
            div.scroll {
                table { thead { tr { th { "Name" } th.number { "Size" } th.number { "Share of all" } } } tbody.rows {} }
            }
        }
        script type="application/json" #tree-data { (PreEscaped(harmless(&Value::Array(data)))) }
        noscript { p.note { "Without scripts there is only the table of layers in report.md." } }
    }
}

/// JSON that ends no script element and starts no comment, wherever it stands in a page.
fn harmless(value: &Value) -> String {
    let text = value.to_string();
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn trees(variant: &Variant, budget: usize) -> Value {
    let layers = layer_tree(variant);
    let files = match &variant.tree {
        Some(tree) => compact(tree, budget),
        None => json!(["nothing is known of the files", 0]),
    };
    json!({ "files": files, "layers": compact(&layers, budget) })
}

/// Layers with the packages in them, and the rest of each.
fn layer_tree(variant: &Variant) -> FileNode {
    let leaf = |name: String, size_bytes: Bytes| FileNode { name, size_bytes, children: Vec::new() };
    let layers = variant.layers.iter().enumerate().map(|(index, layer)| {
        let mut children: Vec<FileNode> = Vec::new();
        for package in &variant.packages {
            let inside = package.layers.iter().filter(|(at, _)| *at as usize == index).map(|(_, bytes)| *bytes).sum();
            if inside > Bytes::ZERO {
                children.push(leaf(format!("{} {} ({})", package.name, package.version, package.manager), inside));
            }
        }
        if !children.is_empty() {
            let known: Bytes = children.iter().map(|child| child.size_bytes).sum();
            let rest = layer.size_bytes.saturating_sub(known);
            if rest > Bytes::ZERO {
                children.push(leaf("in no package".to_owned(), rest));
            }
        }
        let name = format!("{} · {} · {}", index + 1, words::origin(layer.origin), layer.instruction);
        FileNode { name, size_bytes: layer.size_bytes, children }
    });
    let layers: Vec<FileNode> = layers.collect();
    let size_bytes = layers.iter().map(|layer| layer.size_bytes).sum();
    FileNode { name: "layers".to_owned(), size_bytes, children: layers }
}

/// A tree as `[name, bytes, [children]]` with at most about `budget` nodes: the largest folders are opened first.
fn compact(root: &FileNode, budget: usize) -> Value {
    // Which folders to open: by size, then by the order in which they were met, so that equal trees come out alike.
    let mut queue = BinaryHeap::from([(root.size_bytes, std::cmp::Reverse(0_usize))]);
    let mut met: Vec<&FileNode> = vec![root];
    let mut opened = std::collections::HashSet::new();
    let mut nodes = 1;
    while let Some((_, std::cmp::Reverse(index))) = queue.pop() {
        let node = met[index];
        let children = node.children.len().min(MOST_CHILDREN);
        if children == 0 || nodes + children > budget {
            continue;
        }
        nodes += children + 1;
        opened.insert(std::ptr::from_ref(node));
        for child in largest(node) {
            queue.push((child.size_bytes, std::cmp::Reverse(met.len())));
            met.push(child);
        }
    }
    value(root, &opened, 0)
}

/// The largest children, largest first.
fn largest(node: &FileNode) -> Vec<&FileNode> {
    let mut children: Vec<&FileNode> = node.children.iter().collect();
    children.sort_by_key(|child| std::cmp::Reverse(child.size_bytes));
    children.truncate(MOST_CHILDREN);
    children
}

fn value(node: &FileNode, opened: &std::collections::HashSet<*const FileNode>, depth: usize) -> Value {
    let name = shorten(&for_people(&node.name), 120);
    if depth > 40 || !opened.contains(&std::ptr::from_ref(node)) {
        return json!([name, node.size_bytes.0]);
    }
    let shown = largest(node);
    let known: Bytes = shown.iter().map(|child| child.size_bytes).sum();
    let mut children: Vec<Value> = shown.into_iter().map(|child| value(child, opened, depth + 1)).collect();
    let (hidden, rest) = (node.children.len().saturating_sub(MOST_CHILDREN), node.size_bytes.saturating_sub(known));
    if hidden > 0 && rest > Bytes::ZERO {
        children.push(json!([format!("[{}]", count(hidden, "other")), rest.0]));
    }
    json!([name, node.size_bytes.0, children])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(depth: usize, width: u64) -> FileNode {
        let children: Vec<FileNode> =
            if depth == 0 { Vec::new() } else { (0..width).map(|_| wide(depth - 1, width)).collect() };
        let size_bytes = if depth == 0 { Bytes(7) } else { children.iter().map(|child| child.size_bytes).sum() };
        FileNode { name: "x".repeat(300), size_bytes, children }
    }

    fn count(value: &Value) -> usize {
        1 + value[2].as_array().map_or(0, |children| children.iter().map(count).sum())
    }

    #[test]
    fn a_large_tree_is_cut_to_its_budget() {
        let tree = wide(4, 12);
        assert_eq!(count(&compact(&tree, 100_000)), 1 + 12 + 144 + 1728 + 20_736);
        assert!((50..=110).contains(&count(&compact(&tree, 100))));
        assert!(count(&compact(&wide(1, 500), 100)) <= 62, "one folder shows the largest and folds the others");
    }

    #[test]
    fn data_cannot_end_its_element() {
        let text = harmless(&json!(["</script><script>alert(1)</script>", "<!--", "\u{2028}"]));
        assert!(!text.contains('<') && !text.contains('\u{2028}'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()[0], "</script><script>alert(1)</script>");
    }
}
