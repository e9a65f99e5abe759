"""The run of an import: episode by episode through workers into a dataset, whatever the form."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.core.specs import WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.data.episode import EpisodeRow
from loopyard.data.importers.importer import EpisodeRef, Recording
from loopyard.data.importers.one_episode import EpisodeImport, Plan
from loopyard.data.importers.registry import make_importer, sniffed
from loopyard.data.importers.transform import Transform
from loopyard.data.json_file import read_json
from loopyard.data.layout import INFO_FILE
from loopyard.data.video import VideoSettings
from loopyard.executors.executor import Executor
from loopyard.store.atomic import write_json

AUTO = "auto"
"""In place of a form's name: whichever it is."""
IMPORT_FILE = "meta/import.json"
"""What is being imported here: an import that goes on must be the same."""


@dataclass(frozen=True)
class Imported:
    """What one call of `import_recordings` gave. notes: what a user should look at, in words."""

    dataset: Dataset
    new_episodes: int
    notes: list[str] = field(default_factory=list)


def import_recordings(
    name: str,
    source: Path,
    out: Path,
    executor: Executor,
    *,
    params: dict[str, Any] | None = None,
    transform: Transform | None = None,
    only: Sequence[int] | None = None,
    on_start: Callable[[int, int], None] | None = None,
    on_episode: Callable[[EpisodeRow], None] | None = None,
) -> Imported:
    """Read every episode of ``source`` into a dataset at ``out``, and seal it.

    Each episode is durable as soon as it is read; the same call goes on where it was stopped, and
    changes nothing where it was done. No more than a few frames a worker are in memory.

    Args:
        name, params: as `make_importer` has them, or ``auto``. only: these episodes, by their place
            in the listing; None for all. on_start: told how many episodes there are, and how many
            of them are there already.

    Raises:
        ConfigError: no such form, or settings that do not fit. DatasetError: names the file and
            field that is missing, damaged or does not fit; ``out`` holds something else.
        NoSpaceError: the disk is full.
    """
    out, transform = Path(out), transform or Transform()
    name = sniffed(source, params) if name == AUTO else name
    importer = make_importer(name, source, params)
    check = getattr(importer, "check", None)
    if check is not None and not (out / INFO_FILE).exists():
        check()
    refs = chosen(importer.episodes(), only, str(source))
    jobs = slots_of(refs)
    _claim(out, _facts(name, params, transform, refs))
    if (out / INFO_FILE).exists():
        return Imported(open_dataset(out), 0)
    first = importer.open(refs[0])
    plan = Plan(
        importer=name,
        source=Path(source),
        params=params or {},
        transform=transform,
        out=out,
        spec=transform.spec(first.spec),
        recorded_spec=first.spec,
        video=_video(first, transform),
        chunk_size=0 if transform.fps else first.chunk_size,
    )
    builder = DatasetBuilder(
        out,
        plan.spec,
        video=plan.video,
        chunk_size=plan.chunk_size,
        lineage=_lineage(plan, first.spec, getattr(importer, "lineage", None)),
    )
    rows = builder.slots()
    if on_start is not None:
        on_start(len(refs), len(rows))
    left = [(slot, ref) for slot, ref in jobs if slot not in rows]
    notes = Counter[str]()
    for row, found in executor.map(partial(EpisodeImport, plan), left):
        notes.update(found)
        if on_episode is not None:
            on_episode(row)
    told = [f"{count} of {len(left)} episodes: {note}" for note, count in notes.items()]
    return Imported(builder.seal(), len(left), told)


def chosen(refs: Sequence[EpisodeRef], only: Sequence[int] | None, source: str) -> list[EpisodeRef]:
    """The episodes at these places of a listing, each once. Raises ConfigError: no such place."""
    if only is None:
        return list(refs)
    wrong = [place for place in only if not 0 <= place < len(refs)]
    if wrong or not only:
        raise ConfigError(expected(source, "--episodes", wrong, f"some of 0 to {len(refs) - 1}"))
    return [refs[place] for place in sorted(set(only))]


def slots_of(refs: Sequence[EpisodeRef]) -> list[tuple[int, EpisodeRef]]:
    """Each episode's place in the dataset: the one it tells, or the one it is listed at.

    Raises:
        DatasetError: two of them claim one place.
    """
    slots: dict[int, EpisodeRef] = {}
    for number, ref in enumerate(refs):
        slot = number if ref.slot is None else ref.slot
        if slot < 0 or slot in slots:
            other = slots[slot].name if slot in slots else "none"
            raise DatasetError(
                expected(ref.name, "slot", slot, f"one of its own (also claimed by: {other})")
            )
        slots[slot] = ref
    return sorted(slots.items(), key=lambda item: item[0])


def _facts(
    name: str, params: dict[str, Any] | None, transform: Transform, refs: Sequence[EpisodeRef]
) -> dict[str, Any]:
    return {
        "format": name,
        "params": params or {},
        "transform": transform.facts(),
        "episodes": [ref.name for ref in refs],
    }


def _claim(out: Path, facts: dict[str, Any]) -> None:
    """Mark ``out`` as this import's, unless it is something else already."""
    mark = out / IMPORT_FILE
    facts = json.loads(json.dumps(facts))
    if mark.is_file() and _is_begun(out):
        found = read_json(mark)
        for field_name, wanted in facts.items():
            told = found.get(field_name) if isinstance(found, dict) else None
            if told != wanted:
                raise DatasetError(
                    expected(
                        str(mark), field_name, told, f"{wanted}: another import was begun here"
                    )
                )
    elif (out / INFO_FILE).exists():
        raise DatasetError(expected(str(out), "folder", "a dataset", "an empty folder"))
    elif out.exists() and not mark.is_file() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(expected(str(out), "folder", "something else", "an empty folder"))
    else:
        write_json(mark, facts)


def _is_begun(out: Path) -> bool:
    """Whether an episode is there already; before that, settings may still be mended."""
    places = ((out / ".shards").glob("[0-9]*"), (out / "failed").glob("[0-9]*"))
    return (out / INFO_FILE).exists() or any(path for place in places for path in place)


def _video(first: Recording, transform: Transform) -> VideoSettings:
    copied = first.videos is not None and transform.keeps_images
    return first.videos.settings if copied and first.videos else VideoSettings()


def _lineage(plan: Plan, recorded: WorldSpec, earlier: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "made_by": "import",
        "format": plan.importer,
        "source": str(plan.source),
        "params": plan.params,
        "transform": plan.transform.facts(),
        "recorded": {
            "fps": recorded.fps,
            "cameras": {camera.name: [camera.width, camera.height] for camera in recorded.cameras},
        },
        **({"earlier": earlier} if earlier else {}),
    }
