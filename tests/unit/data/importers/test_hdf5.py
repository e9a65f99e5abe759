"""HDF5 of others: what its numbers become, and what is refused by the name of file and field."""

from __future__ import annotations

import builtins
import json
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.data.importers import Recording, import_recordings, make_importer
from loopyard.data.importers.hdf5.images import Pictures
from loopyard.data.importers.importer import UNLIMITED
from loopyard.data.importers.transform import Transform
from loopyard.data.video import ONE_THREAD, decode_video
from loopyard.executors.local import LocalExecutor


def opened(name: str, source: Path, episode: int = 0, **params: Any) -> Recording:
    importer = make_importer(name, source, params)
    return importer.open(importer.episodes()[episode])


def test_act_names_alohas_joints_and_takes_the_vectors_asked_for(toys, tmp_path: Path) -> None:
    path = toys.act_file(tmp_path / "episode_0.hdf5", base_action=np.ones((12, 2)))
    spec = opened("act", tmp_path, state=["qpos", "qvel"], cameras=["wrist"], fps=30).spec
    assert spec.fps == 30
    assert spec.state.names[:2] == ["left_waist", "left_shoulder"]
    assert spec.state.names[14] == "qvel_left_waist"
    assert spec.action.names[-3:] == ["right_gripper", "base_linear", "base_angular"]
    assert spec.action.channels[0].high == UNLIMITED
    assert [camera.name for camera in spec.cameras] == ["wrist"]
    frame = next(opened("act", path, state=["qvel", "qpos"]).frames)
    assert np.array_equal(frame.state[14:], toys.numbers(0, 12, 14)[0])


def test_act_jpeg_is_the_picture_and_may_have_red_and_blue_swapped(toys, tmp_path: Path) -> None:
    toys.act_file(tmp_path / "episode_0.hdf5", compress=True)
    image = next(opened("act", tmp_path).frames).images["top"]
    wanted = toys.picture(0, 0)
    assert np.abs(image.astype(int) - wanted).mean() < 3
    swapped = next(opened("act", tmp_path, order="bgr").frames).images["top"]
    assert np.array_equal(swapped, image[..., ::-1])


