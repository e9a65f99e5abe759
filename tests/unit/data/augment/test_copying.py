"""An augmented copy: whole, audited, resumable, and refused where it is not told what it needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.data.augment.copying import augmented_copy
from loopyard.data.augment.recipe import Augmenter, Recipe
from loopyard.data.augment.sheet import DPI, SHOWN, draw_sheet
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset
from loopyard.surface.cli import main

MIRROR = Recipe(mirror=True, lateral=("steering",))
SLOW = Recipe(speed=0.5, velocity=("steering",))
TURNED: dict[str, Any] = {
    "perturb_deg": 5,
    "steering": "steering",
    "steering_radps": 2.0,
    "heading": ("x",),
    "fov_deg": {"ego": 60},
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def test_a_mirrored_copy(dataset: Dataset, tmp_path: Path) -> None:
    copy = augmented_copy(dataset, tmp_path / "copy", MIRROR)
    assert copy.num_frames == dataset.num_frames
    assert np.array_equal(copy.column("action")[:, 0], -dataset.column("action")[:, 0])
    assert np.array_equal(copy.column("action")[:, 1], dataset.column("action")[:, 1])
    assert np.array_equal(copy.column("observation.state"), dataset.column("observation.state"))
    shown, recorded = copy.decode("ego", 1), dataset.decode("ego", 1)
    assert np.abs(shown.astype(int) - recorded[:, :, ::-1]).mean() < 2  # encoded twice
    assert [entry.seed for entry in copy.episodes] == [entry.seed for entry in dataset.episodes]
    assert copy.own is not None
    facts = copy.own["lineage"]["augmentation"]
    assert facts["source_digest"] == dataset.digest
    assert facts["recipe"]["lateral"] == ["steering"]


def test_a_slower_copy_tells_its_length(dataset: Dataset, tmp_path: Path) -> None:
    copy = augmented_copy(dataset, tmp_path / "copy", SLOW)
    assert [entry.length for entry in copy.episodes] == [2 * e.length for e in dataset.episodes]
    outcome = copy.episodes[0].outcome
    assert outcome is not None
    assert (outcome.steps, outcome.seconds) == (24, 2.4)
    total = [part.column("action")[:, 0].sum() for part in (copy, dataset)]
    assert total[0] == pytest.approx(total[1], abs=1e-4)
    shown, recorded = copy.decode("ego", 0), dataset.decode("ego", 0)
    assert np.abs(shown[10].astype(int) - recorded[5]).mean() < 2


def test_a_copy_goes_on_where_it_stopped(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "copy"

    def stop(episode: int) -> None:
        if episode == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        augmented_copy(dataset, out, MIRROR, stop)
    copy = augmented_copy(dataset, out, MIRROR)
    assert copy.digest == augmented_copy(dataset, tmp_path / "again", MIRROR).digest
    with pytest.raises(DatasetError, match="of another making"):
        augmented_copy(dataset, out, SLOW)


def test_chunks_of_labels_are_mirrored_and_not_retimed(spec, record, tmp_path: Path) -> None:
    builder = DatasetBuilder(tmp_path / "chunks", spec, chunk_size=3)
    record(builder, 0, chunk_every=4)
    recorded = builder.seal()
    copy = augmented_copy(recorded, tmp_path / "copy", MIRROR)
    signs = np.array([-1, 1])
    assert np.array_equal(copy.column("expert_chunk"), recorded.column("expert_chunk") * signs)
    with pytest.raises(ConfigError, match="labels that are chunks of their own"):
        augmented_copy(recorded, tmp_path / "slow", SLOW)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({}, "changes: found 'none'"),
        ({"mirror": True}, "lateral: found 'nothing', expected channels of"),
        ({"mirror": True, "lateral": ("yaw",)}, "lateral: found 'yaw', expected one of"),
        ({"speed": 0.5}, "velocity: found 'nothing'"),
        ({**TURNED, "steering": "throttle"}, "steering: found 'throttle'"),
        ({**TURNED, "steering_radps": 0.0}, "steering_radps: found 0.0"),
        ({**TURNED, "heading": ()}, "heading: found ()"),
        ({**TURNED, "heading": ("yaw",)}, "heading: found 'yaw'"),
        ({**TURNED, "fov_deg": {}}, "fov_deg of camera ego: found 0.0"),
    ],
)
def test_what_is_not_told_is_not_guessed(spec, recipe: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Augmenter(Recipe(**recipe), spec, chunks=False)
    assert message in str(caught.value)


def test_the_sheet_shows_every_change(dataset: Dataset, tmp_path: Path) -> None:
    """A row for each of the images' changes, and for each of the recipe's, with its labels."""
    from PIL import Image

    recipe = Recipe(warp=0.5, velocity=("none",), **TURNED)
    draw_sheet(dataset, tmp_path / "sheet.png", recipe=recipe)
    with Image.open(tmp_path / "sheet.png") as sheet:
        rows = 1 + len(SHOWN) + 2
        assert sheet.height == pytest.approx(DPI * (1.3 * rows + 1.3 * 2 + 0.8), abs=2)


def test_the_command(dataset: Dataset, tmp_path: Path, capsys) -> None:
    out, sheet = tmp_path / "copy", tmp_path / "sheet.png"
    args = ["augment", str(dataset.root), str(out), "--sheet", str(sheet), "--mirror", "--json"]
    assert main([*args, "--lateral", "steering"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["episodes"], answer["instructions"]) == (4, ["push the box"])
    assert sheet.exists()
    assert main(["augment", str(dataset.root)]) == 2
    assert "OUT, --sheet: found 'neither'" in capsys.readouterr().err
