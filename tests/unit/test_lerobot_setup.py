"""`make test-lerobot` says why it cannot run, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "lerobot" / "setup.sh"
CANNOT = 75


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """As much of the project as the script looks at, and a folder of commands found first."""
    (tmp_path / "tests/lerobot").mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "tests/lerobot/setup.sh")
    (tmp_path / "tests/lerobot/constraints.txt").touch()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "bin").mkdir()
    command(tmp_path, "df", "printf 'Filesystem\\n/dev/x 1 1 99999999 1%% /\\n'")
    # A Python of the right version, whose environments have a pip that always fails.
    command(
        tmp_path,
        "python3",
        '[ "$1" = -m ] || exit 0\n'
        "for last; do :; done\n"
        'mkdir -p "$last/bin"\n'
        "printf '#!/bin/sh\\necho ERROR: no network; exit 1\\n' > \"$last/bin/python\"\n"
        'chmod +x "$last/bin/python"',
    )
    return tmp_path


def command(tree: Path, name: str, body: str) -> None:
    path = tree / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(tree: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{tree / 'bin'}:{os.environ['PATH']}"}
    script = str(tree / "tests/lerobot/setup.sh")
    return subprocess.run(["sh", script], env=env, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("python3", "exit 1", "Python 3.11 is needed"),
        ("df", "printf 'Filesystem\\n/dev/x 1 1 2097152 1%% /\\n'", "2 GB of disk are free"),
        ("true", "true", "pip could not install it: ERROR: no network"),
    ],
)
def test_what_is_missing_is_told(tree, name, body, reason):
    command(tree, name, body)
    done = run(tree)
    assert done.returncode == CANNOT, done.stderr
    assert f"test-lerobot: not run: {reason}" in done.stderr
    assert not (tree / ".venv-lerobot").exists()


def test_what_is_there_is_not_made_again(tree):
    (tree / ".venv-lerobot").mkdir()
    ready = tree / ".venv-lerobot/.ready"
    ready.touch()
    later = (tree / "pyproject.toml").stat().st_mtime + 10
    os.utime(ready, (later, later))
    command(tree, "python3", "exit 1")
    assert run(tree).returncode == 0
