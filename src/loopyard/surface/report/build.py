"""Builds report/index.html of a run folder: one page and its films, nothing from a network."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from loopyard.core.clock import Clock, SystemClock
from loopyard.store.atomic import write_text
from loopyard.surface.report import sections
from loopyard.surface.report.curriculum_section import curriculum
from loopyard.surface.report.diagnosis_section import why_failed
from loopyard.surface.report.modes_section import failure_modes
from loopyard.surface.report.run_folder import RunFolder, read_run_folder
from loopyard.surface.report.wording import count, duration, flat, plain

PACKAGE = "loopyard.surface.report"
PAGE = "report.html.j2"
MAX_FILMS = 12


def report(run_folder: Path | str, *, clock: Clock | None = None) -> Path:
    """Writes ``<run_folder>/report/index.html`` and returns its path.

    A campaign that is not finished gives a page of what is there. The folder stands alone: films
    are copied into it.

    Raises:
        ConfigError: the folder is missing, or is no run folder.
        NoSpaceError: the disk is full.
    """
    run = read_run_folder(Path(run_folder))
    folder = run.root / "report"
    films = _films(run, folder / "films")
    made = datetime.fromtimestamp((clock or SystemClock()).wall(), UTC)
    page = folder / "index.html"
    write_text(page, render(run, films, made))
    return page


def render(run: RunFolder, films: list[dict[str, Any]], made: datetime) -> str:
    """The page. films: as `_films` gives them; made: when, for the foot of the page."""
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["plain"] = plain
    loader = environment.loader
    assert loader is not None
    style = loader.get_source(environment, "style.css")[0]
    cycles = sections.cycles(run)
    times = sections.times(run)
    for part, names in ((cycles, ("success", "against_loss", "loss")), (times, ("chart",))):
        # Only what matplotlib drew here is trusted as markup; all text of a run is escaped.
        part.update({name: Markup(part[name]) for name in names if part[name]})
    return environment.get_template(PAGE).render(
        name=run.name,
        style=Markup(style),
        verdict=sections.verdict(run),
        asked=sections.asked(run),
        cycles=cycles,
        modes=failure_modes(run),
        curriculum=curriculum(run),
        failures=sections.failures(run),
        why=why_failed(run),
        films=films,
        times=times,
        settings=flat(run.settings),
        measured=flat(run.measure),
        planned=flat(run.plan),
        machine=flat(run.result.get("machine") or {}),
        best=run.result.get("best"),
        notes=run.notes,
        made=made.strftime("%Y-%m-%d %H:%M UTC"),
    )


def _films(run: RunFolder, folder: Path) -> list[dict[str, Any]]:
    """Copies the films worth showing, the latest cycle's gate first, and says what each shows."""
    chosen: list[dict[str, Any]] = []
    for cycle in reversed(run.cycles):
        records = {
            Path(record.video).name: (suite, record)
            for suite in ("gate", "select")
            for record in cycle.records[suite]
            if record.video
        }
        for path in sorted(cycle.videos, key=lambda path: (path.name not in records, path.name)):
            suite, record = records.get(path.name, ("", None))
            chosen.append(
                {
                    "path": path,
                    "file": f"films/{cycle.number:02}-{path.name}",
                    "success": record.outcome.success if record else "success" in path.name,
                    "title": f"scene {count(record.seed)}" if record else plain(path.stem),
                    "text": f"{plain(record.outcome.reason)}, {duration(record.outcome.seconds)}"
                    if record
                    else "",
                    "where": f"cycle {cycle.number}{', ' + suite if suite else ''}",
                }
            )
    chosen = chosen[:MAX_FILMS]
    shutil.rmtree(folder, ignore_errors=True)
    for film in chosen:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(film.pop("path"), folder.parent / film["file"])
    return chosen
