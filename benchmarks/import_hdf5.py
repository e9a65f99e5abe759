"""Frames a second of importing ALOHA's HDF5, raw and as JPEG, and what encoding alone allows.

Encoding alone: the same pictures, in memory already, through as many processes' encoders with the
same statistics. The share is what it takes of the import's processor time, the start of workers and
the seal included, which a machine that others use as well hardly changes. Rates are of the clock.

    python benchmarks/import_hdf5.py [--episodes 4] [--frames 200] [--cameras 2] [--workers 0]
"""

from __future__ import annotations

import argparse
import io
import resource
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import h5py
import numpy as np
from PIL import Image

from _encoding import HEIGHT, KINDS, WIDTH, Encoding, picture
from _record import record
from loopyard.core.machine import usable_cores
from loopyard.data.importers import import_recordings
from loopyard.data.video import VideoSettings
from loopyard.executors.local import LocalExecutor

TURNS = 3


def write(folder: Path, options: argparse.Namespace, *, compress: bool) -> None:
    pictures = [picture(number) for number in range(KINDS)]
    files = []
    for image in pictures:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=50)  # as ACT's record_episodes
        files.append(buffer.getvalue())
    width = max(map(len, files))
    order = [frame % KINDS for frame in range(options.frames)]
    rng = np.random.default_rng(0)
    folder.mkdir()
    for episode in range(options.episodes):
        with h5py.File(folder / f"episode_{episode}.hdf5", "w") as file:
            file.attrs["sim"], file.attrs["compress"] = False, compress
            for name in ("observations/qpos", "action"):
                file[name] = rng.normal(0, 1, (options.frames, 14))
            for camera in range(options.cameras):
                name = f"observations/images/cam_{camera}"
                if compress:
                    packed = [np.frombuffer(files[n].ljust(width, b"\0"), np.uint8) for n in order]
                    file[name] = np.stack(packed)
                    continue
                images = file.create_dataset(
                    name, (options.frames, HEIGHT, WIDTH, 3), "u1", chunks=(1, HEIGHT, WIDTH, 3)
                )
                for frame, kind in enumerate(order):
                    images[frame] = pictures[kind]


def cpu_s() -> float:
    """Processor seconds of this process and of its ended children."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=4)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    workers = options.workers or usable_cores()
    images = options.episodes * options.frames * options.cameras
    seconds: dict[str, list[float]] = {"raw": [], "jpeg": [], "encoding": []}
    processor_s: dict[str, list[float]] = {"raw": [], "jpeg": [], "encoding": []}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for form in ("raw", "jpeg"):
            write(root / form, options, compress=form == "jpeg")
        for turn in range(TURNS):
            for form in ("raw", "jpeg"):
                begin_s, begin_cpu_s = time.monotonic(), cpu_s()
                import_recordings(
                    "act", root / form, root / f"out-{form}-{turn}", LocalExecutor(workers)
                )
                seconds[form].append(time.monotonic() - begin_s)
                processor_s[form].append(cpu_s() - begin_cpu_s)
            folder = root / f"encoded-{turn}"
            folder.mkdir()
            make = partial(Encoding, folder, options.frames, options.cameras)
            took = list(LocalExecutor(workers).map(make, range(options.episodes)))
            seconds["encoding"].append(sum(wall_s for wall_s, _ in took) / workers)
            processor_s["encoding"].append(sum(own_s for _, own_s in took))
    encoding_s = median(seconds["encoding"])
    encoding_cpu_s = median(processor_s["encoding"])
    facts = {
        "episodes": options.episodes,
        "frames_an_episode": options.frames,
        "cameras": options.cameras,
        "size": [WIDTH, HEIGHT],
        "workers": workers,
        "video": VideoSettings().model_dump(),
        "encoding_alone_images_per_s": round(images / encoding_s, 1),
        "encoding_alone_processor_ms": round(1000 * encoding_cpu_s / images, 2),
        "peak_memory_of_a_worker_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        // 1024,
    }
    for form in ("raw", "jpeg"):
        took_s = median(seconds[form])
        facts[form] = {
            "images_per_s": round(images / took_s, 1),
            "seconds": [round(value, 2) for value in seconds[form]],
            "processor_ms_an_image": round(1000 * median(processor_s[form]) / images, 2),
            "encoding_share_of_processor_time": round(
                encoding_cpu_s / median(processor_s[form]), 3
            ),
        }
    record("import_hdf5", facts)


if __name__ == "__main__":
    main()