def test_jpegs_are_recorded_without_being_made_rgb_unless_they_must(
    toys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.act_file(tmp_path / "in/episode_0.hdf5", compress=True)
    made: list[int] = []
    unpacked = Pictures._unpacked
    monkeypatch.setattr(
        Pictures, "_unpacked", lambda *args: made.append(args[2]) or unpacked(*args)
    )

    def recorded(name: str, **more: Any) -> np.ndarray:
        made.clear()
        source, out = tmp_path / "in", tmp_path / name
        import_recordings("act", source, out, LocalExecutor(0), **more)
        return next(iter(decode_video(next((out / "videos").rglob("*top*/*/*.mp4"))))).astype(int)

    direct = recorded("direct")
    if ONE_THREAD:
        assert set(made) == {0}  # the first, for its size
    swapped = recorded("swapped", params={"order": "bgr"})
    assert max(made) == 11
    assert np.abs(swapped[..., ::-1] - direct).mean() < 4
    height, width, _ = direct.shape
    cropped = recorded("cropped", transform=Transform(crop=(width - 2, height - 2, 0, 0)))
    assert max(made) == 11
    assert np.abs(cropped - direct[:-2, :-2]).mean() < 4


def test_a_jpeg_damaged_within_is_named_with_its_frame(toys, tmp_path: Path) -> None:
    files = [toys.jpeg(toys.picture(0, frame)) for frame in range(12)]
    files[5] = files[5][:2] + bytes(len(files[5]) - 4) + files[5][-2:]
    more = {"observations/images/top": toys.padded(files)}
    toys.act_file(tmp_path / "in/e.hdf5", compress=True, **more)
    with pytest.raises(DatasetError, match=r"images/top\[5\]"):
        import_recordings("act", tmp_path / "in", tmp_path / "out", LocalExecutor(0))


@pytest.mark.parametrize(
    "layout",
    [{}, {"chunks": 1}, {"chunks": 1, "compression": "gzip"}, {"chunks": 5}],
    ids=["in one piece", "a chunk a frame", "packed", "a chunk of five frames"],
)
def test_raw_pictures_are_the_same_however_they_lie(
    toys, tmp_path: Path, layout: dict[str, Any]
) -> None:
    pictures = np.stack([toys.picture(0, frame) for frame in range(12)])
    path = toys.act_file(tmp_path / "e.hdf5", **{"observations/images/top": None})
    if "chunks" in layout:
        layout = layout | {"chunks": (layout["chunks"], *pictures.shape[1:])}
    with h5py.File(path, "a") as file:
        file.create_dataset("observations/images/top", data=pictures, **layout)
    found = [frame.images["top"] for frame in opened("act", tmp_path).frames]
    assert np.array_equal(found, pictures)
    swapped = next(opened("act", tmp_path, order="bgr").frames).images["top"]
    assert np.array_equal(swapped, pictures[0, ..., ::-1])


def test_jpegs_may_be_kept_as_byte_strings(toys, tmp_path: Path) -> None:
    files = [toys.jpeg(toys.picture(0, frame)) for frame in range(12)]
    kinds = {
        "observations/images/top": np.array(files, dtype=np.bytes_),
        "observations/images/wrist": None,
    }
    path = toys.act_file(tmp_path / "episode_0.hdf5", **kinds)
    with h5py.File(path, "a") as file:
        flexible = file.create_dataset(
            "observations/images/wrist", (12,), h5py.vlen_dtype(np.uint8)
        )
        for frame, data in enumerate(files):
            flexible[frame] = np.frombuffer(data, np.uint8)
    frame = list(opened("act", tmp_path).frames)[3]
    assert np.array_equal(frame.images["top"], frame.images["wrist"])


def test_robomimic_takes_rate_task_success_and_masks(toys, tmp_path: Path) -> None:
    toys.write_robomimic(tmp_path)
    first, last = opened("robomimic", tmp_path), opened("robomimic", tmp_path, 2)
    assert (first.spec.fps, first.spec.task) == (20, "Lift")
    assert first.spec.state.names[:2] == ["robot0_eef_pos_0", "robot0_eef_pos_1"]
    assert first.spec.state.size == 5  # of the robot; the object is the simulator's truth
    assert (first.facts.success, last.facts.success) == (True, False)
    assert last.facts.meta["masks"] == ["valid"]
    only = make_importer("robomimic", tmp_path, {"mask": "train"}).episodes()
    assert [ref.name for ref in only] == ["demo_0", "demo_1"]
    assert opened("robomimic", tmp_path, state=["object"]).spec.state.size == 10


def test_mobile_vla_takes_strata_and_instruction_from_the_name(toys, tmp_path: Path) -> None:
    toys.write_mobile_vla(tmp_path)
    first, last = opened("mobile-vla", tmp_path), opened("mobile-vla", tmp_path, 2)
    assert first.facts.strata == {
        "boxes": "1",
        "orientation": "hori",
        "side": "left",
        "core": "core",
        "distance": "medium",
        "evening": "no",
    }
    assert last.facts.strata["evening"] == "yes"
    assert first.facts.task == "go round the obstacle on the left and reach the cup"
    frames = list(first.frames)
    assert [frame.phase for frame in frames[:2]] == ["episode_start", "start_action"]
    assert frames[-1].action.tolist() == pytest.approx([1.15, 1.15, 0])
    before = opened(
        "mobile-vla", tmp_path, state="previous_action", actions=["linear_x", "linear_y"]
    )
    states = [frame.state.tolist() for frame in before.frames]
    assert states[0] == [0, 0]
    assert states[-1] == pytest.approx(frames[-2].action[:2].tolist())


BROKEN_ACT = {
    "no action": ({"action": None}, "action: found 'nothing'"),
    "no qpos": ({"observations/qpos": None}, "observations/qpos"),
    "fewer actions": ({"action": np.zeros((11, 14))}, "qpos: found '12 frames', expected 11"),
    "fewer images": (
        {"observations/images/top": np.zeros((9, 8, 8, 3), np.uint8)},
        "images/top: found '9 frames', expected 12",
    ),
    "images of numbers": ({"observations/images/top": np.zeros((12, 8, 8, 3))}, "images/top"),
    "grey images": ({"observations/images/top": np.zeros((12, 8, 8, 1), np.uint8)}, "images/top"),
    "text as numbers": ({"action": np.array([b"x"] * 12)}, "action"),
    "unknown compression": (
        {"observations/images/top": np.full((12, 40), 7, np.uint8)},
        r"images/top\[0\]: found .unknown compression",
    ),
    "an empty episode": ({"action": np.zeros((0, 14))}, "action"),
}


@pytest.mark.parametrize(("more", "named"), BROKEN_ACT.values(), ids=BROKEN_ACT)
def test_a_file_with_something_missing_is_named(
    toys, tmp_path: Path, more: dict[str, Any], named: str
) -> None:
    toys.act_file(tmp_path / "episode_0.hdf5", **more)
    with pytest.raises(DatasetError, match=named) as caught:
        opened("act", tmp_path)
    assert "episode_0.hdf5" in str(caught.value)


def test_a_jpeg_cut_off_is_named_with_its_frame(toys, tmp_path: Path) -> None:
    files = [toys.jpeg(toys.picture(0, frame)) for frame in range(12)]
    files[5] = files[5][:200]
    toys.act_file(
        tmp_path / "e.hdf5", compress=True, **{"observations/images/top": toys.padded(files)}
    )
    with pytest.raises(DatasetError, match=r"images/top\[5\].*cut off"):
        list(opened("act", tmp_path).frames)


@pytest.mark.parametrize("name", ["act", "robomimic", "mobile-vla"])
def test_other_files_are_not_taken_for_a_form(name: str, toys, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["numbers"] = np.arange(5)
    with pytest.raises(DatasetError, match=r"other\.hdf5"):
        opened(name, tmp_path)
    (tmp_path / "other.hdf5").write_bytes(b"not HDF5 at all")
    with pytest.raises(DatasetError, match=r"other\.hdf5"):
        opened(name, tmp_path)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"action": np.zeros((12, 7))}, "action"),
        ({"observations/images/top": np.zeros((12, 24, 32, 3), np.uint8)}, "cameras"),
    ],
)
def test_an_episode_unlike_the_first_is_named(
    toys, tmp_path: Path, more: dict[str, Any], named: str
) -> None:
    toys.act_file(tmp_path / "source" / "episode_0.hdf5")
    toys.act_file(tmp_path / "source" / "episode_1.hdf5", 1, **more)
    with pytest.raises(DatasetError, match=rf"episode_1\.hdf5: {named}: .*as in the first episode"):
        import_recordings("act", tmp_path / "source", tmp_path / "out", LocalExecutor(0))


