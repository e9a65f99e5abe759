"""The section on why rollouts failed: classes and patterns counted, the first failures shown."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from loopyard.evaluation.diagnosis.diagnosis import CLASSES, PATTERNS
from loopyard.evaluation.diagnosis.suite import NAME
from loopyard.surface.report.language import say
from loopyard.surface.report.run_folder import RunFolder
from loopyard.surface.report.wording import count, duration, interval, percent

SHOWN = 6
EVIDENCE_FILE = re.compile(r"diagnosis/[A-Za-z0-9_.-]+/[0-9a-f]{16}-\d+\.(png|mp4)")
"""Nothing else that a diagnosis.json names is copied."""
NOTHING: dict[str, Any] = {"rows": [], "shown": [], "clusters": []}


def why_failed(run: RunFolder) -> dict[str, Any]:
    """Of the latest cycle with a diagnosis, its judged suite: counts, clusters, evidence.

    Pictures and clips are copied into the report's folder, so that it stands alone.
    """
    for cycle in reversed(run.cycles):
        folder = run.root / "cycles" / f"{cycle.number:02}" / "rollouts"
        suites = _suites(folder / NAME, run)
        suite = next((suites[name] for name in ("gate", "select") if name in suites), None)
        if suite is not None:
            try:
                return _section(suite, folder, run.root / "report" / "diagnosis")
            except (KeyError, TypeError, ValueError) as error:
                run.notes.append(f"{folder / NAME}: {type(error).__name__}, left out")
    return NOTHING


def _suites(path: Path, run: RunFolder) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["suites"]
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        run.notes.append(f"{path.relative_to(run.root)}: {type(error).__name__}, left out")
        return {}


def _section(suite: dict[str, Any], folder: Path, into: Path) -> dict[str, Any]:
    rows = []
    for kind, meanings in (("classes", CLASSES), ("patterns", PATTERNS)):
        for name, row in suite[kind].items():
            if row["count"]:
                rows.append(
                    {
                        "name": str(name),
                        "meaning": say(meanings.get(name, "")),
                        "count": count(row["count"]),
                        "share": percent(row["share"]),
                        "interval": interval(row["wilson_95"]),
                    }
                )
    clusters = [
        say(
            "{n} begin near x {x} m, y {y} m, about {after} in: {label}",
            n=cluster["n"],
            x=cluster["x_m"],
            y=cluster["y_m"],
            after=duration(cluster["onset_s"]),
            label=cluster["label"],
        )
        for cluster in suite["clusters"]
    ]
    shutil.rmtree(into, ignore_errors=True)
    with_picture = [failure for failure in suite["failures"] if failure.get("picture")]
    shown = [_shown(failure, folder, into) for failure in _each_kind(with_picture)[:SHOWN]]
    return {
        "suite": str(suite["suite"]),
        "n": suite["n"],
        "failed": suite["failed"],
        "without": suite["without_trace"],
        "rows": rows,
        "clusters": clusters,
        "shown": shown,
    }


def _each_kind(failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of each class and set of patterns before the second of any."""
    seen: dict[str, int] = {}
    ranked = []
    for place, failure in enumerate(failures):
        kind = _name(failure) + " ".join(sorted(found["name"] for found in failure["patterns"]))
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((seen[kind], place, failure))
    return [failure for *_, failure in sorted(ranked, key=lambda one: one[:2])]


def _name(failure: dict[str, Any]) -> str:
    """The class, or in a world that has none the first pattern."""
    found = [failure["class"], *failure["patterns"]]
    return next((str(one["name"]) for one in found if one), "no class")


def _shown(failure: dict[str, Any], folder: Path, into: Path) -> dict[str, Any]:
    findings = [failure["class"], *failure["patterns"]]
    return {
        "title": say("scene {seed}", seed=count(failure["seed"])),
        "name": _name(failure),
        "mode": failure.get("mode") or "",
        "texts": [f"{found['name']}: {found['text']}" for found in findings if found],
        "picture": _copied(failure.get("picture"), folder, into),
        "clip": _copied(failure.get("clip"), folder, into),
    }


def _copied(name: str | None, folder: Path, into: Path) -> str | None:
    """The file's address for the page, once it is there."""
    if not name or not EVIDENCE_FILE.fullmatch(name) or not (folder / name).is_file():
        return None
    into.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / name, into / Path(name).name)
    return f"diagnosis/{Path(name).name}"
