#!/usr/bin/env bash
# Makes the pictures of README.md anew from what the program prints: docs/pictures/weigh.svg and comment.png.
# Needs the substitute base images (`scripts/bases.sh`).
#
#   scripts/pictures.sh
#
# TONNAGE=FILE takes another `tonnage` than the one that is built here.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need python3 chromium docker=docker.io /usr/lib/python3*/ensurepip=python3-venv
tonnage=$(realpath "${TONNAGE:-$root/target/release/tonnage}")
[ -x "$tonnage" ] || die "\`$tonnage\` is missing" "\`cargo build --release\`"
work=$(mktemp -d)
image=tonnage-picture:$$
trap 'docker image rm "$image" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
venv=$cache/pictures
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check markdown==3.10

say "weigh.svg"
{
    echo '$ tonnage weigh tonnage-standin/python:3.9'
    COLUMNS=120 "$tonnage" weigh tonnage-standin/python:3.9 | head -n 16
} >"$work/weigh.txt"
python3 - "$work/weigh.txt" "$root/docs/pictures/weigh.svg" <<'PYTHON'
import html, sys

source, target = sys.argv[1:]
lines = open(source, encoding="utf-8").read().rstrip("\n").split("\n")
width, height = 20 + 8 * max(map(len, lines)), 24 + 18 * len(lines)
with open(target, "w", encoding="utf-8") as svg:
    svg.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" ')
    svg.write('role="img" font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="13">\n')
    svg.write(f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>\n')
    for number, line in enumerate(lines):
        # Blanks that neither browsers nor librsvg put together.
        shown = html.escape(line, quote=False).replace(" ", "\u00a0")
        weight = ' font-weight="bold"' if number < 2 else ""
        svg.write(f'<text x="10" y="{26 + 18 * number}" fill="#e6edf3"{weight} xml:space="preserve">{shown}</text>\n')
    svg.write("</svg>\n")
PYTHON

say "comment.png"
mkdir "$work/wheels"
"$venv/bin/pip" download --quiet --disable-pip-version-check --only-binary :all: --no-deps --dest "$work/wheels" requests==2.26.0
DOCKER_BUILDKIT=0 docker build --quiet --tag "$image" --file - "$work" >/dev/null <<'DOCKERFILE'
FROM tonnage-standin/python:3.9-slim
LABEL org.opencontainers.image.title=tonnage-picture
COPY wheels /tmp/wheels
RUN pip install --no-cache-dir --no-deps --no-index /tmp/wheels/*.whl
DOCKERFILE
cd "$work"
printf '[budget]\nsize = "+500 kB"\n' >tonnage.toml
"$tonnage" weigh --format json app=tonnage-standin/python:3.9-slim >before.json
"$tonnage" baseline accept before.json --baseline before-baseline.json --reason "first baseline" >/dev/null
"$tonnage" weigh --format json app="$image" >after.json
"$tonnage" check after.json --baseline before-baseline.json --suite . --format markdown >comment.md || [ $? = 1 ]
"$venv/bin/python" - <<'PYTHON'
import markdown

style = (
    "body{font:14px/1.5 -apple-system,'Segoe UI','Liberation Sans',sans-serif;color:#1f2328;margin:0;padding:16px 20px;"
    "border:1px solid #d1d9e0;width:820px}"
    "table{border-collapse:collapse;margin:8px 0}td,th{border:1px solid #d1d9e0;padding:4px 10px}"
    "code,pre{font:12px 'DejaVu Sans Mono',monospace;background:#f0f1f2;border-radius:4px;padding:1px 4px}"
    "pre{padding:8px;overflow:hidden}pre code{padding:0}"
)
text = open("comment.md", encoding="utf-8").read()
body = markdown.markdown(text, extensions=["tables", "fenced_code", "md_in_html"])
page = f"<!doctype html><meta charset=utf-8><style>{style}</style><body>{body}"
open("comment.html", "w", encoding="utf-8").write(page)
PYTHON
chromium --headless --no-sandbox --hide-scrollbars --window-size=864,420 --screenshot="$work/comment.png" \
    "file://$work/comment.html" >/dev/null 2>&1
install -m 644 comment.png "$root/docs/pictures/comment.png"
say "docs/pictures is new: look at it"
