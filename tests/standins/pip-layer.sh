#!/usr/bin/env bash
# Makes the layer with pip, setuptools and wheel out of their wheels, without running anything in the image.
#
#   pip-layer.sh SITE_PACKAGES WHEELS_FOLDER LAYER.tar
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

site=$1 wheels=$2 layer=$3
need_python
work=$(scratch 100)
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work$site" "$work/usr/local/bin"
for wheel in "$wheels"/*.whl; do
    "$python" -m zipfile -e "$wheel" "$work$site"
done
version=${site#*/python}
for name in pip pip3 "pip${version%%/*}"; do
    cat >"$work/usr/local/bin/$name" <<'SCRIPT'
#!/usr/local/bin/python
import sys
from pip._internal.cli.main import main
sys.exit(main())
SCRIPT
    chmod 755 "$work/usr/local/bin/$name"
done
find "$work$site" -depth -type d \( -name test -o -name tests \) -exec rm -rf {} +
chmod -R go+rX "$work"
pack "$work" "$layer"
