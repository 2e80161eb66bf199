//! Go programs: the build information that the linker puts into a segment of data since Go 1.18
//! (`debug/buildinfo`, `src/cmd/link/internal/ld/data.go`): a mark, two flags, and two texts with their lengths.

use std::ops::Range;

use super::composite::{Component, Composite};
use super::numbers::{big_endian, little_endian};
use crate::facts::PackageManager;
use crate::text::from_bytes;

const MARK: &[u8] = b"\xff Go buildinf:";
/// The mark stands at a multiple of it.
const ALIGN: usize = 16;
/// The mark, pointer size, flags, and what older versions use.
const HEAD: usize = 32;
/// Set where the texts follow in place; before Go 1.18 there were pointers to them.
const INLINE: u8 = 2;
/// ELF and program headers lie within it.
const HEADERS: usize = 4096;
/// More than this is not a module list: Kubernetes' has 20 kB.
const MOST_TEXT: u64 = 1 << 20;
/// Before and behind the module list.
const SENTINEL: usize = 16;

/// An ELF file on its way.
pub(crate) struct GoStream {
    state: State,
    /// Offset of what comes next.
    offset: u64,
    /// Bytes kept: the headers, then what is searched, then the information itself.
    kept: Vec<u8>,
    memory: u64,
}

enum State {
    Headers,
    /// Looking through segments of data, lowest first.
    Search(Vec<Range<u64>>),
    /// The mark was found.
    Collect,
    /// Nothing more is wanted.
    Done,
}

impl GoStream {
    pub(super) fn new(memory: u64) -> Self {
        Self { state: State::Headers, offset: 0, kept: Vec::new(), memory: memory.min(2 * MOST_TEXT) }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        match &self.state {
            State::Headers => {
                let (head, rest) = bytes.split_at(bytes.len().min(HEADERS - self.kept.len()));
                self.kept.extend_from_slice(head);
                if self.kept.len() == HEADERS {
                    self.begin();
                }
                if !rest.is_empty() {
                    self.take(rest);
                }
            }
            State::Search(_) => self.search(bytes),
            State::Collect => self.collect(bytes),
            State::Done => {}
        }
    }

    /// The headers are there: looks for the segments, also in what came with the headers.
    fn begin(&mut self) {
        let head = std::mem::take(&mut self.kept);
        self.state = State::Search(data_segments(&head).unwrap_or_default());
        self.search(&head);
    }

    fn search(&mut self, bytes: &[u8]) {
        let start = self.offset;
        self.offset += bytes.len() as u64;
        let State::Search(segments) = &self.state else { return };
        if segments.is_empty() {
            self.state = State::Done;
            return;
        }
        let mut found = false;
        for segment in segments {
            let from = segment.start.max(start).saturating_sub(start).min(bytes.len() as u64) as usize;
            let to = segment.end.max(start).saturating_sub(start).min(bytes.len() as u64) as usize;
            if from >= to {
                continue;
            }
            if start + from as u64 == segment.start {
                self.kept.clear();
            }
            self.kept.extend_from_slice(&bytes[from..to]);
            let blocks = self.kept.chunks_exact(ALIGN);
            let rest = blocks.remainder().len();
            let mut blocks = blocks;
            if let Some(at) = blocks.position(|block| block.starts_with(MARK)) {
                self.kept.drain(..at * ALIGN);
                found = true;
                // What is behind the segment is not wanted, or comes as the next bytes of the same one.
                break;
            }
            self.kept.drain(..self.kept.len() - rest);
        }
        if found {
            self.state = State::Collect;
            self.collect(&[]);
        } else if segments.iter().all(|segment| segment.end <= self.offset) {
            self.state = State::Done;
            self.kept = Vec::new();
        }
    }

    fn collect(&mut self, bytes: &[u8]) {
        let most = (HEAD as u64 + self.memory) as usize;
        let wanted = bytes.len().min(most.saturating_sub(self.kept.len()));
        self.kept.extend_from_slice(&bytes[..wanted]);
        if texts(&self.kept).is_some() || self.kept.len() >= most {
            self.state = State::Done;
        }
    }

