"""Bags: topics chosen or guessed, messages of every type, and what is refused by name."""

from __future__ import annotations

import math
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.data.importers import Recording, import_recordings, make_importer
from loopyard.data.importers.importer import UNLIMITED
from loopyard.executors.local import LocalExecutor


def opened(source: Path, episode: int = 0, **params: Any) -> Recording:
    importer = make_importer("bags", source, params)
    return importer.open(importer.episodes()[episode])


def pictures(bags: Any, count: int = 11, topic: str = "/camera/image", **more: Any) -> list[Any]:
    return [bags.image(topic, n / 10, bags.pixels(n), **more) for n in range(count)]


def twists(bags: Any, count: int = 11, turn: float = 0.1) -> list[Any]:
    return [bags.twist("/cmd_vel", n / 10, n / 10, turn) for n in range(count)]


def odometry(bags: Any, count: int = 11) -> list[Any]:
    return [bags.odometry("/odom", n / 10, n / 10, 0.1, 0.2) for n in range(count)]


@pytest.fixture
def plain(bags: Any) -> list[Any]:
    """A camera, commands and odometry at 10 Hz, all at the same times."""
    return [*pictures(bags), *twists(bags), *odometry(bags)]


@pytest.mark.parametrize("form", ["ros1", "sqlite3", "mcap", "plain-mcap"])
def test_each_tick_has_its_picture_and_the_numbers_of_that_moment(bags, tmp_path, form):
    bag = bags.write_bag(tmp_path / "drive", form, bags.drive(1.0))
    recording = opened(bag)
    assert (recording.spec.fps, recording.spec.cameras[0].name) == (10, "front")
    assert recording.spec.state.names == ["x", "yaw", "linear.x", "angular.z"]
    assert recording.spec.action.names == ["linear.x", "angular.z"]
    assert recording.spec.action.channels[0].unit == "1 m/s"
    assert recording.spec.action.channels[0].high == UNLIMITED
    frames = list(recording.frames)
    assert len(frames) == 10
    for number, frame in enumerate(frames):
        at_s = number / 10
        assert frame.time_s == pytest.approx(at_s)
        assert np.array_equal(frame.images["front"], bags.pixels(number))
        wanted = [at_s * 0.5, at_s - 1, 0.5 + at_s / 10, math.sin(at_s)]
        assert frame.state == pytest.approx(np.array(wanted, np.float32), abs=1e-6)
        wanted = [0.5 + at_s / 10, math.sin(at_s)]
        assert frame.action == pytest.approx(np.array(wanted, np.float32), abs=1e-6)


def test_a_guess_is_told(bags, tmp_path, plain):
    facts = opened(bags.write_bag(tmp_path / "drive", "mcap", plain)).facts
    assert facts.notes[1] == "state is a guess: /odom:x,yaw,linear.x,angular.z"
    assert facts.meta["topics"]["camera"] == "/camera/image"
    told = opened(tmp_path / "drive", cameras="/camera/image", state="/odom:x", action="/cmd_vel")
    assert told.facts.notes == ()
    assert told.spec.state.names == ["x"]


def test_bags_are_listed_with_numbers_as_numbers(bags, tmp_path, plain):
    for name in ("run_10", "run_2"):
        bags.write_bag(tmp_path / name, "mcap", plain)
    (tmp_path / "notes.txt").write_text("no bag")
    importer = make_importer("bags", tmp_path)
    assert [ref.name for ref in importer.episodes()] == ["run_2", "run_10"]


def test_several_cameras_show_each_tick_together(bags, tmp_path):
    late = pictures(bags, topic="/wrist/image_raw", late_s=0.45)
    sent = [*pictures(bags, topic="/ego/image_raw"), *late, *twists(bags), *odometry(bags)]
    bag = bags.write_bag(tmp_path / "drive", "sqlite3", sent)
    with pytest.raises(DatasetError, match=r"image topics.*wrist.*exactly one, or cameras="):
        opened(bag)
    recording = opened(bag, cameras="left=/ego/image_raw /wrist/image_raw")
    assert [camera.name for camera in recording.spec.cameras] == ["left", "wrist"]
    for number, frame in enumerate(recording.frames):
        for name in ("left", "wrist"):
            assert np.array_equal(frame.images[name], bags.pixels(number))


