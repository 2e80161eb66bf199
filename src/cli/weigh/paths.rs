//! Which paths are listed: globs from the command line against paths of an image.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::cli::usage_error;
use crate::error::Failure;
use crate::record::Variant;
use crate::report::PathSum;
use crate::units::Bytes;

/// A pattern: without a slash it is a file name at any depth, otherwise a path from the root; `*` stops at slashes.
pub(super) fn glob(text: &str) -> Result<Glob, String> {
    let rooted = text.strip_prefix('/');
    let pattern = match rooted {
        Some(path) => path.to_owned(),
        None if text.contains('/') => text.to_owned(),
        None => format!("**/{text}"),
    };
    GlobBuilder::new(&pattern).literal_separator(true).build().map_err(|error| error.to_string())
}

/// What is listed.
pub(super) struct Paths {
    only: GlobSet,
    ignored: GlobSet,
}

impl Paths {
    /// Only what matches one of `only`, where there are any, and none of `ignored`.
    pub(super) fn new(only: &[Glob], ignored: &[Glob]) -> Result<Self, Failure> {
        Ok(Self { only: set(only)?, ignored: set(ignored)? })
    }

    /// Whether every path is listed.
    pub(super) fn all(&self) -> bool {
        self.only.is_empty() && self.ignored.is_empty()
    }

    /// Whether a path is listed.
    pub(super) fn lists(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        (self.only.is_empty() || self.only.is_match(path)) && !self.ignored.is_match(path)
    }
}

/// What the visible files that match each pattern weigh, image by image; the lists of the images are whole.
pub(super) fn sums(globs: &[Glob], images: &[Variant]) -> Result<Vec<Vec<PathSum>>, Failure> {
    let sets = globs.iter().map(|glob| Ok((glob, set(std::slice::from_ref(glob))?)));
    let sets = sets.collect::<Result<Vec<_>, Failure>>()?;
    let sum = |(glob, set): &(&Glob, GlobSet), image: &Variant| {
        let matching = image.paths.iter().filter(|file| set.is_match(file.path.trim_start_matches('/')));
        // As it was written, but for a slash in front.
        let written = glob.glob().strip_prefix("**/").map_or_else(|| format!("/{}", glob.glob()), str::to_owned);
        let mut sum = PathSum { glob: written, size: Bytes::ZERO, files: 0 };
        for file in matching {
            sum.size += file.size_bytes;
            sum.files += 1;
        }
        sum
    };
    Ok(images.iter().map(|image| sets.iter().map(|set| sum(set, image)).collect()).collect())
}

/// The globs, each with what lies below the folders that it matches.
fn set(globs: &[Glob]) -> Result<GlobSet, Failure> {
    let failed = |error: globset::Error| usage_error(error.to_string(), "write simpler patterns");
    let mut builder = GlobSetBuilder::new();
    for one in globs {
        builder.add(one.clone());
        let below = format!("{}/**", one.glob().trim_end_matches('/'));
        builder.add(GlobBuilder::new(&below).literal_separator(true).build().map_err(failed)?);
    }
    builder.build().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_anywhere_and_paths_from_the_root() {
        for (only, ignored, path, listed) in [
            ("*.so", "", "/usr/lib/a.so", true),
            ("*.so", "", "/usr/lib/a.py", false),
            ("/usr/lib/*", "", "/usr/lib/a.so", true),
            ("/usr/*.so", "", "/usr/lib/a.so", false),
            ("/usr/**/*.so", "", "/usr/lib/x/a.so", true),
            ("/usr/lib", "", "/usr/lib/x/a.so", true),
            ("/usr/lib/", "", "/usr/lib/x/a.so", true),
            ("/lib", "", "/usr/lib/a.so", false),
            ("__pycache__", "", "/a/__pycache__/b.pyc", true),
            ("", "*.pyc", "/a/b.pyc", false),
            ("/a", "*.pyc", "/a/b.py", true),
            ("/a", "*.pyc", "/a/b.pyc", false),
        ] {
            let globs = |text: &str| (!text.is_empty()).then(|| glob(text).unwrap()).into_iter().collect::<Vec<_>>();
            let paths = Paths::new(&globs(only), &globs(ignored)).unwrap();
            assert_eq!(paths.lists(path), listed, "`{only}` without `{ignored}`: {path}");
        }
        assert!(glob("[").is_err());
    }
}
