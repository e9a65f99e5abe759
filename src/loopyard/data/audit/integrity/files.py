"""Every file of a dataset by itself: is it there, is it whole, is it what it should be?

Nothing here needs the dataset to open, so that one damaged file does not hide the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from loopyard.core.errors import DatasetError
from loopyard.data.audit.report import Check, Verdict
from loopyard.data.containment import stray_entries
from loopyard.data.json_file import read_json
from loopyard.data.layout import INFO_FILE, OWN_EPISODES_FILE, OWN_FILE, STATS_FILE, TASKS_FILE
from loopyard.data.metadata import read_info
from loopyard.data.mp4_index import index_problem
from loopyard.data.own_facts import read_own
from loopyard.data.parquet_file import UNFINISHED, open_parquet, read_rows, unfinished
from loopyard.data.video import video_facts

EXECUTABLE = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".npy", ".so", ".py", ".sh")
"""Files that other software may execute when it loads them; this project never opens them."""
NOT_A_VIDEO = "a whole MP4 file"
VIDEO_UNFINISHED = (
    "an index (its recorder was killed before it closed the file: record these episodes again, or "
    "let 'loopyard audit --fix' keep the others)"
)


def parquet_files(root: Path) -> list[Path]:
    """Every Parquet file of the layout that is there."""
    tasks = [root / TASKS_FILE] if (root / TASKS_FILE).is_file() else []
    episodes = sorted((root / "meta" / "episodes").glob("chunk-*/file-*.parquet"))
    return [*sorted((root / "data").glob("chunk-*/file-*.parquet")), *episodes, *tasks]


def video_files(root: Path) -> list[Path]:
    return sorted((root / "videos").glob("*/chunk-*/file-*.mp4"))


def check_files(root: Path, *, video: bool = True) -> Iterator[Check]:
    """All that can be said of the files without what they mean together."""
    strays = list(stray_entries(root))
    told = [(path, found) for path, found in strays]
    yield _of_kind("outside the folder", told, "files within the dataset's folder")
    if strays:
        return  # nothing behind a link is looked at
    yield from _check_json(root)
    yield from _check_parquet(root)
    if video:
        yield from _check_videos(root)
    yield from _check_leftovers(root)


def _check_json(root: Path) -> Iterator[Check]:
    readers: dict[str, Callable[[], object]] = {
        INFO_FILE: lambda: read_info(root),
        STATS_FILE: lambda: read_json(root / STATS_FILE),
        OWN_FILE: lambda: read_own(root),
    }
    for name, read in readers.items():
        problem = _problem(read)
        yield Check(
            f"metadata: {Path(name).name}",
            "fail" if problem else "pass",
            problem or "readable",
            "readable, and as the format says",
            str(root / name) if problem else "",
        )
    if (root / OWN_FILE).is_file() and not (root / OWN_EPISODES_FILE).is_file():
        where = str(root / OWN_EPISODES_FILE)
        yield Check(
            "metadata: loopyard_episodes.jsonl", "fail", "missing", "a line a episode", where
        )


def _problem(read: Callable[[], object]) -> str:
    try:
        read()
    except DatasetError as error:
        return str(error)
    return ""


def _check_parquet(root: Path) -> Iterator[Check]:
    cut: list[tuple[Path, str]] = []
    damaged: list[tuple[Path, str]] = []
    for path in parquet_files(root):
        if unfinished(path):
            cut.append((path, "no footer"))
            continue
        whole = "data" not in path.relative_to(root).parts[:1]
        read = (lambda p=path: read_rows(p)) if whole else (lambda p=path: open_parquet(p))
        problem = _problem(read)
        if problem:
            damaged.append((path, problem.removeprefix(f"{path}: ")))
    yield _of_kind("parquet unfinished", cut, UNFINISHED)
    yield _of_kind("parquet damaged", damaged, "whole files")


def _check_videos(root: Path) -> Iterator[Check]:
    kinds: dict[str, list[tuple[Path, str]]] = {"unfinished": [], "damaged": []}
    for path in video_files(root):
        kind, found = index_problem(path)
        if not kind:
            found = _problem(lambda p=path: video_facts(p)).removeprefix(f"{path}: ")
            kind = "damaged"
        if found:
            kinds["unfinished" if kind == "unfinished" else "damaged"].append((path, found))
    yield _of_kind("video unfinished", kinds["unfinished"], VIDEO_UNFINISHED)
    yield _of_kind("video damaged", kinds["damaged"], NOT_A_VIDEO)


def _check_leftovers(root: Path) -> Iterator[Check]:
    pictures = next((root / "images").rglob("*.png"), None)
    staged = [path for path in (root / ".staging", root / ".shards") if _recording(path)]
    left = ([pictures] if pictures else []) + staged
    yield _of_kind(
        "recording left over",
        [(path, "pictures or episodes that are in no file of the dataset") for path in left],
        "nothing: a recorder was killed; what it had not written is not in the dataset",
        "warn",
    )
    found = [
        (path, "a file that runs code when it is loaded")
        for part in ("", "meta", "data", "videos")
        for path in sorted((root / part).glob("*") if part == "" else (root / part).rglob("*"))
        if path.suffix.lower() in EXECUTABLE
    ]
    yield _of_kind("foreign files", found, "data alone; these were not opened", "warn")


def _recording(folder: Path) -> bool:
    """Does a folder hold videos, which a seal would have moved out of it?"""
    return next(folder.rglob("*.mp4"), None) is not None


def _of_kind(
    name: str, found: list[tuple[Path, str]], wanted: str, severity: Verdict = "fail"
) -> Check:
    """One check of many files: the first ones are named."""
    if not found:
        return Check(name, "pass", "none", "none")
    first = "; ".join(f"{path}: {what}" for path, what in found[:4])
    more = f" and {len(found) - 4} more" if len(found) > 4 else ""
    files = "file" if len(found) == 1 else "files"
    return Check(name, severity, f"{len(found)} {files}: {first}{more}", wanted, str(found[0][0]))
