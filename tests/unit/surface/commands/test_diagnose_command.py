"""loopyard diagnose: what it says, what it writes, and what wrong use is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.surface.cli import main

TOYS = Path(__file__).parents[3] / "toy"


@pytest.fixture
def folder(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOYS))
    world = ["--world", "signal_world:SignalWorld", "--workers", "1"]
    main(["evaluate", "--policy", "zero", "--n", "8", "--out", str(tmp_path), *world])
    capsys.readouterr()
    return tmp_path


def test_a_table_for_people_and_a_file_for_the_rest(folder, capsys):
    assert main(["diagnose", str(folder), "--pictures", "2"]) == 0
    said = capsys.readouterr().out
    assert "of 8 rollouts failed" in said
    assert "F1" in said
    assert "never reached the target" in said
    assert "ACTION_COLLAPSE" in said
    written = json.loads((folder / "diagnosis.json").read_text())
    failures = written["suites"]["gate"]["failures"]
    assert sum(failure["picture"] is not None for failure in failures) == 2
    assert len(list(folder.glob("diagnosis/gate/*.png"))) == 2


def test_json_says_the_same(folder, capsys):
    assert main(["diagnose", str(folder), "--json", "--suite", "gate"]) == 0
    answer = json.loads(capsys.readouterr().out)["diagnoses"][0]
    assert answer["file"] == str(folder / "diagnosis.json")
    assert answer["suites"]["gate"]["n"] == 8


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere"], "nowhere: folder: found 'nothing there', expected a folder of rollouts"),
        ([".", "--suite", "select"], "--suite: found 'select', expected a suite that was driven"),
    ],
)
def test_wrong_use_is_named(folder, args, message, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(["diagnose", *args]) == 2
    assert message in capsys.readouterr().err


def test_a_damaged_trace_is_named(folder, capsys):
    next(folder.glob("traces/*/*.npz")).write_bytes(b"no trace")
    assert main(["diagnose", str(folder)]) == 2
    assert "expected a trace of a rollout" in capsys.readouterr().err
