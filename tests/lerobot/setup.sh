#!/bin/sh
# Makes .venv-lerobot: LeRobot as it is published, with Loopyard in the same environment.
#
#   sh tests/lerobot/setup.sh
#
# Exit code 75 where it cannot be made here: the reason is printed, and what was begun is removed.
# LeRobot is of several GB, most of it CUDA; a package index with CPU builds of torch, named to pip
# by PIP_EXTRA_INDEX_URL, spares them.
set -eu
cd "$(dirname "$0")/../.."

PYTHON=${PYTHON:-python3}
ENVIRONMENT=.venv-lerobot
NEEDED_GB=14 # 8.6 in the end, and what pip unpacks meanwhile
HERE=tests/lerobot

cannot() {
    printf 'test-lerobot: not run: %s\n' "$*" >&2
    exit 75
}

if [ -e "$ENVIRONMENT/.ready" ] && [ "$ENVIRONMENT/.ready" -nt $HERE/constraints.txt ] &&
    [ "$ENVIRONMENT/.ready" -nt pyproject.toml ]; then
    exit 0
fi
"$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null ||
    cannot "Python 3.11 is needed for LeRobot 0.4.4, '$PYTHON' is $("$PYTHON" -V 2>&1);
    name one, for example: make PYTHON=python3.11 test-lerobot"
begun=
if [ ! -x $ENVIRONMENT/bin/python ]; then
    free_gb=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free_gb" -ge $NEEDED_GB ] || cannot "$free_gb GB of disk are free, $NEEDED_GB are needed"
    echo "test-lerobot: making $ENVIRONMENT (9 GB, several minutes)"
    begun=yes
    "$PYTHON" -m venv --clear $ENVIRONMENT || cannot "no virtual environment can be made"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! $ENVIRONMENT/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
    -c $HERE/constraints.txt -e '.[lerobot]' 'lerobot[smolvla]' pytest >"$log" 2>&1; then
    [ -z "$begun" ] || rm -rf $ENVIRONMENT
    cannot "pip could not install it: $(grep -i error "$log" | tail -n 3)"
fi
touch $ENVIRONMENT/.ready
