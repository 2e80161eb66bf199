#!/usr/bin/env bash
# Removes what the other scripts keep between runs; by name, as the folder may be anybody's (TONNAGE_CACHE).
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$root/tests/support/registry.sh" stop
[ ! -d "$cache/engines/linked" ] || "$root/tests/support/private-engine.sh" remove linked
rm -rf --one-file-system "$cache"/{standins,tiny,newer-docker,scipy,formats,dist,lint-ci,registry,registry-tools,tmp,apt.log,apt.lock}
rmdir --ignore-fail-on-non-empty "$cache"
