"""LeRobot's other policies drive in our worlds: the same actions, and through every command."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from box_task import SIZE, observation
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy
from lerobot.policies.factory import make_pre_post_processors
from lerobot.policies.vqbet.configuration_vqbet import VQBeTConfig
from lerobot.policies.vqbet.modeling_vqbet import VQBeTPolicy
from reach_world import ReachWorld

import loopyard
from loopyard.core.errors import CheckpointError
from loopyard.core.scenario import Scenario
from loopyard.evaluation.rollout import RolloutJob, Watcher, drive
from loopyard.policies.lerobot_adapter import LeRobotPolicy

Make = Callable[..., Path]


def features(cameras: dict[str, int], state: int, action: int = 2) -> dict:
    inputs = {
        f"observation.images.{name}": PolicyFeature(FeatureType.VISUAL, (3, size, size))
        for name, size in cameras.items()
    }
    return {
        "input_features": inputs
        | {"observation.state": PolicyFeature(FeatureType.STATE, (state,))},
        "output_features": {"action": PolicyFeature(FeatureType.ACTION, (action,))},
        "device": "cpu",
    }


def save(folder: Path, policy) -> Path:
    """A policy as LeRobot's training leaves it, with made-up statistics."""
    numbers = {}
    config = policy.config
    for key, feature in {**config.input_features, **config.output_features}.items():
        shape = (3, 1, 1) if feature.type is FeatureType.VISUAL else feature.shape
        numbers[key] = {
            "mean": torch.full(shape, 0.1),
            "std": torch.full(shape, 0.5),
            "min": torch.full(shape, -0.8),
            "max": torch.full(shape, 0.9),
        }
    before, after = make_pre_post_processors(config, dataset_stats=numbers)
    for part in (policy, before, after):
        part.save_pretrained(folder)
    return folder


def diffusion(folder: Path, cameras: dict[str, int], state: int, action: int = 2, **more) -> Path:
    torch.manual_seed(0)
    crop = min(cameras.values()) - 4
    config = DiffusionConfig(
        **features(cameras, state, action),
        n_obs_steps=more.pop("n_obs_steps", 2),
        horizon=8,
        n_action_steps=4,
        crop_shape=(crop, crop),
        down_dims=(16, 32),
        n_groups=4,
        spatial_softmax_num_keypoints=8,
        diffusion_step_embed_dim=16,
        num_train_timesteps=10,
        num_inference_steps=3,
        **more,
    )
    return save(folder, DiffusionPolicy(config))


def vqbet(folder: Path, cameras: dict[str, int], state: int) -> Path:
    torch.manual_seed(0)
    config = VQBeTConfig(
        **features(cameras, state),
        n_obs_steps=3,
        n_action_pred_token=2,
        action_chunk_size=4,
        crop_shape=(SIZE - 4, SIZE - 4),
        spatial_softmax_num_keypoints=8,
        vqvae_n_embed=4,
        vqvae_embedding_dim=16,
        vqvae_enc_hidden_dim=16,
        gpt_input_dim=16,
        gpt_output_dim=16,
        gpt_n_layer=1,
        gpt_n_head=2,
        gpt_hidden_dim=16,
    )
    return save(folder, VQBeTPolicy(config))


class QuietNoise:
    """Draws zeros: then a diffusion with DDIM has no chance in it."""

    def __call__(self, *shape, size=None, **settings):
        settings.pop("generator", None)
        return torch.zeros(size if size is not None else shape, **settings)


@pytest.mark.parametrize("n_obs_steps", [1, 2, 3])
def test_it_does_what_lerobot_does_tick_by_tick(tmp_path, monkeypatch, n_obs_steps):
    folder = diffusion(
        tmp_path / "there",
        {"side": SIZE, "ego": SIZE},
        3,
        noise_scheduler_type="DDIM",
        n_obs_steps=n_obs_steps,
    )
    monkeypatch.setattr("torch.randn", QuietNoise())
    there = DiffusionPolicy.from_pretrained(folder)
    before, after = make_pre_post_processors(there.config, str(folder))
    here = loopyard.load_policy(folder)
    assert isinstance(here, LeRobotPolicy)
    assert (here.chunk_size, here.n_action_steps, here.n_obs_steps) == (4, 4, n_obs_steps)
    for episode in range(2):
        here.reset()
        there.reset()
        for tick in range(10):
            obs = observation(episode, tick)
            batch = {"observation.state": torch.from_numpy(obs["observation.state"])[None]}
            for key in there.config.image_features:
                batch[key] = torch.from_numpy(obs[key]).permute(2, 0, 1)[None] / 255.0
            with torch.inference_mode():
                theirs = after(there.select_action(before(batch)))[0].numpy()
            assert np.abs(here.act(obs) - theirs.clip(-1, 1)).max() < 1e-5, (episode, tick)


@pytest.mark.parametrize("make", [diffusion, vqbet])
def test_it_keeps_the_protocol(tmp_path, make: Make):
    policy = loopyard.load_policy(make(tmp_path / "there", {"ego": SIZE}, 3))
    obs = observation(0)
    chunk = policy.predict_chunk(obs)
    assert chunk.shape == (policy.chunk_size, 2)
    assert chunk.dtype == np.float32
    assert np.abs(chunk).max() <= 1
    assert np.isfinite(chunk).all()
    drawn_before = torch.rand(1)
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    many = policy.predict_chunks([observation(1), obs, observation(2), obs])
    assert torch.equal(torch.rand(1), expected), "torch's generator is the caller's"
    assert np.array_equal(many[1], chunk), "a row does not depend on its neighbours"
    assert np.array_equal(many[3], chunk)
    assert not np.array_equal(many[0], many[2])
    assert drawn_before.shape == (1,)
    policy.reset()
    assert np.array_equal(policy.act(obs), chunk[0])


