//! Paths in an image, as bytes: they need not be text.

/// Directory and name of a path; the directory is empty for a name alone.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let base = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at(base);
    (folder.strip_suffix(b"/").unwrap_or(folder), name)
}

/// A path without its leading `/`, `.` parts, doubled and trailing slashes; `..` takes a part away, but never
/// leaves the root, as engines unpack it.
pub(crate) fn normalise(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => out.truncate(out.iter().rposition(|&byte| byte == b'/').unwrap_or(0)),
            part => {
                if !out.is_empty() {
                    out.push(b'/');
                }
                out.extend_from_slice(part);
            }
        }
    }
    out
}