def test_cameras_too_far_apart_are_refused(bags, tmp_path, monkeypatch):
    late = pictures(bags, topic="/b/image", late_s=0.45)
    sent = [*pictures(bags, topic="/a/image"), *late, *twists(bags), *odometry(bags)]
    bag = bags.write_bag(tmp_path / "drive", "mcap", sent)
    size = bags.pixels(0).nbytes
    monkeypatch.setattr("loopyard.data.importers.bags.pictures.MAX_WAITING_BYTES", 3 * size)
    with pytest.raises(DatasetError, match="the cameras' clocks are far apart"):
        list(opened(bag, cameras="/a/image /b/image").frames)


def test_times_of_receipt_may_be_taken(bags, tmp_path):
    sent = [*pictures(bags, late_s=0.1), *twists(bags), *odometry(bags)]
    bag = bags.write_bag(tmp_path / "drive", "mcap", sent)
    frames = list(opened(bag, stamps="receive").frames)
    assert np.array_equal(frames[0].images["camera"], bags.pixels(0))
    assert frames[0].action[0] == pytest.approx(0.1)


@pytest.mark.parametrize("form", ["ros1", "mcap"])
def test_every_type_of_numbers(bags, tmp_path, form):
    names = ["arm", "hand"]
    sent = pictures(bags)
    for n in range(11):
        at_s, head = n / 10, {"header": bags.stamped(n / 10)}
        sent += [
            bags.joints(
                "/joints", at_s, names[:: 1 if n % 2 else -1], [n, -n] if n % 2 else [-n, n]
            ),
            bags.Sent("/array", "std_msgs/msg/Float32MultiArray", at_s, {"data": [n, 0.5]}),
            bags.Sent("/one", "std_msgs/msg/Float64", at_s, {"data": 2 * n}),
            bags.Sent(
                "/stamped",
                "geometry_msgs/msg/TwistStamped",
                at_s,
                head | {"twist": {"linear": {"x": n}}},
            ),
            bags.Sent(
                "/drive",
                "ackermann_msgs/msg/AckermannDrive",
                at_s,
                {"speed": n, "steering_angle": -n},
            ),
        ]
    bag = bags.write_bag(tmp_path / "drive", form, sent)
    recording = opened(
        bag,
        state="/joints:arm,hand,hand.velocity /array /one",
        action="/stamped /drive",
        action_names="forward steering speed",
    )
    assert recording.spec.state.names == ["arm", "hand", "hand.velocity", "0", "1", "data"]
    assert recording.spec.action.names == ["forward", "steering", "speed"]
    frame = list(recording.frames)[4]
    assert frame.state.tolist() == [4, -4, -40, 4, 0.5, 8]
    assert frame.action.tolist() == [4, -4, 4]
    assert opened(bag, state="/joints", action="/one").spec.state.names == ["hand", "arm"]
    with pytest.raises(ConfigError, match="action_names: found"):
        opened(bag, state="/one", action="/one", action_names="a b")


def test_arrays_of_any_length_are_no_state_and_joints_need_a_number_each(bags, tmp_path, plain):
    long = bags.Sent("/scan", "std_msgs/msg/Float32MultiArray", 0.1, {"data": [0.0] * 5000})
    odd = bags.joints("/joints", 0.1, ["arm", "hand"], [1.0])
    bag = bags.write_bag(tmp_path / "drive", "mcap", [*plain, long, odd])
    with pytest.raises(DatasetError, match=r"/scan: found '5000 numbers, more than 4096'"):
        opened(bag, state="/scan", action="/cmd_vel")
    with pytest.raises(DatasetError, match=r"/joints: found .* expected some numbers, as many as"):
        opened(bag, state="/joints", action="/cmd_vel")


