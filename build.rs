//! What `tonnage --version --verbose` says of the build: cargo tells the target only to build scripts.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TONNAGE_COMMIT");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=TONNAGE_TARGET={target}");
}
