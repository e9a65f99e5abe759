"""What a run folder holds, read for showing: whatever is there, and a note where it is not whole.

An interrupted campaign has a report as well, so nothing here insists on a file. What cannot be
read is left out and named in `RunFolder.notes`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.evaluation.record import RolloutRecord, read_records

CYCLE_NAME = re.compile(r"\d{2,}")
SUITES = ("select", "gate")
Facts = dict[str, Any]


@dataclass(frozen=True)
class CycleFolder:
    """One cycle. facts: its row of result.json, filled up from its own files.

    modes: results by failure mode. registry: the failure modes after the cycle. curriculum: how
    widely it randomises after the cycle. ladder: which of its rungs are open after it.
    meanwhile: rollouts of its training's checkpoints while that went on, by the steps trained.
    """

    number: int
    facts: Facts
    losses: list[Facts]
    records: dict[str, list[RolloutRecord]]
    summaries: dict[str, Facts]
    videos: list[Path]
    generate: Facts
    audit: Facts
    modes: Facts = field(default_factory=dict)
    registry: Facts = field(default_factory=dict)
    curriculum: Facts = field(default_factory=dict)
    ladder: Facts = field(default_factory=dict)
    meanwhile: dict[int, Facts] = field(default_factory=dict)


@dataclass(frozen=True)
class RunFolder:
    """One campaign, as far as it came."""

    root: Path
    result: Facts
    settings: Facts
    measure: Facts
    plan: Facts
    cycles: list[CycleFolder]
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.settings.get("name") or self.root.name)

    @property
    def finished(self) -> bool:
        return "verdict" in self.gate

    @property
    def gate(self) -> Facts:
        """The gate's row of result.json, {} before there is one."""
        gate = self.result.get("gate")
        return gate if isinstance(gate, dict) else {}


def read_run_folder(root: Path) -> RunFolder:
    """Reads what is there.

    Raises:
        ConfigError: the folder is missing, or nothing in it is of a campaign.
    """
    wanted = "a run folder, with campaign.yaml, result.json or cycles/"
    if not root.is_dir():
        raise ConfigError(expected(str(root), "folder", "nothing there", wanted))
    if not any((root / name).exists() for name in ("campaign.yaml", "result.json", "cycles")):
        raise ConfigError(
            expected(str(root), "files", sorted(path.name for path in root.iterdir()), wanted)
        )
    reader = _Reader(root)
    result = reader.mapping("result.json")
    rows = {
        row["cycle"]: row
        for row in result.get("cycles", [])
        if isinstance(row, dict) and "cycle" in row
    }
    folders = sorted(
        path
        for path in (root / "cycles").glob("*")
        if path.is_dir() and CYCLE_NAME.fullmatch(path.name)
    )
    return RunFolder(
        root,
        result,
        reader.mapping("campaign.yaml"),
        reader.mapping("measure.json"),
        reader.mapping("plan.json"),
        [_read_cycle(reader, path, rows.get(int(path.name), {})) for path in folders],
        reader.notes,
    )


def _read_cycle(reader: _Reader, folder: Path, row: Facts) -> CycleFolder:
    name = f"cycles/{folder.name}"
    generate = reader.mapping(f"{name}/generate.json")
    facts: Facts = {"cycle": int(folder.name)}
    for own, theirs in (("episodes", "episodes"), ("frames", "frames"), ("generate_s", "wall_s")):
        if theirs in generate:
            facts[own] = generate[theirs]
    summaries = {suite: reader.mapping(f"{name}/rollouts/{suite}.json") for suite in SUITES}
    if summaries["select"]:
        facts["select"] = summaries["select"]
    facts |= reader.mapping(f"{name}/cycle.json") | row
    return CycleFolder(
        number=int(folder.name),
        facts=facts,
        losses=reader.rows(f"{name}/checkpoints/log.jsonl"),
        records={
            suite: reader.records(f"{name}/rollouts/{suite}.jsonl", summaries[suite])
            for suite in SUITES
        },
        summaries=summaries,
        videos=sorted((folder / "rollouts" / "videos").glob("*.mp4")),
        generate=generate,
        audit=reader.mapping(f"{name}/audit.json"),
        modes=reader.mapping(f"{name}/modes.json").get("modes", {}),
        registry=reader.mapping(f"{name}/registry.json"),
        curriculum=reader.mapping(f"{name}/curriculum.json"),
        ladder=reader.mapping(f"{name}/ladder.json"),
        meanwhile={
            int(path.parent.name.removeprefix("step_")): reader.mapping(
                f"{name}/meanwhile/{path.parent.name}/select.json"
            )
            for path in sorted(folder.glob("meanwhile/step_*/select.json"))
        },
    )


class _Reader:
    """Reads files of one folder, and notes those that are there but cannot be read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.notes: list[str] = []

    def mapping(self, name: str) -> Facts:
        """A JSON or YAML file's object; {} where there is none."""
        path = self._root / name
        if not path.exists():
            return {}
        try:
            text = path.read_text(encoding="utf-8")
            found = yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)
        except (OSError, ValueError, yaml.YAMLError) as error:
            self.notes.append(f"{name}: {type(error).__name__}, left out")
            return {}
        if isinstance(found, dict):
            return found
        self.notes.append(f"{name}: found {type(found).__name__}, expected an object; left out")
        return {}

    def rows(self, name: str) -> list[Facts]:
        """A JSONL file's whole lines."""
        path = self._root / name
        if not path.exists():
            return []
        rows: list[Facts] = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                self.notes.append(f"{name}: line {len(rows) + 1} is cut, left out with the rest")
                break
            if isinstance(row, dict):
                rows.append(row)
        return rows

    def records(self, name: str, summary: Facts) -> list[RolloutRecord]:
        """The records of the policy that the summary speaks of, else of the last one driven."""
        try:
            records = read_records(self._root / name)
        except DatasetError as error:
            self.notes.append(f"{error}; left out")
            return []
        policy = summary.get("policy") or (records[-1].policy if records else "")
        return [record for record in records if record.policy == policy]