def test_the_task_is_a_setting_or_a_topic(bags, tmp_path, plain):
    text = bags.Sent("/task", "std_msgs/msg/String", 0.5, {"data": "bring the red brick"})
    bag = bags.write_bag(tmp_path / "drive", "ros1", [*plain, text])
    assert opened(bag, task="dig").spec.task == "dig"
    assert opened(bag, task_topic="/task").facts.task == "bring the red brick"
    with pytest.raises(DatasetError, match=r"task_topic /odom: found 'nav_msgs/msg/Odometry'"):
        opened(bag, task_topic="/odom")


def test_an_episode_ends_at_a_gap_or_is_set_apart(bags, tmp_path, plain):
    def has_gap(sent: Any) -> bool:
        return sent.topic == "/cmd_vel" and 0.45 < sent.at_s < 0.95

    bags.write_bag(tmp_path / "in/a", "mcap", plain)
    bags.write_bag(tmp_path / "in/b", "mcap", [sent for sent in plain if not has_gap(sent)])
    recording = opened(tmp_path / "in", 1, max_gap_s=0.25)
    assert len(list(recording.frames)) == 7
    assert recording.facts.rejected is None
    gap = "gap: /cmd_vel: 0.300 s since the last message at 0.70 s, more than 0.25 s"
    assert gap in recording.facts.notes
    made = import_recordings(
        "bags",
        tmp_path / "in",
        tmp_path / "out",
        LocalExecutor(0),
        params={"max_gap_s": 0.25, "on_gap": "reject"},
    )
    assert made.dataset.num_episodes == 1
    assert (tmp_path / "out/failed/000001").is_dir()
    assert f"1 of 2 episodes: set apart: {gap}" in made.notes


def test_numbers_that_were_always_0_must_stay_so(bags, tmp_path, plain):
    bags.write_bag(
        tmp_path / "a", "mcap", [*pictures(bags), *twists(bags, turn=0), *odometry(bags)]
    )
    bags.write_bag(tmp_path / "b", "mcap", plain)
    assert opened(tmp_path).spec.action.names == ["linear.x"]
    with pytest.raises(DatasetError, match=r"b: /cmd_vel: angular.z: found 0.1, expected 0, as in"):
        opened(tmp_path, 1)
    both = opened(tmp_path, 0, action="/cmd_vel:linear.x,angular.z")
    assert both.spec == opened(tmp_path, 1, action="/cmd_vel:linear.x,angular.z").spec


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"cameras": "/none"}, "topic: found '/none', expected one of .*'/camera/image'"),
        ({"cameras": "/odom"}, "type of /odom: found 'nav_msgs/msg/Odometry'"),
        ({"cameras": "a/b=/camera/image"}, "camera: found 'a/b'"),
        ({"state": "/odom:height"}, "fields of /odom: found .*'yaw'.*expected .'height'"),
        ({"state": "/camera/image"}, "type of /camera/image: found 'sensor_msgs/msg/Image'"),
        ({"action": "/tf"}, "topic: found '/tf'"),
    ],
)
def test_a_topic_that_does_not_fit_is_named(bags, tmp_path, plain, params, words):
    bag = bags.write_bag(tmp_path / "drive", "mcap", plain)
    with pytest.raises(DatasetError, match=f"drive: {words}"):
        opened(bag, **params)


def test_nothing_and_too_much_to_guess_from_is_told(bags, tmp_path):
    bag = bags.write_bag(tmp_path / "a", "mcap", [*pictures(bags), *odometry(bags)])
    with pytest.raises(DatasetError, match=r"topics for the action.*or action=/topic:field"):
        opened(bag)
    bag = bags.write_bag(tmp_path / "b", "mcap", [*twists(bags), *odometry(bags)])
    with pytest.raises(DatasetError, match=r"image topics: found \[\], expected exactly one"):
        opened(bag)