def hostile(path: Path, secret: Path, way: str) -> None:
    with h5py.File(path, "a") as file:
        del file["action"]
        if way == "external link":
            file["action"] = h5py.ExternalLink(str(secret), "action")
        elif way == "soft link":
            file["action"] = h5py.SoftLink("/observations/qpos")
        elif way == "external storage":
            file.create_dataset("action", (12, 14), "f4", external=[(str(secret), 0, 12 * 14 * 4)])
        elif way == "virtual":
            layout = h5py.VirtualLayout((12, 14), "f4")
            layout[:] = h5py.VirtualSource(str(secret), "action", (12, 14), "f4")
            file.create_virtual_dataset("action", layout)
        elif way == "huge shape":
            file.create_dataset("action", (10**12, 14), "f4", chunks=(1000, 14))
        elif way == "packed hugely":
            bomb = file.create_dataset(
                "action", (10**7, 140), "f4", chunks=(10**4, 140), compression="gzip"
            )
            bomb.id.write_direct_chunk((0, 0), b"packed" * 1000)
        elif way == "huge chunks":
            huge = (2**20, 2**8)
            bomb = file.create_dataset("action", huge, "f4", chunks=huge, compression="gzip")
            bomb.id.write_direct_chunk((0, 0), b"packed" * 200_000)
        elif way == "references":
            file["action"] = np.array([file["observations"].ref] * 12, dtype=h5py.ref_dtype)


@pytest.mark.parametrize(
    "way",
    [
        "external link",
        "soft link",
        "external storage",
        "virtual",
        "huge shape",
        "packed hugely",
        "huge chunks",
        "references",
    ],
)
def test_hostile_files_are_refused_unread(
    toys, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toys.act_file(tmp_path / "source" / "episode_0.hdf5")
    secret = toys.act_file(tmp_path / "secret.hdf5")
    hostile(path, secret, way)
    with pytest.raises(DatasetError, match=r"episode_0\.hdf5: action"):
        opened("act", tmp_path / "source")


def test_huge_pictures_are_refused(toys, tmp_path: Path) -> None:
    path = toys.act_file(tmp_path / "e.hdf5", **{"observations/images/top": None})
    with h5py.File(path, "a") as file:
        file.create_dataset(
            "observations/images/top", (12, 2**15, 2**15, 3), "u1", chunks=(1, 64, 64, 3)
        )
    with pytest.raises(DatasetError, match="images/top"):
        opened("act", tmp_path)


def test_attributes_of_robomimic_are_not_trusted(toys, tmp_path: Path) -> None:
    toys.write_robomimic(tmp_path)
    for name, value, named in [
        ("env_args", "{", "env_args"),
        ("env_args", json.dumps({"env_kwargs": {"control_freq": 1e9}}), "control_freq"),
        ("loopyard", json.dumps({"world": {}}), "loopyard"),
    ]:
        with h5py.File(tmp_path / "image.hdf5", "a") as file:
            before = file["data"].attrs.get(name, "{}")
            file["data"].attrs[name] = value
        with pytest.raises(DatasetError, match=named):
            opened("robomimic", tmp_path)
        with h5py.File(tmp_path / "image.hdf5", "a") as file:
            file["data"].attrs[name] = before
    with h5py.File(tmp_path / "image.hdf5", "a") as file:
        file["data/demo_0"].attrs["num_samples"] = 99
    with pytest.raises(DatasetError, match="99 num_samples"):
        opened("robomimic", tmp_path)
    with pytest.raises(DatasetError, match="mask/nobody"):
        make_importer("robomimic", tmp_path, {"mask": "nobody"}).episodes()


def test_without_h5py_the_extra_is_named(
    toys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.act_file(tmp_path / "episode_0.hdf5")
    importing = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return importing(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"loopyard\[hdf5\]"):
        opened("act", tmp_path)


@pytest.mark.parametrize("compress", [False, True])
def test_memory_does_not_grow_with_the_recording(toys, tmp_path: Path, compress: bool) -> None:
    frames = 300
    toys.act_file(tmp_path / "e.hdf5", frames=frames, compress=compress)
    recording = opened("act", tmp_path)
    all_pictures = frames * 2 * toys.picture(0, 0).nbytes
    next(recording.frames)
    tracemalloc.start()
    try:
        for _ in recording.frames:
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < all_pictures / 10
