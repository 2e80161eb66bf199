//! Which layer of the old image corresponds to which of the new.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::Layer;
use crate::text::without_build_args;

/// Two layers that correspond, or one that has no counterpart. Indices are those of the lists given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    /// Index in the old list; `None` for a layer that is new.
    pub old: Option<usize>,
    /// Index in the new list; `None` for a layer that is gone.
    pub new: Option<usize>,
    /// What makes them correspond.
    pub how: How,
}

/// What makes two layers correspond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// The same diff id: the same content, whatever made it.
    Same,
    /// The same instruction with another result.
    Changed,
    /// An instruction that was edited: the same keyword and at least half of the words.
    Edited,
    /// Only in the new image.
    Added,
    /// Only in the old image.
    Removed,
}

/// Largest table of the longest common subsequence; above it layers are matched greedily.
const MOST_CELLS: usize = 1 << 22;
/// Share of words that two instructions have in common to count as one that was edited.
const ALIKE: f64 = 0.5;

/// Aligns two lists of layers: the longest common subsequence of diff ids, between those the one of instructions,
/// then what was moved, then what was edited. The result is in the order of the new list, each removed layer behind
/// the one it followed.
pub(super) fn align(old: &[&Layer], new: &[&Layer]) -> Vec<Pair> {
    let old_words: Vec<String> = old.iter().map(|layer| normal_instruction(&layer.instruction)).collect();
    let new_words: Vec<String> = new.iter().map(|layer| normal_instruction(&layer.instruction)).collect();
    let same = |a: usize, b: usize| !old[a].diff_id.is_empty() && old[a].diff_id == new[b].diff_id;
    let said = |a: usize, b: usize| !old_words[a].is_empty() && old_words[a] == new_words[b];
    let mut found = Partners::new(old.len(), new.len());

    let anchors = common(0..old.len(), 0..new.len(), &same);
    let mut from = (0, 0);
    for &(a, b) in anchors.iter().chain([&(old.len(), new.len())]) {
        for (x, y) in common(from.0..a, from.1..b, &said) {
            found.pair(x, y, How::Changed);
        }
        from = (a + 1, b + 1);
    }
    for (a, b) in anchors {
        found.pair(a, b, How::Same);
    }
    found.greedily(How::Same, |a, b| f64::from(u8::from(same(a, b))), 1.0);
    found.greedily(How::Changed, |a, b| f64::from(u8::from(said(a, b))), 1.0);
    found.greedily(How::Edited, |a, b| likeness(&old_words[a], &new_words[b]), ALIKE);
    found.into_pairs()
}

/// The partners found so far.
struct Partners {
    old: Vec<Option<(usize, How)>>,
    new: Vec<Option<usize>>,
}

impl Partners {
    fn new(old: usize, new: usize) -> Self {
        Self { old: vec![None; old], new: vec![None; new] }
    }

    fn pair(&mut self, a: usize, b: usize, how: How) {
        self.old[a] = Some((b, how));
        self.new[b] = Some(a);
    }

    /// Pairs what is left by the best score that reaches `least`; equal scores in order.
    fn greedily(&mut self, how: How, score: impl Fn(usize, usize) -> f64, least: f64) {
        let left = |list: &[bool]| -> Vec<usize> { (0..list.len()).filter(|index| !list[*index]).collect() };
        let old = left(&self.old.iter().map(Option::is_some).collect::<Vec<_>>());
        let new = left(&self.new.iter().map(Option::is_some).collect::<Vec<_>>());
        if old.len().saturating_mul(new.len()) > MOST_CELLS {
            return;
        }
        let mut scored: Vec<(f64, usize, usize)> = old
            .iter()
            .flat_map(|a| new.iter().map(move |b| (*a, *b)))
            .map(|(a, b)| (score(a, b), a, b))
            .filter(|(score, ..)| *score >= least)
            .collect();
        scored.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
        for (_, a, b) in scored {
            if self.old[a].is_none() && self.new[b].is_none() {
                self.pair(a, b, how);
            }
        }
    }

    fn into_pairs(self) -> Vec<Pair> {
        let mut behind: BTreeMap<Option<usize>, Vec<Pair>> = BTreeMap::new();
        let mut last = None;
        for (index, partner) in self.old.iter().enumerate() {
            match partner {
                Some((b, _)) => last = Some(*b),
                None => {
                    behind.entry(last).or_default().push(Pair { old: Some(index), new: None, how: How::Removed });
                }
            }
        }
        let mut pairs = behind.remove(&None).unwrap_or_default();
        for (index, partner) in self.new.iter().enumerate() {
            let how = partner.and_then(|a| self.old[a]).map_or(How::Added, |(_, how)| how);
            pairs.push(Pair { old: *partner, new: Some(index), how });
            pairs.extend(behind.remove(&Some(index)).unwrap_or_default());
        }
        pairs
    }
}

