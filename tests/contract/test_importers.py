"""What every importer keeps, whatever the form. A maker a form writes a small recording of it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.audit import audit
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.data.episode import EpisodeRow
from loopyard.data.importers import Importer, Transform, import_recordings, make_importer
from loopyard.data.importers.registry import BUILT_IN, sniffed
from loopyard.executors.local import LocalExecutor
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

TOYS = Path(__file__).parents[1] / "toy"


@dataclass(frozen=True)
class Form:
    """A form of recordings. maker: ``module:function`` in tests/toy, which writes EPISODES of them
    into a folder. big: a file of the first episode, which is cut in half to damage it."""

    name: str
    maker: str
    big: str
    params: dict[str, Any] = field(default_factory=dict)
    test_id: str = ""


FORMS = [
    Form("act", "hdf5_recordings:write_act", "episode_0.hdf5"),
    Form("act", "hdf5_recordings:write_act_jpeg", "episode_0.hdf5", test_id="act-jpeg"),
    Form("robomimic", "hdf5_recordings:write_robomimic", "image.hdf5"),
    Form("mobile-vla", "hdf5_recordings:write_mobile_vla", "*1400*.h5"),
    Form("bags", "bag_recordings:write_ros1", "drive_0.bag", test_id="ros1"),
    Form("bags", "bag_recordings:write_sqlite3", "drive_0/*.db3", test_id="ros2-sqlite3"),
    Form("bags", "bag_recordings:write_mcap", "drive_0/*.mcap", test_id="ros2-mcap"),
    Form("bags", "bag_recordings:write_plain_mcap", "drive_0.mcap", test_id="plain-mcap"),
    Form("lerobot", "lerobot_recordings:write_v21", "data/*/*_000000.parquet", test_id="v21"),
    Form(
        "lerobot",
        "lerobot_recordings:write_v21_pictures",
        "data/*/*_000000.parquet",
        test_id="v21-pictures",
    ),
    Form("lerobot", "lerobot_recordings:write_v30", "videos/*/*/*.mp4", test_id="v30-av1"),
    Form("raw", "raw_recordings:write_raw", "run_0/ego.mp4"),
]
EPISODES = 2

every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.test_id or form.name)


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch) -> Callable[[Form, Path], Path]:
    def make(form: Form, folder: Path) -> Path:
        module, _, function = form.maker.partition(":")
        monkeypatch.syspath_prepend(str(TOYS))
        getattr(importlib.import_module(module), function)(folder, EPISODES)
        sys.modules.pop(module)
        return folder

    return make


@pytest.fixture
def source(form: Form, write: Callable[[Form, Path], Path], tmp_path: Path) -> Path:
    return write(form, tmp_path / "source")


def importer_of(form: Form, source: Path) -> Importer:
    return make_importer(form.name, source, form.params)


def imported(form: Form, source: Path, out: Path, **options: Any) -> Dataset:
    made = import_recordings(
        form.name, source, out, LocalExecutor(0), params=form.params, **options
    )
    return made.dataset


def test_every_form_has_a_maker() -> None:
    assert {form.name for form in FORMS} == set(BUILT_IN)


@every_form
def test_the_listing_is_always_the_same(form: Form, source: Path) -> None:
    refs = importer_of(form, source).episodes()
    assert refs == importer_of(form, source).episodes()
    names = [ref.name for ref in refs]
    assert len(set(names)) == len(refs) == EPISODES
    for ref in refs:
        assert source in ref.path.parents or ref.path == source


@every_form
def test_frames_are_as_the_spec_says(form: Form, source: Path) -> None:
    importer = importer_of(form, source)
    specs = []
    for ref in importer.episodes():
        recording = importer.open(ref)
        specs.append(recording.spec)
        sizes = {part.name: (part.height, part.width, 3) for part in recording.spec.cameras}
        times = []
        for frame in recording.frames:
            times.append(frame.time_s)
            assert {name: image.shape for name, image in frame.images.items()} == sizes
            assert all(image.dtype == np.uint8 for image in frame.images.values())
            assert frame.state.shape == (recording.spec.state.size,)
            assert frame.action.shape == (recording.spec.action.size,)
            assert frame.state.dtype == frame.action.dtype == np.float32
        assert len(times) > 5
        assert np.all(np.diff(times) > 0)
    assert specs[1:] == specs[:-1]


@every_form
def test_frames_are_not_read_ahead(form: Form, source: Path) -> None:
    """Closing an iterator early is enough, and two may be read at once."""
    importer = importer_of(form, source)
    ref = importer.episodes()[0]
    first, second = importer.open(ref), importer.open(ref)
    one, other = next(first.frames), next(second.frames)
    assert np.array_equal(one.state, other.state)
    first.frames.close()
    assert next(second.frames).time_s > other.time_s
    second.frames.close()


@every_form
def test_a_stopped_import_goes_on_and_gives_exact_numbers(
    form: Form, source: Path, tmp_path: Path
) -> None:
    done: list[int] = []

    def stop(row: EpisodeRow) -> None:
        done.append(row.slot)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        imported(form, source, tmp_path / "out", on_episode=stop)
    with pytest.raises(DatasetError):
        open_dataset(tmp_path / "out")
    dataset = imported(form, source, tmp_path / "out", on_episode=lambda row: done.append(row.slot))
    assert done == list(range(EPISODES))
    assert imported(form, source, tmp_path / "out", on_episode=stop).digest == dataset.digest
    _require_same(form, source, dataset)
    failed = [
        check.name
        for check in audit(dataset.root).checks
        if check.verdict == "fail" and check.part == "integrity" and not _of_toys(check.name)
    ]
    assert failed == []


def _require_same(form: Form, source: Path, dataset: Dataset) -> None:
    importer = importer_of(form, source)
    frames = [frame for ref in importer.episodes() for frame in importer.open(ref).frames]
    assert (dataset.num_episodes, dataset.num_frames) == (EPISODES, len(frames))
    assert np.array_equal(dataset.column(STATE_KEY), np.stack([f.state for f in frames]))
    assert np.array_equal(dataset.column(ACTION_KEY), np.stack([f.action for f in frames]))
    for camera in dataset.spec.cameras:
        wanted = np.stack([frame.images[camera.name] for frame in frames])
        found = np.concatenate([dataset.decode(camera.name, e) for e in range(EPISODES)])
        assert psnr_db(wanted, found) > 38
    assert dataset.own is not None
    assert dataset.own["lineage"]["format"] == form.name
    assert all(entry.meta["name"] for entry in dataset.episodes)


def _of_toys(name: str) -> bool:
    """Checks that a toy of 12 frames cannot pass."""
    return name.startswith(("episodes", "range: action", "variance", "length"))


def psnr_db(wanted: np.ndarray, found: np.ndarray) -> float:
    error = np.mean((wanted.astype(np.float64) - found) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def test_workers_give_the_same_bytes(write, tmp_path: Path) -> None:
    form = FORMS[0]
    source = write(form, tmp_path / "source")
    here = imported(form, source, tmp_path / "here")
    made = import_recordings(form.name, source, tmp_path / "there", LocalExecutor(2))
    assert made.dataset.digest == here.digest


KILLED = """
import os, signal, sys
from pathlib import Path
from loopyard.data.importers import import_recordings
from loopyard.executors.local import LocalExecutor
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train
form, source, out = sys.argv[1:]
def kill(row):
    os.kill(os.getpid(), signal.SIGKILL)
