"""loopyard scenarios search: what it says, and what wrong use is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.core.errors import ConfigError
from loopyard.executors import local
from loopyard.surface.cli import main
from loopyard.surface.commands.scenarios_search import ranges

TOY = Path(__file__).parents[3] / "toy"
RANGES = ("--vary", "a=0:1", "--vary", "b=0.0:1.0")


@pytest.fixture(autouse=True)
def toy_worlds_a_fast_disk_and_no_processes(monkeypatch):
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    here = lambda self, make, jobs: local._map_here(make, jobs)  # noqa: E731
    monkeypatch.setattr(local.LocalExecutor, "map", here)


def hunt(out: Path, *args: str) -> int:
    world = ("--world", "slope_world:SlopeWorld", "--params", "a", "0.2", "b", "0.2")
    cost = ("--rollouts", "32", "--scenes", "1", "--check", "4", "--workers", "1")
    return main(
        ["scenarios", "search", "--policy", "expert", *world, *cost, "--out", str(out), *args]
    )


def test_it_tells_what_it_found(tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    assert hunt(tmp_path / "hunt", *RANGES, "--mode-out", str(mine)) == 0
    said = capsys.readouterr().out
    assert "0 of 4 new scenes succeeded (Wilson 95 % 0.0% to 49.0%)" in said
    assert "4 of 4 new scenes succeeded" in said
    assert f"picture (a and b): {tmp_path / 'hunt/boundary.svg'}" in said
    assert f"failure mode FM-N01: {mine}" in said


def test_for_programs_and_where_nothing_fails(tmp_path, capsys):
    small = ("--vary", "a=0:0.3", "--vary", "b=0:0.3")
    assert hunt(tmp_path, *small, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["failures"], answer["worst"]["n"]) == (0, 4)
    assert hunt(tmp_path, *small) == 0  # from the records alone
    assert "no failure was found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--vary", "a=0:1"), "expected 2 to 8 parameters"),
        (("--vary", "a=1:0", "--vary", "b=0:1"), "a: found '1:0'"),
        (("--vary", "a=0-1", "--vary", "b=0:1"), "--vary: found 'a=0-1', expected NAME=LOW:HIGH"),
        ((*RANGES, "--vary", "a=0:2"), "expected a once"),
        (("--vary", "a=low:1", "--vary", "b=0:1"), "a: found 'low:1'"),
        ((*RANGES, "--rollouts", "31"), "--rollouts: found 31, expected at least 32"),
        ((*RANGES, "--preset", "starter", "--world", "yard"), "parameter: found 'a'"),
        ((*RANGES, "--policy", "runs/none"), "runs/none: policy: found 'nothing there'"),
    ],
)
def test_wrong_use_is_named(args, said, tmp_path, capsys):
    assert hunt(tmp_path, *args) == 2
    assert said in capsys.readouterr().err


def test_ranges_are_numbers_in_the_form_they_were_typed():
    found = ranges(["a=1:3", "b=0.5:1e1", "c=-2:-1"])
    assert found == {"a": (1, 3), "b": (0.5, 10.0), "c": (-2, -1)}
    assert [type(end) for end in found["a"]] == [int, int]
    with pytest.raises(ConfigError, match="expected NAME=LOW:HIGH"):
        ranges(["=1:2"])
