#!/bin/sh
# Makes an environment that holds the pinned uv, from nothing but a Python: bootstrap.sh PYTHON FOLDER UV_VERSION
#
# Debian splits venv out of python3, so `python3 -m venv` can fail on a machine that has Python. Then, in this order:
# a venv without pip filled by the system's pip; Debian's python3-venv when we are root; a message that names the fix.
# A half-made folder is cleared first: through its links pip would write into the system's Python.
set -eu

python=$1 folder=$2 uv_version=$3
log=$folder.log

say() { echo "bootstrap: $*" >&2; }

if ! command -v "$python" >/dev/null 2>&1; then
    say "there is no '$python' here; install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3"
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "$("$python" --version 2>&1) is too old; Python 3.11 or newer is needed: make PYTHON=/path/to/python3"
    exit 1
fi

installed() { [ -x "$folder/bin/uv" ] && [ "$("$folder/bin/uv" --version | cut -d' ' -f2)" = "$uv_version" ]; }

with_own_pip() {
    { [ -x "$folder/bin/pip" ] || "$python" -m venv "$folder"; } &&
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
}

with_the_system_pip() {
    "$python" -m venv --clear --without-pip "$folder" &&
        "$python" -m pip --python "$folder/bin/python" install --quiet --disable-pip-version-check "uv==$uv_version"
}

with_debian_packages() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 &&
        apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-upgrade --no-install-recommends python3-venv &&
        "$python" -m venv --clear "$folder" &&
        with_own_pip
}

for way in with_own_pip with_the_system_pip with_debian_packages; do
    if installed; then break; fi
    say "$way: uv $uv_version into $folder"
    $way >>"$log" 2>&1 </dev/null || true
done
if installed; then
    rm -f "$log"
    exit 0
fi

cat "$log" >&2
say "could not make $folder; on Debian or Ubuntu: sudo apt-get install python3-venv, then run make again"
exit 1
