"""import and export as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopyard.core.errors import ConfigError
from loopyard.data.dataset import open_dataset
from loopyard.surface.cli import main
from loopyard.surface.commands.export import chosen_episodes
from loopyard.surface.commands.import_ import Options, transform_of


def test_what_is_asked_for_is_done_and_told(
    toys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = toys.write_mobile_vla(tmp_path / "source"), tmp_path / "out"
    options = ["--fps", "5", "--skip", "2", "--crop", "40x40", "--resize", "20x20", "--workers"]
    params = ["--params", "actions", "[linear_x, linear_y]", "fps", "10", "--episodes", "0,2"]
    scale = ["--action-scale", "0:1.15,-1.15:1.15"]
    words = ["import", "mobile-vla", str(source), str(out), *options, "1", *scale, *params]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    dataset = open_dataset(out)
    assert (told["episodes"], told["new_episodes"], told["digest"]) == (2, 2, dataset.digest)
    assert (dataset.fps, dataset.spec.cameras[0].width) == (5, 20)
    assert dataset.column("action").min() >= -1
    assert dataset.column("action")[-1].tolist() == pytest.approx([1, 1], abs=0.3)
    assert [entry.meta["strata"]["evening"] for entry in dataset.episodes] == ["no", "yes"]
    assert dataset.own is not None
    lineage = dataset.own["lineage"]
    assert lineage["params"] == {"actions": ["linear_x", "linear_y"], "fps": 10}
    assert lineage["transform"] == {
        "skip": 2,
        "fps": 5,
        "actions": "hold",
        "crop": [40, 40, None, None],
        "resize": [20, 20],
        "action_scale": [[0.0, 1.15], [-1.15, 1.15]],
    }
    assert lineage["recorded"] == {"fps": 10, "cameras": {"ego": [64, 48]}}
    assert main(words) == 0  # again: nothing to do
    assert main([*words[:-1], "1"]) == 2  # other episodes into the same folder
    assert "another import" in capsys.readouterr().err


def test_a_damaged_file_is_one_line_and_exit_two(
    toys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = toys.act_file(tmp_path / "source" / "episode_0.hdf5")
    path.write_bytes(path.read_bytes()[:5000])
    words = ["import", "act", str(path.parent), str(tmp_path / "out"), "--workers", "1"]
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "episode_0.hdf5: HDF5: found" in err
    assert err.count("\n") == 1


def test_a_setting_that_did_not_fit_may_be_mended(toys, tmp_path: Path) -> None:
    source = toys.write_mobile_vla(tmp_path / "source", 1)
    words = ["import", "mobile-vla", str(source), str(tmp_path / "out"), "--workers", "1"]
    assert main([*words, "--action-scale", "0:1,-1:1,-1:1"]) == 2  # they reach 1.15
    assert main([*words, "--action-scale", "0:2,-2:2,-1:1"]) == 0


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ({"crop": "40"}, "--crop"),
        ({"crop": "40x40+1"}, "--crop"),
        ({"resize": "40x40+1+1"}, "--resize"),
        ({"action_scale": "0:1,2"}, "--action-scale"),
        ({"action_scale": "low:high"}, "--action-scale"),
        ({"fps": 0}, "--fps"),
        ({"skip": -1}, "--skip"),
    ],
)
def test_an_option_that_cannot_be_read_is_named(option: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        transform_of(Options("act", Path("a"), Path("b"), **option))


def test_episodes_are_chosen_by_range_or_number() -> None:
    assert chosen_episodes(None) is None
    assert chosen_episodes("2:5") == [2, 3, 4]
    assert chosen_episodes(":2") == [0, 1]
    assert chosen_episodes("8:", 10) == [8, 9]
    assert chosen_episodes("7,3") == [7, 3]
    for text in ("a", "1:2:3", "8:", ""):
        with pytest.raises(ConfigError, match="--episodes"):
            chosen_episodes(text)
