"""What is done to recordings on their way in, against what can be worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pydantic import ValidationError

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.importers import Frame, Transform
from loopyard.data.importers.importer import unlimited

SPEC = WorldSpec(
    world="toy",
    preset="",
    fps=50,
    max_steps=100,
    task="",
    state=unlimited(["x"]),
    action=VectorSpec((Channel("speed", "1 m/s", 0, 2), Channel("turn"))),
    cameras=(CameraSpec("ego", 8, 6),),
)


def frames(times: list[float]) -> Iterator[Frame]:
    """State is the time, action (10 x time, 0), every pixel the frame's number."""
    for number, time_s in enumerate(times):
        yield Frame(
            time_s,
            {"ego": np.full((6, 8, 3), number, np.uint8)},
            np.array([time_s], np.float32),
            np.array([10 * time_s, 0], np.float32),
            phase=str(number),
        )


def after(transform: Transform, times: list[float]) -> list[Frame]:
    return list(transform.stream(frames(times), "here"))


def numbers_of(found: list[Frame]) -> list[int]:
    return [int(frame.images["ego"][0, 0, 0]) for frame in found]


def test_nothing_is_done_unless_asked() -> None:
    assert numbers_of(after(Transform(), [0, 0.1, 0.2])) == [0, 1, 2]
    assert Transform().spec(SPEC) == SPEC
    assert Transform().facts() == {}


def test_another_rate_takes_the_nearest_image_and_holds_actions() -> None:
    found = after(Transform(fps=10), [0.02 * n for n in range(26)])
    assert numbers_of(found) == [0, 5, 10, 15, 20, 25]
    assert [frame.time_s for frame in found] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    uneven = after(Transform(fps=10), [5.0, 5.04, 5.13, 5.3])
    assert numbers_of(uneven) == [0, 2, 2, 3]
    assert [float(f.state[0]) for f in uneven] == pytest.approx([5.0, 5.1, 5.2, 5.3])
    assert [float(f.action[0]) for f in uneven] == pytest.approx([50, 50.4, 51.3, 53])
    assert [f.phase for f in uneven] == ["0", "2", "2", "3"]
    mixed = after(Transform(fps=10, actions="linear"), [5.0, 5.04, 5.13, 5.3])
    assert [float(f.action[0]) for f in mixed] == pytest.approx([50, 51, 52, 53])
    assert Transform(fps=10).spec(SPEC).fps == 10


def test_a_higher_rate_repeats_images() -> None:
    assert numbers_of(after(Transform(fps=20), [0, 0.1, 0.2])) == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("times", [[0, 0.1, 0.1], [0, 0.1, 0.05], [0, float("nan")]])
def test_times_must_grow_where_they_matter(times: list[float]) -> None:
    with pytest.raises(DatasetError, match=f"here: time of frame {len(times) - 1}"):
        after(Transform(fps=10), times)


def test_resampling_holds_no_more_than_two_frames() -> None:
    read = 0

    def endless() -> Iterator[Frame]:
        nonlocal read
        while True:
            yield next(frames([read * 0.02]))
            read += 1

    stream = Transform(fps=10).stream(endless(), "here")
    for number in range(1, 20):
        next(stream)
        assert read <= 5 * number + 1


def test_skipping_counts_recorded_frames() -> None:
    found = after(Transform(skip=3, fps=10), [0.02 * n for n in range(14)])
    assert numbers_of(found) == [3, 8, 13]
    assert after(Transform(skip=9), [0, 0.1]) == []


def test_cropping_and_resizing() -> None:
    picture = np.zeros((6, 8, 3), np.uint8)
    picture[2:4, 3:5] = 200

    def through(transform: Transform) -> np.ndarray:
        frame = Frame(0.0, {"ego": picture}, np.zeros(1), np.zeros(2))
        return next(transform.stream(iter([frame]), "here")).images["ego"]

    assert (through(Transform(crop=(2, 2, None, None))) == 200).all()
    assert through(Transform(crop=(3, 4, 3, 2)))[:2, :2].min() == 200
    assert through(Transform(crop=(3, 4, 3, 2)))[2:].max() == 0
    small = through(Transform(resize=(4, 3)))
    assert small.shape == (3, 4, 3)
    assert small.astype(float).mean() == pytest.approx(picture.mean(), abs=2)  # antialiased
    spec = Transform(crop=(4, 4, None, None), resize=(16, 12)).spec(SPEC)
    assert spec.cameras == (CameraSpec("ego", 16, 12),)


@pytest.mark.parametrize("crop", [(9, 2, None, None), (2, 2, 7, 0), (0, 2, 0, 0)])
def test_a_crop_must_fit(crop: tuple[int, int, int, int]) -> None:
    with pytest.raises(ConfigError, match=r"--crop: .*a part of ego's 8x6"):
        Transform(crop=crop).spec(SPEC)


def test_actions_are_scaled_to_one_and_never_clipped_unseen() -> None:
    scale = Transform(action_scale=((0, 10), (-1, 1)))
    found = after(scale, [0.0, 0.25, 1.0])
    assert [frame.action.tolist() for frame in found] == [[-1, 0], [-0.5, 0], [1, 0]]
    channel = scale.spec(SPEC).action.channels[0]
    assert (channel.unit, channel.low, channel.high) == ("5 x 1 m/s from 5", -1, 1)
    with pytest.raises(DatasetError, match=r"here: frame 1: action: found \[11"):
        after(scale, [0.0, 1.1])


def test_scales_must_fit() -> None:
    with pytest.raises(ConfigError, match="2, for speed, turn"):
        Transform(action_scale=((0, 1),)).spec(SPEC)
    with pytest.raises(ConfigError, match="low < high"):
        Transform(action_scale=((0, 1), (1, 1))).spec(SPEC)
    with pytest.raises(ValidationError):
        Transform(skip=-1)


def test_what_was_done_is_told() -> None:
    assert Transform(fps=10, skip=2).facts() == {"fps": 10, "skip": 2, "actions": "hold"}
