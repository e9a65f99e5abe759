"""The shell of the command line: which command, which options, which exit code."""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

import pytest

from loopyard.core.errors import ConfigError, Interrupted, LoopyardError, NoSpaceError
from loopyard.surface import cli

PROBE = '''
"""Raise what is asked for.

Example: loopyard probe raw --error config
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from loopyard.surface.console import Console

ERRORS = {}


@dataclass(frozen=True)
class Options:
    error: str = ""
    """Which one."""
    code: int = 0
    """What to return."""


def run(options: Options, console: Console) -> int:
    if options.error == "sleep":
        print("sleeping", flush=True)
        time.sleep(60)
    if options.error:
        raise ERRORS[options.error]
    console.result({"code": options.code}, f"code {options.code}")
    return options.code
'''


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A command ``probe raw`` whose module lies outside of the package."""
    (tmp_path / "probe_command.py").write_text(PROBE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(cli, "_load", lambda name: importlib.import_module("probe_command"))
    monkeypatch.setitem(cli.COMMANDS, "probe raw", ("probe_command", "a probe"))
    yield importlib.import_module("probe_command")
    del sys.modules["probe_command"]


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(args) == 0
    out = capsys.readouterr().out
    assert all(f"  {name}" in out for name in cli.COMMANDS)
    assert max(map(len, out.splitlines())) <= 100


def test_help_is_there_within_300_ms() -> None:
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "loopyard.surface.cli", "--help"],
            check=True,
            capture_output=True,
        )
        seconds.append(time.monotonic() - start)
    assert min(seconds) < 0.3


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "loopyard 0.1.0\n"


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_has_options_and_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module = cli._load(name)
    assert is_dataclass(module.Options)
    assert callable(module.run)
    assert cli.main([*name.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert f"loopyard {name}" in out
    assert "Example:" in out
    assert "--json" in out
    for field in fields(module.Options):
        if "Positional" not in str(field.type):
            assert f"--{field.name.replace('_', '-')}" in out


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["trian"], "unknown command 'trian'; did you mean 'train'?"),
        (["exprot", "raw"], "did you mean 'export'?"),
        (["qqq"], "see 'loopyard --help'"),
        (["--json"], "unknown command '--json'"),
    ],
)
def test_an_unknown_command_names_the_nearest(
    args: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(args) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code"), [(["scenarios"], 2), (["scenarios", "x"], 2), (["scenarios", "--help"], 0)]
)
def test_the_first_of_two_words_lists_the_second(
    args: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(args) == code
    captured = capsys.readouterr()
    assert "loopyard scenarios list" in (captured.err if code else captured.out)


@pytest.mark.parametrize("code", [0, 1])
def test_a_command_returns_its_code(
    probe: ModuleType, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["probe", "raw", "--code", str(code)]) == code
    assert capsys.readouterr().out == f"code {code}\n"


def test_json_is_accepted_anywhere(probe: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["probe", "raw", "--json", "--code", "1"]) == 1
    assert json.loads(capsys.readouterr().out) == {"code": 1}


@pytest.mark.parametrize("args", [["--eror", "x"], ["--code", "many"], ["extra"]])
def test_wrong_options_end_with_2_and_a_hint(
    probe: ModuleType, args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["probe", "raw", *args]) == 2
    assert "--help" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (LoopyardError("base"), 2, "error: base\n"),
        (ConfigError("a.yaml: seed: found 'x'"), 2, "error: a.yaml: seed: found 'x'\n"),
        (Interrupted("stopped at step 5"), 3, "error: stopped at step 5\n"),
        (NoSpaceError("runs: 1 GiB free"), 3, "error: runs: 1 GiB free\n"),
        (KeyboardInterrupt(), 3, "interrupted; run the same command again to go on\n"),
    ],
)
def test_errors_end_without_a_traceback(
    probe: ModuleType,
    error: BaseException,
    code: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    probe.ERRORS["it"] = error
    assert cli.main(["probe", "raw", "--error", "it"]) == code
    captured = capsys.readouterr()
    assert captured.err.lstrip("\n") == text
    assert captured.out == ""


def test_a_full_disk_is_resumable_wherever_it_shows(
    probe: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.ERRORS["it"] = OSError(errno.ENOSPC, "No space left on device", "/runs/x")
    assert cli.main(["probe", "raw", "--error", "it"]) == 3
    err = capsys.readouterr().err
    assert err == "error: the disk is full: [Errno 28] No space left on device: '/runs/x'\n"


def test_a_bug_shows_its_traceback_and_its_own_code(
    probe: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.ERRORS["it"] = ZeroDivisionError("oops")
    assert cli.main(["probe", "raw", "--error", "it"]) == 70
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "ZeroDivisionError: oops" in err


def test_json_tells_errors_as_an_object_too(
    probe: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.ERRORS["it"] = ConfigError("a.yaml: seed")
    assert cli.main(["probe", "raw", "--error", "it", "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"error": {"type": "ConfigError", "message": "a.yaml: seed"}}


RUN_PROBE = """
import importlib, sys
from loopyard.surface import cli
sys.path.insert(0, sys.argv[1])
cli.COMMANDS["probe"] = ("probe_command", "")
cli._load = lambda name: importlib.import_module("probe_command")
sys.exit(cli.main(["probe", *sys.argv[2:]]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_with_3(probe: ModuleType, tmp_path: Path, number: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", RUN_PROBE, str(tmp_path), "--error", "sleep"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "sleeping\n"
    child.send_signal(number)
    _, err = child.communicate(timeout=10)
    assert child.returncode == 3
    assert err == "\ninterrupted; run the same command again to go on\n"


def test_a_reader_that_leaves_is_no_error(probe: ModuleType, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    child = subprocess.run(
        [sys.executable, "-c", RUN_PROBE, str(tmp_path)],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (child.returncode, child.stderr) == (141, "")


def test_the_working_folder_can_hold_a_world(
    probe: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(tmp_path)])
    assert cli.main(["probe", "raw"]) == 0
    assert sys.path[0] == str(tmp_path)


def test_a_command_gives_the_termination_signal_back(probe: ModuleType) -> None:
    before = signal.getsignal(signal.SIGTERM)
    cli.main(["probe", "raw"])
    assert signal.getsignal(signal.SIGTERM) is before