def test_fewer_actions_of_a_chunk(tmp_path):
    folder = diffusion(tmp_path / "there", {"ego": SIZE}, 3)
    policy = loopyard.load_policy(folder, n_action_steps=2)
    assert (policy.chunk_size, policy.n_action_steps) == (4, 2)
    ensembled = loopyard.load_policy(folder, temporal_ensemble=0.01)
    ensembled.reset()
    assert ensembled.act(observation(0)).shape == (2,)


TOYS = Path(__file__).parents[1] / "toy"


class Diary(Watcher):
    def __init__(self):
        self.actions = []

    def tick(self, tick, world, obs, action, info):
        self.actions.append(action.tolist())


def test_a_drive_is_its_seeds_alone(tmp_path):
    policy = loopyard.load_policy(diffusion(tmp_path / "there", {"ego": 24}, 4))
    jobs = [RolloutJob(Scenario(world="reach_world:ReachWorld"), seed) for seed in range(5)]

    def driven(lockstep: int) -> dict[int, list]:
        diaries = {job.seed: Diary() for job in jobs}
        worlds: list = [ReachWorld(max_steps=8) for _ in range(lockstep)]
        records = list(drive(worlds, policy, jobs, lambda job: [diaries[job.seed]]))
        assert len(records) == len(jobs)
        return {seed: diary.actions for seed, diary in diaries.items()}

    together = driven(4)
    assert together == driven(1)
    assert len({repr(actions) for actions in together.values()}) == len(jobs)


def test_it_drives_in_the_yard(tmp_path):
    world = loopyard.make_world("yard", preset="starter")
    obs, _ = world.reset(seed=900_000)
    images = {key: value for key, value in obs.items() if key.startswith("observation.images.")}
    cameras = {key.removeprefix("observation.images."): len(image) for key, image in images.items()}
    state, action = obs["observation.state"].size, world.action_space.sample().size
    world.close()
    folder = diffusion(tmp_path / "there", cameras, state, action)
    result = loopyard.evaluate(
        folder, params={"time_limit_s": 2}, seeds=range(900_000, 900_002), workers=0
    )
    assert [record.outcome.reason for record in result.records] == ["timeout", "timeout"]


def test_it_is_gated_by_the_command(tmp_path):
    folder = diffusion(tmp_path / "there", {"ego": 24}, 4)
    command = [
        *(sys.executable, "-m", "loopyard.surface.cli", "evaluate", "--policy", str(folder)),
        *("--world", "reach_world:ReachWorld", "--preset", "", "--suite", "gate", "--n", "4"),
        *("--workers", "1", "--out", str(tmp_path / "out"), "--json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TOYS, timeout=900)
    assert done.returncode in (0, 1), done.stderr
    answer = json.loads(done.stdout)
    assert (answer["n"], answer["seeds"]) == (4, [900_000, 900_003])
    assert answer["verdict"] in ("promote", "reject", "inconclusive")
    assert len((tmp_path / "out/gate.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observation.images.ego": np.zeros((32, 32, 3), np.uint8)}, r"\(64, 64, 3\) uint8"),
        ({"observation.state": np.zeros(5, np.float32)}, r"observation.state: found \(5,\)"),
    ],
)
def test_another_worlds_observation_is_named(tmp_path, change, message):
    policy = loopyard.load_policy(diffusion(tmp_path / "there", {"ego": SIZE}, 3))
    with pytest.raises(CheckpointError, match=message):
        policy.predict_chunk(observation(0) | change)
    short = observation(0)
    short.pop("observation.images.ego")
    with pytest.raises(CheckpointError, match=r"observation\.images\.ego: found"):
        policy.predict_chunk(short)


def test_a_weight_that_is_missing_is_an_error_and_not_a_log_line(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = diffusion(tmp_path / "there", {"ego": SIZE}, 3)
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights.pop(sorted(weights)[0])
    save_file(weights, path)
    with pytest.raises(CheckpointError, match=r"policy: found 'RuntimeError.*Missing key"):
        loopyard.load_policy(folder)


def test_a_renamed_camera_is_asked_for_by_the_worlds_name(tmp_path):
    folder = diffusion(tmp_path / "there", {"front": SIZE}, 3)
    path = folder / "policy_preprocessor.json"
    steps = json.loads(path.read_text())
    (step,) = [s for s in steps["steps"] if s["registry_name"] == "rename_observations_processor"]
    step["config"]["rename_map"] = {"observation.images.ego": "observation.images.front"}
    path.write_text(json.dumps(steps))
    policy = loopyard.load_policy(folder)
    assert policy.predict_chunk(observation(0)).shape == (4, 2)


def test_a_type_that_this_lerobot_does_not_know(tmp_path):
    folder = diffusion(tmp_path / "there", {"ego": SIZE}, 3)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"type": "tomorrow"}))
    with pytest.raises(CheckpointError, match="one that the installed LeRobot loads"):
        loopyard.load_policy(folder)
