//! Platforms, compared as containerd does: `aarch64`, `linux/arm64`, and `linux/arm64/v8` are the same one.

use std::fmt;
use std::str::FromStr;

use crate::text::Untrusted;

/// A platform in containerd's normal form (containerd/platforms, `database.go`): lower case, Go's names, no variant
/// where there is only one (`arm64`, `amd64`), `v7` where `arm` has none; without an operating system it is Linux.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, `arm`, …
    pub architecture: String,
    /// `v6`, `v7`, `v3`, …; empty for the default one.
    pub variant: String,
}

/// Text that does not name a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a platform: write one such as `linux/amd64`, `linux/arm64`, or `linux/arm/v7`", Untrusted(_0))]
pub struct ParsePlatformError(String);

/// `GOOS` and `GOARCH`, as far as containers exist for them.
const SYSTEMS: [&str; 14] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "illumos",
    "ios",
    "js",
    "linux",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
];
const ARCHITECTURES: [&str; 16] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64",
    "s390", "s390x", "sparc64", "wasm",
];

impl Platform {
    /// The platform of some image's own words, which may be wrong or missing.
    pub fn normal(os: &str, architecture: &str, variant: &str) -> Self {
        let os = match &*os.to_lowercase() {
            "" => "linux".to_owned(),
            "macos" => "darwin".to_owned(),
            os => os.to_owned(),
        };
        let (architecture, variant) = (architecture.to_lowercase(), variant.to_lowercase());
        let (architecture, variant) = match (&*architecture, &*variant) {
            ("i386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64" | "amd64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8" | "8.0" | "v8.0") => ("arm64", ""),
            ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
            ("aarch64" | "arm64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            (architecture, variant) => (architecture, variant),
        };
        Self { os, architecture: architecture.to_owned(), variant: variant.to_owned() }
    }

    /// The platform that a text such as `linux/arm64/v8` stands for, whatever it is.
    pub fn lenient(text: &str) -> Self {
        let mut parts = text.splitn(3, '/');
        let mut part = || parts.next().unwrap_or_default();
        Self::normal(part(), part(), part())
    }

    /// Whether two texts, such as those of two records, name the same platform.
    pub fn same(one: &str, other: &str) -> bool {
        Self::lenient(one) == Self::lenient(other)
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    /// Reads what `docker --platform` takes: `linux/arm64`, `linux/arm/v6`, or an architecture alone. `arm` alone is
    /// refused: it may mean any of `arm64`, `linux/arm/v7`, and `linux/arm/v6`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [architecture] if !architecture.eq_ignore_ascii_case("arm") => ("", architecture, ""),
            [os, architecture] => (os, architecture, ""),
            [os, architecture, variant] if !variant.is_empty() => (os, architecture, variant),
            _ => return Err(ParsePlatformError(text.to_owned())),
        };
        let platform = Self::normal(os, architecture, variant);
        let known = SYSTEMS.contains(&&*platform.os)
            && ARCHITECTURES.contains(&&*platform.architecture)
            && (parts.len() == 1 || !os.is_empty())
            && platform.variant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        if known { Ok(platform) } else { Err(ParsePlatformError(text.to_owned())) }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_have_one_normal_form() {
        for (text, expected) in [
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("arm64", "linux/arm64"),
            ("aarch64", "linux/arm64"),
            ("linux/arm64/8", "linux/arm64"),
            ("linux/arm64/v9", "linux/arm64/v9"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("Linux/AMD64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/i386", "linux/386"),
            ("windows/amd64", "windows/amd64"),
            ("s390x", "linux/s390x"),
        ] {
            assert_eq!(
                text.parse::<Platform>().map(|platform| platform.to_string()).as_deref(),
                Ok(expected),
                "{text}"
            );
            assert_eq!(Platform::lenient(expected), text.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn nonsense_is_not_a_platform() {
        for text in [
            "",
            "/",
            "arm",
            "linux",
            "linux/",
            "/arm64",
            "linux/arm64/",
            "linux/arm64/v8/x",
            "pdp11",
            "linux/\u{1b}[31m",
        ] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn images_may_leave_parts_out() {
        assert!(Platform::same("/amd64", "linux/amd64"));
        assert!(Platform::same("linux/arm64", "linux/arm64/v8"));
        assert!(!Platform::same("linux/arm/v6", "linux/arm"));
        assert!(!Platform::same("", "linux/amd64"));
    }
}
