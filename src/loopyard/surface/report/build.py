"""Builds report/index.html of a run folder: one page and its films, nothing from a network."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import StoreError
from loopyard.cycle.accounts.cost import Cost, calls_cost, cost_of, rate_of
from loopyard.cycle.accounts.history import History, read_history
from loopyard.store.atomic import write_text
from loopyard.surface.report import sections
from loopyard.surface.report.curriculum_section import curriculum
from loopyard.surface.report.diagnosis_section import why_failed
from loopyard.surface.report.language import ENGLISH, say, say_in_chart, speaking, spoken
from loopyard.surface.report.lessons_section import lessons
from loopyard.surface.report.modes_section import failure_modes
from loopyard.surface.report.plan_actual import Review, plan_against_actual
from loopyard.surface.report.review_section import reviews
from loopyard.surface.report.run_folder import Facts, RunFolder, read_run_folder
from loopyard.surface.report.strata_section import ladder, strata
from loopyard.surface.report.timeline_section import costs, timeline
from loopyard.surface.report.wording import count, duration, flat, plain

PACKAGE = "loopyard.surface.report"
PAGE = "report.html.j2"
MARKDOWN = "plan-against-actual.md.j2"
PROOF = "proof/index.html"
"""Of `loopyard.surface.vla_proof`, in the run folder."""
MAX_FILMS = 12


@dataclass(frozen=True)
class Wishes:
    """How a report is to be made; what is None is as the campaign's settings say.

    lang: ``en`` or ``ko``. machine, machine_price, prices: `loopyard.cycle.accounts.cost.rate_of`.
    """

    lang: str | None = None
    machine: str | None = None
    machine_price: float | None = None
    prices: Path | None = None

    def or_those_of(self, settings: Facts) -> Wishes:
        own = {name: value for name, value in asdict(self).items() if value is not None}
        found = {field.name: settings.get(field.name) for field in fields(self)} | own
        prices = found.pop("prices")
        return Wishes(**found, prices=Path(prices) if prices else None)


def report(
    run_folder: Path | str, wishes: Wishes | None = None, *, clock: Clock | None = None
) -> Path:
    """Writes ``<run_folder>/report/index.html`` and returns its path.

    A campaign that is not finished gives a page of what is there. The folder stands alone: films
    are copied into it. Once there is a plan, ``plan-against-actual.md`` is written beside it.

    Raises:
        ConfigError: the folder is missing, or is no run folder; a price file or language is none.
        NoSpaceError: the disk is full.
    """
    run = read_run_folder(Path(run_folder))
    wishes = (wishes or Wishes()).or_those_of(run.settings)
    folder = run.root / "report"
    with speaking(wishes.lang or ENGLISH):
        history = _history(run)
        cost = _cost(run, history, wishes)
        review = plan_against_actual(run, history, cost)
        films = _films(run, folder / "films")
        made = datetime.fromtimestamp((clock or SystemClock()).wall(), UTC)
        page = folder / "index.html"
        write_text(page, _page(run, history, films, made, cost, review))
        if review is not None:
            text = _environment().get_template(MARKDOWN).render(name=run.name, review=review)
            write_text(folder / MARKDOWN.removesuffix(".j2"), text)
    return page


def _history(run: RunFolder) -> History:
    try:
        return read_history(run.root)
    except StoreError as error:
        run.notes.append(f"{error}; left out")
        return History()


def _cost(run: RunFolder, history: History, wishes: Wishes) -> Cost | None:
    rate = rate_of(wishes.machine, wishes.machine_price, wishes.prices)
    if rate is None or not history.timeline.end_s:
        return None
    return cost_of(
        history.timeline,
        rate,
        successes=run.gate.get("successes") or 0,
        promoted=run.gate.get("verdict") == "promote",
        calls=calls_cost(run.root),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["plain"] = plain
    environment.globals["_"] = say
    return environment


def _page(
    run: RunFolder,
    history: History,
    films: list[dict[str, Any]],
    made: datetime,
    cost: Cost | None,
    review: Review | None,
) -> str:
    """films: as `_films` gives them; made: when, for the foot of the page."""
    environment = _environment()
    loader = environment.loader
    assert loader is not None
    style = loader.get_source(environment, "style.css")[0]
    cycles = sections.cycles(run)
    times = sections.times(run)
    clock = timeline(history)
    charts = ((cycles, ("success", "against_loss", "loss")), (times, ("chart",)))
    for part, names in (*charts, (clock, ("chart",))):
        # Only what matplotlib drew here is trusted as markup; all text of a run is escaped.
        part.update({name: Markup(say_in_chart(part[name])) for name in names if part[name]})
    return environment.get_template(PAGE).render(
        lang=spoken(),
        name=run.name,
        style=Markup(style),
        verdict=sections.verdict(run),
        asked=sections.asked(run),
        cycles=cycles,
        modes=failure_modes(run),
        curriculum=curriculum(run),
        strata=strata(run),
        ladder=ladder(run),
        lessons=lessons(run),
        failures=sections.failures(run),
        why=why_failed(run),
        films=films,
        times=times,
        timeline=clock,
        reviews=reviews(run, history),
        costs=costs(cost),
        plan_actual=review,
        settings=flat(run.settings),
        measured=flat(run.measure),
        planned=flat(run.plan),
        machine=flat(run.result.get("machine") or {}),
        best=run.result.get("best"),
        proof=PROOF if (run.root / PROOF).exists() else None,
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
                    "title": say("scene {seed}", seed=count(record.seed))
                    if record
                    else plain(path.stem),
                    "text": f"{plain(record.outcome.reason)}, {duration(record.outcome.seconds)}"
                    if record
                    else "",
                    "where": say("cycle {n}", n=cycle.number) + (f", {suite}" if suite else ""),
                }
            )
    chosen = chosen[:MAX_FILMS]
    shutil.rmtree(folder, ignore_errors=True)
    for film in chosen:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(film.pop("path"), folder.parent / film["file"])
    return chosen
