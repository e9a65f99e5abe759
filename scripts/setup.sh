#!/bin/sh
# Makes .venv with the pinned packages and sees to it that a camera can render.
#
#   sh scripts/setup.sh        what the package needs
#   sh scripts/setup.sh dev    and what its tests need
#
# PYTHON names the interpreter (python3). System packages are installed where this may be done
# without asking (root, or sudo without a password); elsewhere the command to type is printed.
set -eu
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
EXTRA=${1:-}
GL_PACKAGES="libegl1 libgl1 libgl1-mesa-dri"

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# install_packages WHY PACKAGE...: through apt, or the exact command and exit 1
install_packages() {
    why=$1
    shift
    command -v apt-get >/dev/null 2>&1 || fail "$why. Install what this system calls: $*"
    if [ "$(id -u)" = 0 ]; then
        as_root="env"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n env"
    else
        fail "$why. Type this and run the same command again:
    sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    fi
    echo "setup: $why; installing $*"
    $as_root apt-get update -qq || echo "setup: apt-get update failed; trying with the old lists"
    $as_root DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        fail "apt-get could not install: $*"
}

recent_enough() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ "$PYTHON" = python3 ] && ! recent_enough python3; then
    command -v python3 >/dev/null 2>&1 || install_packages "Python is missing" python3 python3-venv
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if recent_enough "$name"; then
            PYTHON=$name
            break
        fi
    done
fi
command -v "$PYTHON" >/dev/null 2>&1 || fail "there is no command '$PYTHON'"
recent_enough "$PYTHON" || fail "Python 3.11 or newer is needed, '$PYTHON' is $("$PYTHON" -V 2>&1).
    Name a newer one, for example: make PYTHON=python3.12"

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
        install_packages "this Python cannot make virtual environments" "python$version-venv"
    echo "setup: making .venv with Python $version"
    "$PYTHON" -m venv --clear .venv
fi

echo "setup: installing the packages of constraints.txt (the first time takes minutes)"
# Python compiles what it imports by itself; all of it now would double the time that this takes.
.venv/bin/python -m pip install -q --no-compile --disable-pip-version-check -c constraints.txt \
    -e ".${EXTRA:+[$EXTRA]}"

if ! why=$(.venv/bin/python -m loopyard.surface.graphics 2>&1); then
    install_packages "no camera can render here" $GL_PACKAGES
    why=$(.venv/bin/python -m loopyard.surface.graphics 2>&1) ||
        fail "the OpenGL libraries are installed, but a camera still cannot render:
$why"
fi

touch .venv/.ready
[ -z "$EXTRA" ] || touch ".venv/.ready-$EXTRA"
echo "setup: ready"
