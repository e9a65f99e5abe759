"""Datasets, both ways: ours in LeRobot's library and training, its own here."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from box_task import SIZE, SPEC, observation
from lerobot.datasets.lerobot_dataset import LeRobotDataset

from loopyard.data.audit.auditor import audit
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.policies.checkpoint import load_policy
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

BACKEND = "pyav"
"""torchcodec, LeRobot's default, wants the system's FFmpeg libraries."""


@pytest.fixture(scope="session")
def opened(ours: Dataset) -> LeRobotDataset:
    chunk = {"action": [tick / SPEC.fps for tick in range(5)]}
    return LeRobotDataset(
        "local/toy", root=ours.root, video_backend=BACKEND, delta_timestamps=chunk
    )


def test_ours_open_there_with_every_number_equal(ours, opened):
    assert opened.num_episodes == ours.num_episodes == 4
    assert len(opened) == opened.num_frames == ours.num_frames
    assert opened.fps == ours.fps
    assert sorted(opened.meta.camera_keys) == [camera.key for camera in SPEC.cameras]
    for index in range(0, len(opened), 3):
        item = opened[index]
        assert item["task"] == SPEC.task
        for name in ("observation.state", "timestamp", "episode_index", "frame_index", "index"):
            assert np.array_equal(item[name].numpy(), ours.column(name)[index].squeeze()), name
        assert np.array_equal(item["action"][0].numpy(), ours.column("action")[index])
    shapes = {key: tuple(stats["mean"].shape) for key, stats in opened.meta.stats.items()}
    assert shapes["observation.images.ego"] == (3, 1, 1)
    assert shapes["action"] == (2,)


@pytest.mark.parametrize("camera", ["ego", "side"])
def test_ours_show_the_same_pictures_there(ours, opened, camera):
    for entry in ours.episodes:
        mine = ours.decode(camera, entry.index)
        for tick in range(0, entry.length, 7):
            theirs = opened[entry.from_index + tick][f"observation.images.{camera}"]
            assert theirs.shape == (3, SIZE, SIZE)
            error = np.abs(theirs.permute(1, 2, 0).numpy() * 255 - mine[tick])
            assert error.max() <= 3, (entry.index, tick)


def test_ours_pass_through_its_loader(ours, opened):
    seen = []
    for batch in torch.utils.data.DataLoader(opened, batch_size=16, shuffle=True):
        assert batch["action"].shape[1:] == (5, 2)
        assert batch["observation.images.side"].dtype == torch.float32
        seen += batch["index"].tolist()
        ends = torch.tensor([ours.episodes[int(e)].to_index for e in batch["episode_index"]])
        left = ends[:, None] - batch["index"][:, None]
        assert torch.equal(batch["action_is_pad"], torch.arange(5)[None] >= left)
    assert sorted(seen) == list(range(ours.num_frames))


def train_there(dataset: Path, out: Path, *options: str) -> Path:
    """LeRobot's own training command for three steps; gives its checkpoint folder."""
    command = [
        *(sys.executable, "-m", "lerobot.scripts.lerobot_train"),
        *("--dataset.repo_id=local/toy", f"--dataset.root={dataset}"),
        *(f"--dataset.video_backend={BACKEND}", "--num_workers=0", "--wandb.enable=false"),
        *("--policy.device=cpu", "--policy.push_to_hub=false", f"--output_dir={out}"),
        *("--steps=3", "--batch_size=4", "--save_freq=3", "--log_freq=1", "--eval_freq=0"),
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return next((out / "checkpoints").glob("0*/pretrained_model"))


TINY_ACT = (
    *("--policy.type=act", "--policy.pretrained_backbone_weights=null"),
    *("--policy.chunk_size=6", "--policy.n_action_steps=6", "--policy.dim_model=32"),
    *("--policy.n_heads=4", "--policy.dim_feedforward=32", "--policy.n_encoder_layers=1"),
)


def test_ours_train_there_and_what_comes_out_drives_here(ours, tmp_path):
    from lerobot.policies.act.modeling_act import ACTPolicy
    from lerobot.policies.factory import make_pre_post_processors

    folder = train_there(ours.root, tmp_path / "run", *TINY_ACT)
    theirs = ACTPolicy.from_pretrained(folder)
    before, after = make_pre_post_processors(theirs.config, str(folder))
    mine = load_policy(folder)
    obs = observation(1, 5)
    batch = {
        key: torch.from_numpy(value).permute(2, 0, 1)[None] / 255.0
        for key, value in obs.items()
        if key.startswith("observation.images")
    }
    batch["observation.state"] = torch.from_numpy(obs["observation.state"])[None]
    with torch.inference_mode():
        chunk = after(theirs.predict_action_chunk(before(batch)))[0].numpy()
    assert chunk.shape == (6, 2)
    assert np.abs(mine.predict_chunk(obs) - chunk.clip(-1, 1)).max() < 1e-4


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recorded by LeRobot, with its defaults (AV1, 4:2:0): three episodes, two cameras."""
    root = tmp_path_factory.mktemp("theirs") / "recorded"
    features = {
        "observation.state": {"dtype": "float32", "shape": (3,), "names": ["x", "y", "lift"]},
        "action": {"dtype": "float32", "shape": (2,), "names": ["steering", "throttle"]},
    } | {
        camera.key: {
            "dtype": "video",
            "shape": (SIZE, SIZE, 3),
            "names": ["height", "width", "channels"],
        }
        for camera in SPEC.cameras
    }
    recorder = LeRobotDataset.create(
        "local/recorded", fps=10, root=root, features=features, use_videos=True
    )
    for episode in range(3):
        for tick in range(24 + episode):
            obs = observation(episode, tick)
            action = np.tanh(obs["observation.state"][:2] + 0.1 * tick).astype(np.float32)
            recorder.add_frame({**obs, "action": action})
        recorder.save_episode()
    recorder.finalize()
    return root


def test_theirs_open_here_with_every_number_equal(theirs):
    dataset = open_dataset(theirs)
    there = LeRobotDataset("local/recorded", root=theirs, video_backend=BACKEND)
    assert [episode.length for episode in dataset.episodes] == [24, 25, 26]
    assert [channel.name for channel in dataset.spec.action.channels] == ["steering", "throttle"]
    assert dataset.episodes[2].task == SPEC.task
    state, action = dataset.column("observation.state"), dataset.column("action")
    for index in range(0, dataset.num_frames, 5):
        item = there[index]
        assert np.array_equal(item["observation.state"].numpy(), state[index])
        assert np.array_equal(item["action"].numpy(), action[index])
    for camera in SPEC.cameras:
        frames = dataset.decode(camera.name, 1)
        for tick in (0, 9, 24):
            picture = there[24 + tick][camera.key].permute(1, 2, 0).numpy() * 255
            assert np.abs(picture - frames[tick]).max() <= 3
            drawn = observation(1, tick)[camera.key].astype(float)
            assert np.abs(frames[tick] - drawn).mean() < 6


def test_theirs_pass_the_audit_and_train_here(theirs, tmp_path):
    report = audit(theirs)
    assert report.verdict in ("pass", "warn"), json.dumps(report.to_dict(), indent=1)
    config = TrainConfig(
        policy="act",
        policy_options={"dim_model": 32, "n_heads": 4, "dim_feedforward": 32},
        steps=3,
        batch_size=4,
        validation_share=0.34,
        device="cpu",
        threads=1,
    )
    result = train(config, [theirs], tmp_path / "run")
    policy = load_policy(result.last)
    assert policy.predict_chunk(observation(0)).shape == (policy.chunk_size, 2)