import_recordings(form, Path(source), Path(out), LocalExecutor(0), on_episode=kill)
"""


def test_a_killed_import_goes_on(write, tmp_path: Path) -> None:
    form = FORMS[0]
    source = write(form, tmp_path / "source")
    args = [sys.executable, "-c", KILLED, form.name, str(source), str(tmp_path / "out")]
    assert subprocess.run(args, check=False).returncode == -9
    with pytest.raises(DatasetError):
        open_dataset(tmp_path / "out")
    left: list[int] = []
    dataset = imported(form, source, tmp_path / "out", on_episode=lambda row: left.append(row.slot))
    assert left == [1]
    assert dataset.num_episodes == EPISODES


@every_form
def test_a_truncated_recording_is_named(form: Form, source: Path, tmp_path: Path) -> None:
    (path,) = source.glob(form.big)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DatasetError, match=path.name.replace(".", r"\.")):
        imported(form, source, tmp_path / "out")
    with pytest.raises(DatasetError):
        open_dataset(tmp_path / "out")


@every_form
def test_a_folder_without_recordings_is_refused(form: Form, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "notes.txt").write_text("nothing here")
    with pytest.raises(DatasetError, match="source"):
        imported(form, tmp_path / "source", tmp_path / "out")
    with pytest.raises(DatasetError, match="nowhere"):
        imported(form, tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@every_form
def test_a_link_out_of_the_source_is_refused(form: Form, source: Path, tmp_path: Path) -> None:
    (path,) = source.glob(form.big)
    path.rename(tmp_path / "secret")
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(DatasetError, match=r"link|inside|within"):
        imported(form, source, tmp_path / "out")


@every_form
def test_the_form_is_found_out(form: Form, source: Path) -> None:
    assert sniffed(source, form.params) == form.name


@every_form
def test_a_parameter_that_is_not_there_is_refused(form: Form, source: Path) -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        make_importer(form.name, source, {"nonsense": 1})


@every_form
def test_skipping_and_resizing_and_another_rate(form: Form, source: Path, tmp_path: Path) -> None:
    importer = importer_of(form, source)
    frames = list(importer.open(importer.episodes()[0]).frames)[2:]
    transform = Transform(skip=2, fps=5, crop=(20, 16, None, None), resize=(10, 8))
    dataset = imported(form, source, tmp_path / "out", transform=transform)
    assert dataset.fps == 5
    camera = dataset.spec.cameras[0]
    assert (camera.width, camera.height) == (10, 8)
    seconds = frames[-1].time_s - frames[0].time_s
    assert dataset.episodes[0].length == int(seconds * 5 + 1e-6) + 1
    assert np.array_equal(dataset.column(ACTION_KEY)[0], frames[0].action)
    assert np.array_equal(dataset.column(STATE_KEY)[0], frames[0].state)
    assert dataset.own is not None
    assert dataset.own["lineage"]["transform"]["skip"] == 2
    outcome = dataset.episodes[0].outcome
    assert outcome is not None
    assert outcome.steps == dataset.episodes[0].length


def test_an_importer_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(TOYS))
    (tmp_path / "source").mkdir()
    for episode in range(2):
        (tmp_path / "source" / f"{episode}.csv").write_text("0.1,0.2\n0.3,0.4\n")
    try:
        made = import_recordings(
            "own_importer:CsvImporter", tmp_path / "source", tmp_path / "out", LocalExecutor(0)
        )
    finally:
        sys.modules.pop("own_importer", None)
    assert made.dataset.column(ACTION_KEY)[:, 0].tolist() == pytest.approx([0.2, 0.4] * 2)
    with pytest.raises(ConfigError, match="found no Params"):
        make_importer("pathlib:Path", tmp_path)


@pytest.mark.slow
def test_an_imported_dataset_trains(write, tmp_path: Path) -> None:
    source = write(FORMS[0], tmp_path / "source")
    transform = Transform(resize=(32, 24), fps=25)
    imported(FORMS[0], source, tmp_path / "data", transform=transform)
    small = {"widths": [4, 8, 4], "vision": 16, "state": 8, "hidden": 16}
    config = TrainConfig(
        steps=2,
        batch_size=8,
        warmup_steps=1,
        policy_options=small,
        chunk_size=4,
        n_action_steps=2,
        threads=1,
        allow_failed_audit=True,
    )
    train(config, [tmp_path / "data"], tmp_path / "checkpoints")
    assert (tmp_path / "checkpoints" / "last").is_dir()