    pub(super) fn finish(mut self) -> Option<Composite> {
        if matches!(self.state, State::Headers) {
            self.begin();
        }
        let (go, modules) = texts(&self.kept).filter(|_| self.kept.starts_with(MARK))?;
        Some(program(go, modules))
    }
}

/// Version of Go and the module list, where both are whole.
fn texts(information: &[u8]) -> Option<(&[u8], &[u8])> {
    let flags = *information.get(MARK.len() + 1)?;
    if flags & INLINE == 0 {
        return None;
    }
    let (go, rest) = text(information.get(HEAD..)?)?;
    let (modules, _) = text(rest)?;
    let modules = modules.get(SENTINEL..modules.len().saturating_sub(SENTINEL)).unwrap_or_default();
    Some((go, modules))
}

/// A text behind its length (`encoding/binary.Uvarint`), and what follows it.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0u64;
    for (index, &byte) in bytes.iter().take(9).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let rest = &bytes[index + 1..];
            return rest.split_at_checked(usize::try_from(length).ok().filter(|_| length <= MOST_TEXT)?);
        }
    }
    None
}

/// Lines of a word and, between tabs, module, version, and sum. A module that is replaced is followed by the one that
/// was taken.
fn program(go: &[u8], modules: &[u8]) -> Composite {
    let component =
        |name: &[u8], version: &[u8]| Component { name: from_bytes(name), version: from_bytes(version), bytes: 0 };
    let mut main = None;
    let mut path: &[u8] = b"";
    let mut parts = Vec::new();
    for line in modules.split(|&byte| byte == b'\n') {
        let mut words = line.split(|&byte| byte == b'\t');
        let (word, name, version) =
            (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match word {
            _ if name.is_empty() => {}
            b"path" => path = name,
            b"mod" => main = Some(component(name, version)),
            b"dep" => parts.push(component(name, version)),
            b"=>" => drop(parts.pop().map(|_| parts.push(component(name, version)))),
            _ => {}
        }
    }
    // Without modules there is only the package; Go's own programs have no other version than Go's.
    let name: &[u8] = if path.is_empty() { b"command-line-arguments" } else { path };
    let main = main.unwrap_or_else(|| component(name, go));
    Composite { manager: PackageManager::Go, main, parts }
}

/// Where in the file the segments of data are (ELF specification, "Program Header"); `None` for what is not an ELF file.
fn data_segments(head: &[u8]) -> Option<Vec<Range<u64>>> {
    const LOAD: u64 = 1;
    const EXECUTABLE: u64 = 1;
    let (wide, little) = match (head.get(4)?, head.get(5)?) {
        (class @ (1 | 2), order @ (1 | 2)) => (*class == 2, *order == 1),
        _ => return None,
    };
    let number = |at, length| if little { little_endian(head, at, length) } else { big_endian(head, at, length) };
    let (table, size, count) = if wide {
        (number(32, 8)?, number(54, 2)?, number(56, 2)?)
    } else {
        (number(28, 4)?, number(42, 2)?, number(44, 2)?)
    };
    let mut found = Vec::new();
    for index in 0..count {
        let at = usize::try_from(table.checked_add(index * size)?).ok()?;
        let Some(kind) = number(at, 4) else { break };
        let (flags, offset, length) = if wide {
            (number(at + 4, 4)?, number(at + 8, 8)?, number(at + 32, 8)?)
        } else {
            (number(at + 24, 4)?, number(at + 4, 4)?, number(at + 16, 4)?)
        };
        if kind == LOAD && flags & EXECUTABLE == 0 && length > 0 {
            // The mark is aligned in memory, and a segment lies in the file as it does there.
            found.push(offset.checked_next_multiple_of(ALIGN as u64)?..offset.saturating_add(length));
        }
    }
    found.sort_by_key(|segment| segment.start);
    // One after the other, so that each byte is looked at once.
    let mut end = 0;
    for segment in &mut found {
        segment.start = segment.start.max(end);
        end = segment.end.max(end);
    }
    found.retain(|segment| segment.start < segment.end);
    Some(found)
}
