#!/usr/bin/env bash
# Fuzzes the readers of untrusted input: each target for some time, one after the other, and a line of figures for
# each. A finding ends the script with exit code 1 and leaves its input in fuzz/artifacts/.
#
#   scripts/fuzz.sh [SECONDS] [TARGET]...      600 s, all targets if none is named
#
# libFuzzer wants a nightly compiler for its sanitizers; where there is none, the stable one is told to behave as one
# (RUSTC_BOOTSTRAP), which does for these flags.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seconds=${1:-600}
[[ $seconds =~ ^[0-9]+$ ]] || die "\`$seconds\` is not a number of seconds" "usage: \`scripts/fuzz.sh [SECONDS] [TARGET]...\`"
shift $(($# > 0 ? 1 : 0))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(archive layer packages formats dockerignore record baseline manifest dockerfile compose events builds registry tar_split)

need_rust
need_python
need c++=g++
command -v cargo-fuzz >/dev/null || die "\`cargo fuzz\` is missing" "\`cargo install cargo-fuzz --locked\`"
cargo=(cargo)
if command -v rustup >/dev/null && rustup toolchain list | grep -q ^nightly; then
    cargo+=(+nightly)
else
    export RUSTC_BOOTSTRAP=1
fi
cd "$root/fuzz"
"$python" seeds.py corpus
"${cargo[@]}" fuzz build >&2

status=0
for target in "${targets[@]}"; do
    log=$cache/fuzz-$target.log
    options=(-max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -max_len=16384 -print_final_stats=1 -verbosity=1)
    # Its client and its server are threads, of which the destructors count as a leak of 32 bytes where they just end.
    [ "$target" != registry ] || options+=(-detect_leaks=0)
    dictionary=dictionaries/$target.txt
    [ ! -e "$dictionary" ] || options+=(-dict="$dictionary")
    # New inputs go to the first directory; those that are kept in the repository are only read.
    mkdir -p "corpus/$target"
    inputs=("corpus/$target")
    [ ! -d "seeds/$target" ] || inputs+=("seeds/$target")
    say "$target: $seconds s"
    "${cargo[@]}" fuzz run "$target" "${inputs[@]}" -- "${options[@]}" >"$log" 2>&1 || {
        status=1
        grep -E '^(thread|SUMMARY|Failing input|==|.*panicked)|assertion' "$log" | head -n 20 >&2 || true
    }
    # The first figure is that of the seeds, the last the one at the end.
    awk -v target="$target" '
        /^#[0-9]+[ \t]/ {
            for (i = 1; i < NF; i++) if ($i == "cov:") { cov = $(i + 1); if (first == "") first = cov }
        }
        /^stat::number_of_executed_units/ { units = $2 }
        /^stat::average_exec_per_sec/ { rate = $2 }
        /^stat::peak_rss_mb/ { rss = $2 }
        END {
            printf "%-13s %10s executions, %6s a second, coverage %s -> %s, peak memory %s MB\n", \
                target, units, rate, first, cov, rss
        }' "$log"
done
exit $status
