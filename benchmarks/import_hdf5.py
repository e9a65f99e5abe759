"""Frames a second of importing ALOHA's HDF5, raw and as JPEG, and what encoding alone allows.

Encoding alone: the same pictures, as RGB in memory already, through as many processes' encoders
with the same statistics. Shares are of the import's processor time, the start of workers and the
seal included, which a machine that others use as well hardly changes: what encoding and making YUV
of pictures takes is measured inside the import. Rates are of the clock.

    python benchmarks/import_hdf5.py [--episodes 4] [--frames 200] [--cameras 2] [--workers 0]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import h5py
import numpy as np

from _encoding import HEIGHT, KINDS, WIDTH, Encoding, jpeg, picture
from _parts import WatchedExecutor
from _record import record
from loopyard.core.machine import usable_cores
from loopyard.data.importers import import_recordings
from loopyard.data.video import VideoSettings
from loopyard.executors.local import LocalExecutor

TURNS = 3
FORMS = ("raw", "jpeg")


def write(folder: Path, options: argparse.Namespace, *, compress: bool) -> None:
    pictures = [picture(number) for number in range(KINDS)]
    files = [jpeg(image) for image in pictures]
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


def _processor_ms(
    turns: list[tuple[float, float, dict[str, float]]], images: int
) -> dict[str, float]:
    """Milliseconds an image, medians: all, and the parts. outside_jobs: this process, the look
    through the files, and what workers do between and after their jobs."""
    names = sorted({name for _, _, parts in turns for name in parts})
    found = {"all": median(took_cpu_s for _, took_cpu_s, _ in turns)}
    found |= {name: median(parts[name] for _, _, parts in turns) for name in names}
    found["outside_jobs"] = median(
        took_cpu_s - sum(parts.values()) for _, took_cpu_s, parts in turns
    )
    return {name: round(1000 * seconds / images, 2) for name, seconds in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=4)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    workers = options.workers or usable_cores()
    images = options.episodes * options.frames * options.cameras
    imports: dict[str, list[tuple[float, float, dict[str, float]]]] = {form: [] for form in FORMS}
    alone: dict[str, list[list[float]]] = {form: [] for form in FORMS}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for form in FORMS:
            write(root / form, options, compress=form == "jpeg")
        for turn in range(TURNS):
            for form in FORMS:
                executor = WatchedExecutor(workers)
                begin_s, begin_cpu_s = time.monotonic(), cpu_s()
                import_recordings("act", root / form, root / f"out-{form}-{turn}", executor)
                took_s, took_cpu_s = time.monotonic() - begin_s, cpu_s() - begin_cpu_s
                imports[form].append((took_s, took_cpu_s, executor.seconds))
                folder = root / f"encoded-{form}-{turn}"
                folder.mkdir()
                make = partial(Encoding, folder, options.frames, options.cameras, form == "jpeg")
                took = list(LocalExecutor(workers).map(make, range(options.episodes)))
                alone[form].append([sum(part) for part in zip(*took, strict=True)])
    facts = {
        "episodes": options.episodes,
        "frames_an_episode": options.frames,
        "cameras": options.cameras,
        "size": [WIDTH, HEIGHT],
        "workers": workers,
        "video": VideoSettings().model_dump(),
        "peak_memory_of_a_worker_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        // 1024,
    }
    for form in FORMS:
        rate = images / median(took_s for took_s, _, _ in imports[form])
        alone_rate = images * workers / median(wall_s for wall_s, _ in alone[form])
        facts[form] = {
            "images_per_s": round(rate, 1),
            "seconds": [round(took_s, 2) for took_s, _, _ in imports[form]],
            "encoding_alone_images_per_s": round(alone_rate, 1),
            "share_of_encoding_alone": round(rate / alone_rate, 3),
            "processor_ms_an_image": _processor_ms(imports[form], images),
            "encoding_alone_processor_ms": round(
                1000 * median(own_s for _, own_s in alone[form]) / images, 2
            ),
            "encoding_share_of_processor_time": round(
                median(
                    (parts["encoding"] + parts["converting"]) / took_cpu_s
                    for _, took_cpu_s, parts in imports[form]
                ),
                3,
            ),
        }
    record("import_hdf5", facts)


if __name__ == "__main__":
    main()
