#!/usr/bin/env bash
# Format and lints of the Rust code, the scripts and the workflows, as CI judges them.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
cd "$root"
say "cargo fmt"
cargo fmt --check || die "the code is not formatted, or rustfmt is missing" \
    "\`cargo fmt\`" "\`rustup component add rustfmt clippy\`"
say "cargo clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings
# Without the features that tests turn on: here rustc names what the program does not reach.
say "cargo clippy of the program alone"
cargo clippy --workspace --lib --bins --locked -- -D warnings
# A workspace of their own, with instrumented builds and a lock file of their own.
say "cargo check of the fuzz targets"
need c++=g++
cargo check --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}/fuzz"

"$root/scripts/lint-ci.sh"
