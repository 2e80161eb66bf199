//! The `.dockerignore` matcher against a second implementation by plain backtracking. The input is an ignore file, a
//! zero byte, and a path.

#![no_main]

use dockerignore::reference::{self, Refusal};
use dockerignore::{Ignore, clean};
use libfuzzer_sys::fuzz_target;

/// Beyond this, backtracking would take too long.
const SHORT: usize = 24;

fuzz_target!(|data: &[u8]| {
    let Some(end) = data.iter().position(|&byte| byte == 0) else { return };
    let (text, path) = (&data[..end], String::from_utf8_lossy(&data[end + 1..]));
    let path = clean(&path);
    let path = path.trim_start_matches('/');
    let parsed = Ignore::parse(text);
    // What it says of a path, it says again, and blank lines and comments change nothing.
    let padded = [b"#!\n\n \t\r\n", text, b"\n#\n"].concat();
    match (&parsed, Ignore::parse(&padded)) {
        (Ok(ignore), Ok(padded)) if !text.starts_with("\u{feff}".as_bytes()) => {
            assert_eq!(ignore.ignores(path), padded.ignores(path));
        }
        _ => {}
    }
    let Ok(text) = std::str::from_utf8(text) else { return };
    let long = |text: &str| text.chars().count() > SHORT;
    if text.lines().count() > 6 || long(path) || text.lines().any(|line| long(line)) {
        return;
    }
    let ours = parsed.map(|ignore| ignore.ignores(path)).map_err(|_| Refusal::Malformed);
    let theirs = reference::ignores(text, path);
    if theirs != Err(Refusal::NoOpinion) {
        assert_eq!(ours, theirs, "{text:?} {path:?}");
    }
});
