#!/bin/bash -eu
# Builds every fuzz target into $OUT with its dictionary and its seeds, as OSS-Fuzz wants them. Run in the repository.
cd fuzz
python3 seeds.py corpus
cargo fuzz build -O
for source in fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    cp "target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    if [ -e "dictionaries/$target.txt" ]; then
        cp "dictionaries/$target.txt" "$OUT/$target.dict"
    fi
    inputs=()
    for directory in "corpus/$target" "seeds/$target"; do
        if [ -d "$directory" ]; then inputs+=("$directory"); fi
    done
    if [ ${#inputs[@]} -gt 0 ]; then
        zip --quiet --junk-paths --recurse-paths "$OUT/${target}_seed_corpus.zip" "${inputs[@]}"
    fi
done