def test_another_bag_must_have_the_first_ones_topics(bags, tmp_path, plain):
    bags.write_bag(tmp_path / "a", "mcap", plain)
    bags.write_bag(tmp_path / "b", "mcap", [*pictures(bags), *twists(bags)])
    with pytest.raises(DatasetError, match=r"b: type of /odom: found 'no such topic'"):
        opened(tmp_path, 1)


def test_stamps_of_0_and_numbers_that_are_none_are_refused(bags, tmp_path, plain):
    unset = bags.Sent("/odom", "nav_msgs/msg/Odometry", 0.05, {})
    bag = bags.write_bag(tmp_path / "a", "mcap", [*plain, unset])
    with pytest.raises(
        DatasetError, match=r"/odom: header.stamp: found 0, expected a time; stamps="
    ):
        opened(bag)
    wild = bags.twist("/cmd_vel", 0.05, math.nan, 0.0)
    bag = bags.write_bag(tmp_path / "b", "mcap", [*plain, wild])
    with pytest.raises(DatasetError, match=r"message 1 of /cmd_vel: found .*nan"):
        opened(bag)


def test_a_bag_of_ros_2_before_iron_holds_no_definitions(bags, tmp_path, plain):
    bag = bags.write_bag(tmp_path / "drive", "sqlite3", plain)
    with closing(sqlite3.connect(bag / "drive.db3")) as connection:
        connection.execute("DELETE FROM message_definitions")
        connection.commit()
    assert len(list(opened(bag).frames)) == 11


def test_a_bag_whose_recorder_was_killed_is_not_passed_over(bags, tmp_path, plain):
    for name in ("a", "b"):
        bags.write_bag(tmp_path / name, "sqlite3", plain)
    (tmp_path / "b/metadata.yaml").unlink()
    with pytest.raises(DatasetError, match=r"b/metadata.yaml: .*'ros2 bag reindex' writes it"):
        make_importer("bags", tmp_path).episodes()
    assert len(list(opened(tmp_path / "b").frames)) == 11


@pytest.mark.parametrize("form", ["ros1", "sqlite3", "mcap"])
def test_an_empty_bag_is_refused(bags, tmp_path, form):
    bag = bags.write_bag(tmp_path / "drive", form, [])
    with pytest.raises(DatasetError, match="drive"):
        opened(bag)


def test_a_picture_of_another_encoding_is_named(bags, tmp_path, plain):
    depth = bags.image("/camera/image", 1.1, np.zeros((24, 32), np.uint16), "16UC1")
    numbers = [bags.twist("/cmd_vel", 1.1, 0, 0), bags.odometry("/odom", 1.1, 0, 0, 0)]
    bag = bags.write_bag(tmp_path / "drive", "mcap", [*plain, depth, *numbers])
    with pytest.raises(DatasetError, match=r"/camera/image: encoding: found '16UC1'"):
        list(opened(bag).frames)


@pytest.mark.parametrize("form", ["ros1", "plain-mcap"])
def test_bytes_that_changed_give_frames_or_a_named_error(bags, tmp_path, form):
    rng = np.random.default_rng(0)
    path = bags.write_bag(tmp_path / "drive", form, bags.drive(0.3))
    whole, said = path.read_bytes(), []
    for _ in range(8):
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), 6):
            changed[place] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            list(opened(path).frames)
        except DatasetError as error:
            said.append(str(error))
    assert said
    assert all(path.name in text for text in said)


def test_without_rosbags_the_extra_is_named(bags, tmp_path, plain, monkeypatch):
    bag = bags.write_bag(tmp_path / "drive", "mcap", plain)
    monkeypatch.setitem(sys.modules, "rosbags.highlevel", None)
    with pytest.raises(ConfigError, match=r"loopyard\[bags\]"):
        opened(bag)
