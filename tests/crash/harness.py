"""Starts commands in processes that may be killed, on disks that may fail: see zygote.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Done:
    """How a command ended: -9 is a kill. said: what it printed, errors too."""

    code: int
    said: str


class Running:
    """A command that runs."""

    def __init__(self, zygote: Zygote, pid: int, out: Path) -> None:
        self._zygote, self.pid, self._out = zygote, pid, out

    def kill(self) -> None:
        """kill -9 of its whole process group."""
        os.killpg(self.pid, signal.SIGKILL)

    def alive(self) -> bool:
        """Whether it has not ended yet."""
        state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"

    def wait(self) -> Done:
        code = self._zygote.ask({"wait": self.pid})["code"]
        self._zygote.running.discard(self.pid)
        return Done(code, self._out.read_text(errors="replace"))


class Zygote:
    """The process of zygote.py."""

    def __init__(self, folder: Path, preload: Path | None = None) -> None:
        self.folder, self.running = folder, set[int]()
        self.faulty = preload is not None
        alone = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        preloaded = {} if preload is None else {"LD_PRELOAD": str(preload)}
        path = os.pathsep.join([str(HERE.parent / "toy"), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **alone, **preloaded, "PYTHONPATH": path},
        )
        self._answer()

    def start(
        self,
        *argv: object,
        cwd: Path,
        fault: tuple[Path, str, int, Path] | None = None,
        workers: bool = False,
        **env: str,
    ) -> Running:
        """Begin ``loopyard argv`` in a folder.

        fault: the folder whose operations fail, the kind, the nth, the file of labels (faulty.c).
        workers: in processes of their own.
        """
        out = self.folder / "out.txt"
        cwd.mkdir(parents=True, exist_ok=True)
        begin = {
            "argv": [str(word) for word in argv],
            "cwd": str(cwd),
            "out": str(out),
            "env": env,
            "workers": workers,
            "fault": None
            if fault is None
            else [str(f) if isinstance(f, Path) else f for f in fault],
        }
        pid = self.ask({"start": begin})["pid"]
        self.running.add(pid)
        return Running(self, pid, out)

    def run(self, *argv: object, cwd: Path, **more: Any) -> Done:
        """One command to its end."""
        return self.start(*argv, cwd=cwd, **more).wait()

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        for pid in self.running:
            os.killpg(pid, signal.SIGKILL)
        self._process.communicate()
