//! What bytes are that no package owns.

use crate::facts::LayerOrigin;
use crate::path::split;

/// Where own code usually lies.
const APP_FOLDERS: [&[u8]; 4] = [b"app", b"srv", b"opt", b"usr/src"];
/// Kept to be quicker next time, which in an image there is none.
const CACHE_FOLDERS: [&[u8]; 4] = [b"var/cache", b"var/lib/apt/lists", b"root/.cache", b"tmp"];
const DATABASE_FOLDERS: [&[u8]; 6] =
    [b"var/lib/dpkg", b"lib/apk", b"usr/lib/apk", b"var/lib/rpm", b"usr/lib/sysimage/rpm", b"var/lib/chisel"];

/// The label of a file that no package owns.
pub(crate) fn of(path: &[u8], origin: LayerOrigin, working_dir: &str) -> &'static str {
    let name = split(path).1;
    if name.ends_with(b".pyc") || name.ends_with(b".pyo") {
        "byte code"
    } else if CACHE_FOLDERS.iter().any(|folder| is_below(path, folder)) || is_home_cache(path) {
        "caches"
    } else if DATABASE_FOLDERS.iter().any(|folder| is_below(path, folder)) {
        "package databases"
    } else if origin == LayerOrigin::Own && is_app(path, working_dir) {
        "app"
    } else if is_shared_library(name) {
        "shared libraries"
    } else if is_standard_library(path) {
        "Python standard library"
    } else {
        "unowned"
    }
}

pub(crate) fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/'))
}

fn is_home_cache(path: &[u8]) -> bool {
    let mut parts = path.split(|&byte| byte == b'/');
    parts.next() == Some(b"home") && parts.nth(1) == Some(b".cache")
}

fn is_app(path: &[u8], working_dir: &str) -> bool {
    let working_dir = working_dir.trim_matches('/').as_bytes();
    (!working_dir.is_empty() && is_below(path, working_dir)) || APP_FOLDERS.iter().any(|folder| is_below(path, folder))
}

/// `libx.so`, `libx.so.1.2`.
fn is_shared_library(name: &[u8]) -> bool {
    name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.")
}

/// `…/lib/python3.9/x.py`, what pip installs left out.
fn is_standard_library(path: &[u8]) -> bool {
    let mut parts = path.split(|&byte| byte == b'/').skip_while(|&part| part != b"lib").skip(1);
    let Some(version) = parts.next().and_then(|part| part.strip_prefix(b"python")) else { return false };
    version.first().is_some_and(u8::is_ascii_digit)
        && !matches!(parts.next(), Some(b"site-packages" | b"dist-packages") | None)
}
