//! What an application could not write on a read-only root file system, out of the end of its log.

use crate::record::{Serve, ServeState};

/// How many paths are named.
const MOST: usize = 5;
/// The C library's words for `EROFS`, which nearly every language passes on, and Node's name for it.
const READ_ONLY: [&str; 2] = ["read-only file system", "erofs"];
/// Python's words where each of its places for temporary files is refused.
const NO_TEMPORARY: &str = "no usable temporary directory found in";

/// The paths that a container with a read-only root could not write when it failed, first named first; `None` where it
/// did not fail of that. The list is empty where the log names no path.
pub(crate) fn unwritable(serve: &Serve) -> Option<Vec<&str>> {
    let read_only = serve.limits.as_ref().is_some_and(|limits| limits.read_only);
    if !read_only || serve.state != ServeState::Failed {
        return None;
    }
    let mut failed = false;
    let mut paths: Vec<&str> = Vec::new();
    for line in &serve.log {
        let lower = line.to_ascii_lowercase();
        let temporary = lower.find(NO_TEMPORARY).map(|at| &line[at + NO_TEMPORARY.len()..]);
        if temporary.is_none() && !READ_ONLY.iter().any(|words| lower.contains(words)) {
            continue;
        }
        failed = true;
        // Python lists all of the places that it tried; the others name the one, a shell after the script's own.
        let found = match temporary {
            Some(list) => absolute(list).next(),
            None => absolute(line).last(),
        };
        paths.extend(found.filter(|path| !paths.contains(path)));
    }
    paths.truncate(MOST);
    failed.then_some(paths)
}

/// The absolute paths of a line, quoted or not.
fn absolute(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| c.is_whitespace() || "'\"`()[],;".contains(c));
    words.map(|word| word.trim_end_matches(':')).filter(|word| word.starts_with('/') && word.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ServeLimits;

    fn serve(log: &[&str]) -> Serve {
        let mut serve = crate::testing::fixture::record().variants[0].serve.clone().unwrap();
        serve.state = ServeState::Failed;
        serve.limits = Some(ServeLimits { read_only: true, ..ServeLimits::default() });
        serve.log = log.iter().map(|line| (*line).to_owned()).collect();
        serve
    }

    #[test]
    fn the_path_is_found_in_the_words_of_each_language() {
        for (line, path) in [
            ("OSError: [Errno 30] Read-only file system: '/app/cache'", "/app/cache"),
            ("Error: EROFS: read-only file system, open '/data/log.txt'", "/data/log.txt"),
            ("panic: mkdir /var/lib/app: read-only file system", "/var/lib/app"),
            ("/entrypoint.sh: line 3: /run/app.pid: Read-only file system", "/run/app.pid"),
            ("sh: can't create /tmp/x: Read-only file system", "/tmp/x"),
            ("touch: cannot touch '/srv/a b': Read-only file system", "/srv/a"),
            (
                "nginx: [emerg] mkdir() \"/var/cache/nginx/client_temp\" failed (30: Read-only file system)",
                "/var/cache/nginx/client_temp",
            ),
            (
                "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp', '/app']",
                "/tmp",
            ),
        ] {
            assert_eq!(unwritable(&serve(&["starting", line])), Some(vec![path]), "{line}");
        }
        assert_eq!(unwritable(&serve(&["write: Read-only file system"])), Some(vec![]));
    }

    #[test]
    fn only_a_failure_on_a_read_only_root_is_one() {
        let line = "OSError: [Errno 30] Read-only file system: '/app/cache'";
        assert_eq!(unwritable(&serve(&["ModuleNotFoundError: no module named /app"])), None);
        assert_eq!(unwritable(&Serve { state: ServeState::Answered, ..serve(&[line]) }), None);
        assert_eq!(unwritable(&Serve { limits: Some(ServeLimits::default()), ..serve(&[line]) }), None);
        assert_eq!(unwritable(&Serve { limits: None, ..serve(&[line]) }), None);
        let many: Vec<String> = (0..20).map(|n| format!("open /x{n}: read-only file system")).collect();
        let many = serve(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(unwritable(&many).unwrap(), ["/x0", "/x1", "/x2", "/x3", "/x4"]);
    }
}
