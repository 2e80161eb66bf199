//! The `.dockerignore` matcher against a second implementation by plain backtracking. The input is an ignore file, a
//! zero byte, and a path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tonnage_fuzz::context::{Ignore, clean_path};

#[path = "../../src/context/ignore_oracle.rs"]
mod oracle;

/// Beyond this, backtracking would take too long.
const SHORT: usize = 24;

fuzz_target!(|data: &[u8]| {
    let Some(end) = data.iter().position(|&byte| byte == 0) else { return };
    let (text, path) = (&data[..end], String::from_utf8_lossy(&data[end + 1..]));
    let path = clean_path(&path);
    let path = path.trim_start_matches('/');
    let parsed = Ignore::parse(text);
    // What it says of a path, it says again, and blank lines and comments change nothing.
    let padded = [b"#!\n\n \t\r\n", text, b"\n#\n"].concat();
    match (&parsed, Ignore::parse(&padded)) {
        (Ok(ignore), Ok(padded)) if !text.starts_with("\u{feff}".as_bytes()) => {
            assert_eq!(ignore.excludes(path), padded.excludes(path));
        }
        _ => {}
    }
    let Ok(text) = std::str::from_utf8(text) else { return };
    let patterns = oracle::patterns(text);
    let long = |text: &str| text.chars().count() > SHORT;
    if patterns.len() > 8 || long(path) || patterns.iter().any(|pattern| long(pattern)) {
        return;
    }
    let ours = parsed.ok().map(|ignore| ignore.excludes(path));
    let theirs = oracle::excludes(&patterns, path);
    // The matcher refuses what is malformed; the oracle says so by `None`.
    assert_eq!(ours, theirs, "{patterns:?} {path:?}");
});
