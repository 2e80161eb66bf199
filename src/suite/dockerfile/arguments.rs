//! The arguments of a build: those that are given, and those that the builder sets by itself.

use std::collections::BTreeMap;

/// The build arguments of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Those that are given, which count more than any default.
    pub given: BTreeMap<String, String>,
    /// Those that the builder sets by itself, which a default replaces.
    pub automatic: BTreeMap<String, String>,
}

impl Arguments {
    /// Those that are given, and none besides.
    pub fn of(given: &BTreeMap<String, String>) -> Self {
        Self { given: given.clone(), automatic: BTreeMap::new() }
    }
}

/// The build arguments that BuildKit sets by itself where it builds for `requested` on an engine of `engine`, both
/// `os/arch[/variant]`: `TARGETPLATFORM`, `TARGETOS`, `TARGETARCH`, `TARGETVARIANT`, and the same for `BUILD…`.
/// Reference: "Automatic platform ARGs in the global scope". The variant of an engine on `arm` is skipped: it depends
/// on the processor.
pub fn platform_args(requested: Option<&str>, engine: &str) -> BTreeMap<String, String> {
    let mut args = BTreeMap::new();
    for (side, platform) in [("TARGET", requested.unwrap_or(engine)), ("BUILD", engine)] {
        let lower = platform.to_ascii_lowercase();
        // A part alone is an operating system or an architecture; the other one is the engine's.
        let (engine_os, engine_arch) = engine.split_once('/').unwrap_or((engine, ""));
        let (os, rest) = match lower.split_once('/') {
            Some(parts) => parts,
            None if matches!(lower.as_str(), "linux" | "windows" | "freebsd" | "darwin") => {
                (lower.as_str(), engine_arch)
            }
            None => (engine_os, lower.as_str()),
        };
        let (arch, variant) = rest.split_once('/').unwrap_or((rest, ""));
        let (arch, variant) = normal_architecture(arch, variant);
        if os.is_empty() || arch.is_empty() {
            continue;
        }
        args.extend(
            [("OS", os), ("OSVERSION", ""), ("ARCH", arch)]
                .map(|(name, value)| (format!("{side}{name}"), value.to_owned())),
        );
        let variant = match (arch, variant, requested) {
            ("arm", "", Some(_)) if side == "TARGET" => "v7",
            ("arm", "", _) => continue,
            _ => variant,
        };
        let whole = [os, arch, variant].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        args.insert(format!("{side}VARIANT"), variant.to_owned());
        args.insert(format!("{side}PLATFORM"), whole);
    }
    args
}

/// containerd/platforms, `normalizeArch`.
fn normal_architecture<'a>(arch: &'a str, variant: &'a str) -> (&'a str, &'a str) {
    match (arch, variant) {
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("i386" | "386" | "i686", _) => ("386", ""),
        ("aarch64" | "arm64", "8" | "v8" | "") => ("arm64", ""),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) | ("arm", "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    }
}
