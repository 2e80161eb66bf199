//! Paths by their text.

/// Removes empty, `.`, and `..` parts by their text alone, as Go's `path.Clean` does. Nothing left is `.`.
///
/// ```
/// assert_eq!(dockerignore::clean("a//b/./c/.."), "a/b");
/// assert_eq!(dockerignore::clean("../a"), "../a");
/// assert_eq!(dockerignore::clean("/../a"), "/a");
/// assert_eq!(dockerignore::clean("a/.."), ".");
/// ```
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}
