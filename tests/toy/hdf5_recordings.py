"""Small HDF5 recordings as others write them: ACT, robomimic and Mobile VLA."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 64, 48
CAMERAS = ("top", "wrist")
SIDES = ("left", "right")


def picture(episode: int, frame: int, camera: int = 0) -> np.ndarray:
    """(48, 64, 3) uint8, smooth; red grows to the right, a square moves, blue is the episode's."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[..., 0] = np.linspace(30, 200, WIDTH, dtype=np.uint8)
    image[..., 1] = 50 + 60 * camera
    image[..., 2] = 20 + 10 * episode
    left = (2 * frame) % (WIDTH - 16)
    image[16:32, left : left + 16] = 230
    return image


def numbers(episode: int, frames: int, size: int) -> np.ndarray:
    rng = np.random.default_rng([episode, size])
    return rng.normal(0, 2, (frames, size)).astype(np.float32)


def act_file(
    path: Path, episode: int = 0, frames: int = 12, *, compress: bool = False, **more: Any
) -> Path:
    """One episode as ACT records it; ``more`` replaces arrays by name, None leaves them out."""
    images = {
        f"observations/images/{name}": np.stack(
            [picture(episode, frame, camera) for frame in range(frames)]
        )
        for camera, name in enumerate(CAMERAS)
    }
    lengths = []
    if compress:
        for name, pictures in images.items():
            files = [jpeg(image) for image in pictures]
            lengths.append([len(file) for file in files])
            images[name] = padded(files)
    arrays: dict[str, Any] = {
        **images,
        "observations/qpos": numbers(episode, frames, 14),
        "observations/qvel": numbers(episode + 100, frames, 14),
        "action": numbers(episode + 200, frames, 14),
    }
    arrays |= {"compress_len": np.array(lengths)} if compress else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["sim"], file.attrs["compress"] = True, compress
        for name, values in (arrays | more).items():
            if values is not None:
                file[name] = values
    return path


def jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def padded(files: list[bytes]) -> np.ndarray:
    """(T, L) uint8: each file with zeros behind."""
    width = max(map(len, files)) + 3
    return np.stack([np.frombuffer(file.ljust(width, b"\0"), np.uint8) for file in files])


def write_act(folder: Path, episodes: int = 3) -> Path:
    for episode in range(episodes):
        act_file(folder / f"episode_{episode}.hdf5", episode, 12 + episode)
    return folder


def write_act_jpeg(folder: Path, episodes: int = 3) -> Path:
    for episode in range(episodes):
        act_file(folder / f"episode_{episode}.hdf5", episode, 12 + episode, compress=True)
    return folder


def write_robomimic(path: Path, episodes: int = 3) -> Path:
    """One file of demonstrations, the last of them without a reward; ``path`` is its folder."""
    path.mkdir(parents=True, exist_ok=True)
    with h5py.File(path / "image.hdf5", "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps(
            {"env_name": "Lift", "type": 1, "env_kwargs": {"control_freq": 20}}
        )
        for episode in range(episodes):
            frames = 12 + episode
            demo = data.create_group(f"demo_{episode}")
            demo.attrs["num_samples"] = frames
            demo["actions"] = np.clip(numbers(episode, frames, 7), -1, 1).astype(np.float64)
            demo["obs/robot0_eef_pos"] = numbers(episode, frames, 3).astype(np.float64)
            demo["obs/robot0_gripper_qpos"] = numbers(episode, frames, 2).astype(np.float64)
            demo["obs/object"] = numbers(episode, frames, 10).astype(np.float64)
            demo.create_dataset(
                "obs/agentview_image",
                data=np.stack([picture(episode, frame) for frame in range(frames)]),
                compression="gzip",
            )
            rewards = np.zeros(frames)
            rewards[-1] = float(episode < episodes - 1)
            demo["rewards"] = rewards
        names = [f"demo_{episode}" for episode in range(episodes)]
        file["mask/train"] = np.array(names[:-1], dtype="S8")
        file["mask/valid"] = np.array(names[-1:], dtype="S8")
    return path


def mobile_vla_name(episode: int) -> str:
    side, evening = SIDES[episode % 2], "_evening" if episode == 2 else ""
    return f"episode_20251106_14{episode:02d}00_1box_hori_{side}_core_medium{evening}.h5"


def write_mobile_vla(folder: Path, episodes: int = 3) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for episode in range(episodes):
        frames = 12 + episode
        actions = np.zeros((frames, 3), np.float32)
        actions[:, 0] = np.linspace(0, 1.15, frames)
        actions[:, 1] = np.linspace(-1.15, 1.15, frames)
        with h5py.File(folder / mobile_vla_name(episode), "w") as file:
            file["images"] = np.stack([picture(episode, frame) for frame in range(frames)])
            file["actions"] = actions
            kinds = ["episode_start", *["start_action"] * (frames - 1)]
            file["action_event_types"] = np.array(kinds, dtype="S16")
    return folder
