#!/usr/bin/env bash
# Commits the baseline that the gate proposed for a pull request, on a label (accept/action.yml). It may write, so:
#   - it runs nothing of the pull request and checks nothing out; all goes through GitHub's API;
#   - it accepts the results of the labelled commit alone: the new commit's parent is that commit, and the branch moves
#     only if that is still its tip, so that a push voids the label;
#   - only branches of the repository itself, and only a label that somebody with write access has set;
#   - of the artifact it takes one file, which tonnage must verify as a baseline.
# In the environment: GH_TOKEN, TONNAGE_BINARY, TONNAGE_BASELINE, TONNAGE_LABEL, TONNAGE_WORKFLOW, TONNAGE_ARTIFACT, and
# what GitHub sets.
set -euo pipefail

repository=${GITHUB_REPOSITORY:?GitHub sets it}
work=${RUNNER_TEMP:?GitHub sets it}/tonnage-accept
export GITHUB_REPOSITORY

fail() {
    printf '::error title=tonnage::%s\n' "$1"
    exit 1
}

event() {
    jq -er "$1" "${GITHUB_EVENT_PATH:?GitHub sets it}"
}

for variable in TONNAGE_BASELINE TONNAGE_LABEL TONNAGE_WORKFLOW TONNAGE_ARTIFACT; do
    case ${!variable} in
    '' | *[$'\n\r']*) fail "\`$variable\` must be one line" ;;
    esac
done
case $TONNAGE_BASELINE in
/* | .github/* | *..* | *//*) fail "the baseline must be a path inside the repository" ;;
*.json) ;;
*) fail "the baseline must be a JSON file" ;;
esac
case $TONNAGE_WORKFLOW in */* | *[?#%]*) fail "\`workflow\` is a file name" ;; esac

if [ "$(event .label.name)" != "$TONNAGE_LABEL" ]; then
    echo "another label: nothing to do"
    exit 0
fi
number=$(event .pull_request.number)
head=$(event .pull_request.head.sha)
branch=$(event '.pull_request.head.ref | split("/") | map(@uri) | join("/")')
sender=$(event '.sender.login | @uri')
export head
# Whatever comes of it, the label has been used.
label=$(event '.label.name | @uri')
trap 'gh api --silent --method DELETE "repos/$repository/issues/$number/labels/$label" || true' EXIT

[ "$(event '.pull_request.head.repo.full_name')" = "$repository" ] ||
    fail "the pull request is from a fork: commit the proposed baseline of the artifact \`$TONNAGE_ARTIFACT\` there"
case $(gh api "repos/$repository/collaborators/$sender/permission" --jq .permission) in
admin | maintain | write) ;;
*) fail "only who may write to the repository can accept" ;;
esac
[ "$(gh api "repos/$repository/git/ref/heads/$branch" --jq .object.sha)" = "$head" ] ||
    fail "the branch has moved since the label was set: look at the new results, and set it again"

# shellcheck disable=SC2016  # env is gh's
run=$(gh api "repos/$repository/actions/workflows/$TONNAGE_WORKFLOW/runs?head_sha=$head&event=pull_request&status=completed&per_page=100" \
    --jq '[.workflow_runs[] | select(.head_sha == env.head and .head_repository.full_name == env.GITHUB_REPOSITORY)] | sort_by(.run_started_at) | last | .id // empty')
[ -n "$run" ] || fail "there is no finished run of \`$TONNAGE_WORKFLOW\` for $head"
rm -rf "$work"
mkdir -p "$work"
gh run download "$run" --repo "$repository" --name "$TONNAGE_ARTIFACT" --dir "$work" ||
    fail "run $run has no artifact \`$TONNAGE_ARTIFACT\`"
proposal=$work/tonnage-baseline.json
if [ ! -f "$proposal" ] || [ -L "$proposal" ] || [ "$(wc -c <"$proposal")" -gt 20000000 ]; then
    fail "the artifact of run $run has no proposed baseline"
fi
(cd "$work" && "$TONNAGE_BINARY" baseline verify --baseline tonnage-baseline.json) ||
    fail "what run $run proposes is not a valid baseline"

create() {
    gh api --method POST "repos/$repository/git/$1" --input - --jq .sha
}
before=$(gh api "repos/$repository/git/commits/$head" --jq .tree.sha)
blob=$(base64 <"$proposal" | jq -Rs '{content: ., encoding: "base64"}' | create blobs)
tree=$(jq -n --arg base "$before" --arg path "$TONNAGE_BASELINE" --arg blob "$blob" \
    '{base_tree: $base, tree: [{path: $path, mode: "100644", type: "blob", sha: $blob}]}' | create trees)
if [ "$tree" = "$before" ]; then
    echo "the baseline is the proposed one already"
    exit 0
fi
commit=$(jq -n --arg tree "$tree" --arg head "$head" --arg run "$run" --arg who "$(event .sender.login)" \
    '{message: "Accept the image sizes of run \($run)\n\nAccepted by \($who) for \($head)", tree: $tree, parents: [$head]}' |
    create commits)
jq -n --arg commit "$commit" '{sha: $commit, force: false}' |
    gh api --silent --method PATCH "repos/$repository/git/refs/heads/$branch" --input - ||
    fail "the branch has moved: look at the new results, and set the label again"
echo "::notice title=tonnage::accepted the sizes of run $run in $commit"