/// The longest common subsequence of two ranges, as pairs of indices. Common ends are taken first; where the rest is
/// too large for a table it is matched in order, first come first served.
fn common(
    old: std::ops::Range<usize>,
    new: std::ops::Range<usize>,
    equal: &impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let (mut old, mut new) = (old, new);
    let mut head = Vec::new();
    while !old.is_empty() && !new.is_empty() && equal(old.start, new.start) {
        head.push((old.start, new.start));
        (old.start, new.start) = (old.start + 1, new.start + 1);
    }
    let mut tail = Vec::new();
    while !old.is_empty() && !new.is_empty() && equal(old.end - 1, new.end - 1) {
        tail.push((old.end - 1, new.end - 1));
        (old.end, new.end) = (old.end - 1, new.end - 1);
    }
    if old.len().saturating_mul(new.len()) > MOST_CELLS {
        let mut from = new.start;
        for a in old {
            if let Some(b) = (from..new.end).take(1024).find(|b| equal(a, *b)) {
                head.push((a, b));
                from = b + 1;
            }
        }
    } else if !old.is_empty() && !new.is_empty() {
        let (n, m) = (old.len(), new.len());
        let mut lengths = vec![0_u32; (n + 1) * (m + 1)];
        for i in (0..n).rev() {
            for j in (0..m).rev() {
                lengths[i * (m + 1) + j] = if equal(old.start + i, new.start + j) {
                    lengths[(i + 1) * (m + 1) + j + 1] + 1
                } else {
                    lengths[(i + 1) * (m + 1) + j].max(lengths[i * (m + 1) + j + 1])
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < n && j < m {
            if equal(old.start + i, new.start + j) {
                head.push((old.start + i, new.start + j));
                (i, j) = (i + 1, j + 1);
            } else if lengths[(i + 1) * (m + 1) + j] >= lengths[i * (m + 1) + j + 1] {
                i += 1;
            } else {
                j += 1;
            }
        }
    }
    tail.reverse();
    head.extend(tail);
    head
}

/// How much two instructions with the same keyword have in common: shared words ÷ all words.
fn likeness(old: &str, new: &str) -> f64 {
    let mut words = (old.split_whitespace(), new.split_whitespace());
    let keyword = (words.0.next(), words.1.next());
    if keyword.0.is_none() || keyword.0 != keyword.1 {
        return 0.0;
    }
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (words.0.collect(), words.1.collect());
    let shared = old.intersection(&new).count();
    let all = old.len() + new.len() - shared;
    if all == 0 { 1.0 } else { shared as f64 / all as f64 }
}

/// An instruction as it is compared: one line, without what a builder adds (`/bin/sh -c`, `#(nop)`, `# buildkit`,
/// the list of build arguments) and without the checksum that the classic builder writes in place of a source
/// (`COPY file:3f2a… in /app`), which is another one after every edit.
pub(crate) fn normal_instruction(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.strip_suffix("# buildkit").map_or(line.as_str(), str::trim_end);
    let (run, rest) = match line.strip_prefix("RUN ") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (run, rest) = match without_build_args(rest) {
        command if command.len() < rest.len() => (true, command),
        _ => (run, rest),
    };
    let body = match rest.strip_prefix("/bin/sh -c ") {
        Some(shell) => match shell.strip_prefix("#(nop) ") {
            Some(instruction) => instruction.trim_start().to_owned(),
            None => format!("RUN {shell}"),
        },
        None if run => format!("RUN {rest}"),
        None => rest.to_owned(),
    };
    body.split(' ').map(without_checksum).collect::<Vec<_>>().join(" ")
}

fn without_checksum(word: &str) -> &str {
    for kind in ["file:", "dir:", "multi:"] {
        if let Some(sum) = word.strip_prefix(kind)
            && sum.len() >= 32
            && sum.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return &word[..kind.len() - 1];
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LayerOrigin;
    use crate::units::Bytes;

    fn layer(diff_id: &str, instruction: &str) -> Layer {
        Layer {
            diff_id: diff_id.into(),
            size_bytes: Bytes(1),
            wire_bytes: Bytes(1),
            instruction: instruction.into(),
            origin: LayerOrigin::Own,
            entries: 0,
            package_bytes: Bytes(0),
            waste_bytes: Bytes(0),
        }
    }

    /// `old` and `new` as words `diff_id=instruction`; the result as `0:1:Changed`.
    fn aligned(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<String> {
        let old: Vec<Layer> = old.iter().map(|(id, text)| layer(id, text)).collect();
        let new: Vec<Layer> = new.iter().map(|(id, text)| layer(id, text)).collect();
        let index = |index: Option<usize>| index.map_or("-".to_owned(), |index| index.to_string());
        align(&old.iter().collect::<Vec<_>>(), &new.iter().collect::<Vec<_>>())
            .into_iter()
            .map(|pair| format!("{}:{}:{:?}", index(pair.old), index(pair.new), pair.how))
            .collect()
    }

    #[test]
    fn an_inserted_layer_shifts_nothing() {
        assert_eq!(
            aligned(
                &[("a", "FROM"), ("b", "RUN pip install"), ("c", "COPY src /app")],
                &[("a", "FROM"), ("x", "RUN apk add curl"), ("b2", "RUN pip install"), ("c2", "COPY src /app")],
            ),
            ["0:0:Same", "-:1:Added", "1:2:Changed", "2:3:Changed"]
        );
    }

    #[test]
    fn the_diff_id_goes_before_the_instruction() {
        // The same instruction stands twice; its first result is gone.
        assert_eq!(aligned(&[("a", "RUN x"), ("b", "RUN x")], &[("b", "RUN x")]), ["0:-:Removed", "1:0:Same"]);
        // A layer whose text was rewritten and whose content is the same.
        assert_eq!(aligned(&[("a", "RUN x")], &[("a", "RUN  y")]), ["0:0:Same"]);
    }

    #[test]
    fn swapped_layers_keep_their_partners() {
        let mut pairs = aligned(&[("a", "RUN x"), ("b", "RUN y")], &[("b", "RUN y"), ("a", "RUN x")]);
        pairs.sort();
        assert_eq!(pairs, ["0:1:Same", "1:0:Same"]);
    }

    #[test]
    fn an_edited_instruction_is_one_change_and_another_one_is_two() {
        assert_eq!(
            aligned(&[("a", "RUN pip install flask==1 gunicorn")], &[("b", "RUN pip install flask==2 gunicorn")]),
            ["0:0:Edited"]
        );
        assert_eq!(
            aligned(&[("a", "RUN pip install flask")], &[("b", "RUN apk add --no-cache curl")]),
            ["0:-:Removed", "-:0:Added"]
        );
        assert_eq!(aligned(&[("a", "COPY x /app")], &[("b", "RUN x /app")]), ["0:-:Removed", "-:0:Added"]);
    }

    #[test]
    fn layers_without_identity_or_text_are_not_alike() {
        assert_eq!(aligned(&[("", "")], &[("", "")]), ["0:-:Removed", "-:0:Added"]);
        assert!(aligned(&[], &[]).is_empty());
    }

    #[test]
    fn what_builders_add_to_an_instruction_does_not_count() {
        let sum = "3f2a".repeat(16);
        for (given, normal) in [
            ("RUN /bin/sh -c pip install flask # buildkit", "RUN pip install flask"),
            ("/bin/sh -c pip install  flask", "RUN pip install flask"),
            ("RUN |1 A=1 /bin/sh -c pip install flask # buildkit", "RUN pip install flask"),
            ("|2 A=1 B=2 /bin/sh -c make", "RUN make"),
            ("|1 A=1 /bin/bash -c make", "RUN /bin/bash -c make"),
            ("RUN |1 A=1 pip install # buildkit", "RUN pip install"),
            ("/bin/sh -c #(nop)  WORKDIR /app", "WORKDIR /app"),
            ("COPY src /app # buildkit", "COPY src /app"),
            ("|", "|"),
            ("", ""),
        ] {
            assert_eq!(normal_instruction(given), normal, "{given}");
        }
        assert_eq!(normal_instruction(&format!("/bin/sh -c #(nop) COPY dir:{sum} in /app")), "COPY dir in /app");
        assert_eq!(normal_instruction("COPY file:short in /app"), "COPY file:short in /app");
    }

    #[test]
    fn thousands_of_layers_are_aligned_without_a_table_of_all_pairs() {
        let old: Vec<Layer> = (0..5000).map(|n| layer(&format!("o{n}"), &format!("RUN {n}"))).collect();
        let new: Vec<Layer> = (0..5000).map(|n| layer(&format!("n{n}"), &format!("RUN {}", n + 1))).collect();
        let pairs = align(&old.iter().collect::<Vec<_>>(), &new.iter().collect::<Vec<_>>());
        assert_eq!(pairs.iter().filter(|pair| pair.how == How::Changed).count(), 4999);
    }
}
