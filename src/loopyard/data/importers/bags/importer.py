"""ROS 1 and ROS 2 bags and MCAP files: one bag an episode, a folder of bags a dataset.

A bag is read twice. The first time its stamps and numbers are kept, and no picture: they say where
the episode begins and ends, and which picture belongs to which tick. The second time the pictures
chosen are decoded as they come by; no more than a few wait for those of other cameras.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from loopyard.core.specs import CameraSpec
from loopyard.data.importers.bags.clock import NS, Timeline, timeline
from loopyard.data.importers.bags.layout import Layout, layout_of, require_topics
from loopyard.data.importers.bags.messages import Bag, Topic, find_bags
from loopyard.data.importers.bags.pictures import pictures
from loopyard.data.importers.bags.scan import Scan, scan
from loopyard.data.importers.bags.topics import BagParams, choose
from loopyard.data.importers.importer import EpisodeFacts, EpisodeRef, Frame, Recording


@dataclass(frozen=True)
class _First:
    """The first bag, read once."""

    path: Path
    found: Scan
    layout: Layout


class BagsImporter:
    """Importer of bags; `BagParams` are its settings."""

    name: ClassVar[str] = "bags"
    Params: ClassVar[type[BagParams]] = BagParams

    def __init__(self, source: Path, params: BagParams) -> None:
        self._source, self._params = source, params
        self._first: _First | None = None

    def episodes(self) -> Sequence[EpisodeRef]:
        return [EpisodeRef(path.name, path) for path in find_bags(self._source)]

    def open(self, ref: EpisodeRef) -> Recording:
        if self._first is None:
            self._first = self._look(find_bags(self._source)[0])
        layout, found = self._first.layout, self._first.found
        if ref.path != self._first.path:
            found = self._scan(ref.path, layout)
        ticks = self._timeline(str(ref.path), layout, found)
        cameras = layout.choice.cameras
        spec = replace(
            layout.spec, cameras=tuple(CameraSpec(name, *found.sizes[name]) for name in cameras)
        )
        return Recording(
            spec,
            _frames(ref.path, cameras, ticks, spec.fps),
            self._facts(layout, found, ticks),
        )

    def _look(self, path: Path) -> _First:
        with Bag(path) as bag:
            choice = choose(str(path), bag.topics, self._params)
            found = scan(bag, choice.cameras, choice.parts, self._params)
        return _First(path, found, layout_of(str(path), choice, found, self._params))

    def _scan(self, path: Path, layout: Layout) -> Scan:
        with Bag(path) as bag:
            require_topics(str(path), bag.topics, layout.choice)
            return scan(bag, layout.choice.cameras, layout.choice.parts, self._params)

    def _timeline(self, where: str, layout: Layout, found: Scan) -> Timeline:
        params, fps = self._params, layout.spec.fps
        state, action = layout.channels(where, found)
        return timeline(
            where,
            found.pictures,
            state,
            action,
            fps=fps,
            tolerance_s=params.tolerance_s or 1 / fps,
            linear=params.numbers == "linear",
            max_gap_s=params.max_gap_s,
        )

    def _facts(self, layout: Layout, found: Scan, ticks: Timeline) -> EpisodeFacts:
        topics = layout.topics
        notes = [f"{name} is a guess: {topics[name]}" for name in layout.choice.guessed]
        return EpisodeFacts(
            task=found.task,
            rejected=ticks.ended if self._params.on_gap == "reject" else None,
            notes=(*notes, *([ticks.ended] if ticks.ended else [])),
            meta={"start_s": ticks.start_ns / NS, "topics": topics, "ended": ticks.ended},
        )


def _frames(
    path: Path, cameras: dict[str, Topic], ticks: Timeline, fps: int
) -> Generator[Frame, None, None]:
    with Bag(path) as bag:
        for tick, images in enumerate(pictures(bag, cameras, ticks.pictures)):
            yield Frame(tick / fps, images, ticks.state[tick], ticks.action[tick])
