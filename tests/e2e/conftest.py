"""The real command, in a folder of its own, and worlds that are quick enough for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

COMMAND = Path(sys.executable).with_name("loopyard")
TOY = Path(__file__).parents[1] / "toy/reach_world.py"
LIMIT_S = 600.0
"""Far more than any command takes, on a machine that has other things to do."""


class Shell:
    """Types ``loopyard ...`` in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(TOY, folder)
        self._started: list[subprocess.Popen[str]] = []

    def run(self, *args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        process = self.start(*args, **environment)
        out, err = process.communicate(timeout=LIMIT_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def answer(self, *args: str | Path, code: int = 0) -> dict[str, Any]:
        """What a command answers with ``--json``."""
        done = self.run(*args, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def start(self, *args: str | Path, **environment: str) -> subprocess.Popen[str]:
        """A command in a process group of its own, as a terminal starts it."""
        process = subprocess.Popen(
            [str(COMMAND), *map(str, args)],
            cwd=self.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def stop(
        self, process: subprocess.Popen[str], signum: int, when: Callable[[], bool]
    ) -> subprocess.CompletedProcess[str]:
        """Wait until ``when()``, then send the signal: SIGKILL to the command alone, any other to
        its whole group, as Ctrl-C does."""
        deadline = time.monotonic() + LIMIT_S
        while not when():
            assert process.poll() is None, f"ended before: {process.communicate()}"
            assert time.monotonic() < deadline, "what it waited for did not come"
            time.sleep(0.02)
        if signum == signal.SIGKILL:
            process.kill()
        else:
            os.killpg(process.pid, signum)
        out, err = process.communicate(timeout=LIMIT_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def campaign(self, name: str = "trial", **settings: Any) -> Path:
        """A small campaign's file."""
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**SMALL, **settings}))
        return path

    def begun(self, run: Path, step: str) -> bool:
        """Whether a campaign has begun a step."""
        return step in _events(run, "step_begun")

    def finished(self, run: Path) -> list[str]:
        """The steps a campaign has finished, in order; one done twice stands there twice."""
        return _events(run, "step_done")

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


SMALL: dict[str, Any] = {
    "world": "reach_world:ReachWorld",
    "preset": "",
    "budget_minutes": 0.6,
    "train_shares": [1, 1],
    "n_action_steps": 2,
    "workers": 2,
    "videos": 2,
    "generate": {"episodes": 24},
    "dagger": {"rollouts": 10},
    "select": {"n": 4},
    "gate": {"n": 6, "target": 0.5, "floor": 0.1},
    "train": {
        **{"batch_size": 32, "lr": 0.003, "warmup_steps": 5, "ema_decay": 0.9},
        **{"checkpoint_every": 50, "log_every": 5},
    },
}
"""A campaign of seconds whose policy does learn its task."""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in a folder of its own."""
    made = Shell(tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="session")
def new_shell() -> Iterator[Callable[[Path], Shell]]:
    """Makes a shell in a given folder, for tests that share what one command made."""
    made: list[Shell] = []

    def make(folder: Path) -> Shell:
        made.append(Shell(folder))
        return made[-1]

    yield make
    for each in made:
        each.end()


def _events(run: Path, kind: str) -> list[str]:
    path = run / "events.sqlite"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as log:
        try:
            rows = log.execute("SELECT data FROM events WHERE kind = ? ORDER BY seq", (kind,))
            return [json.loads(data)["step"] for (data,) in rows]
        except sqlite3.OperationalError:  # it is being made at this moment
            return []
