"""A campaign that is killed anywhere comes to the end that it would have come to."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from campaigns import column, outcome, require_once, write_campaign
from harness import Done, Zygote

from loopyard.store.failpoint import VARIABLE

SOURCE = Path(__file__).parents[2] / "src/loopyard"
KILLED = -9
KILLS = 50


def failpoints() -> list[str]:
    """Every failpoint there is in the code."""
    text = "".join(path.read_text() for path in sorted(SOURCE.rglob("*.py")))
    return sorted(set(re.findall(r'failpoint\("([^"]+)"\)', text)))


def go_on(zygote: Zygote, folder: Path, **more: Any) -> Done:
    return zygote.run("run", write_campaign(folder), cwd=folder, **more)


def require_same_end(zygote: Zygote, folder: Path, whole: dict[str, Any], kills: list[str]) -> None:
    """Let the campaign in a folder come to its end, look at it, and clear it away."""
    done = go_on(zygote, folder)
    assert done.code in (0, 1), (kills, done.said)
    run = folder / "runs/toy"
    found = outcome(run)
    differing = {name for name in whole.keys() | found if whole.get(name) != found.get(name)}
    assert not differing, f"after kills at {kills}"
    require_once(run)
    verified = zygote.run("verify", run, cwd=folder)
    assert verified.code == 0, (kills, verified.said)
    shutil.rmtree(run)


def kill_at_each(
    zygote: Zygote, folder: Path, places: list[str], whole: dict[str, Any]
) -> set[str]:
    """Kill one campaign at one failpoint after the other; where it comes to its end before one,
    another campaign begins. Returns the places that no campaign comes to."""
    left, kills, unmet = list(places), list[str](), set[str]()
    while left:
        done = go_on(zygote, folder, **{VARIABLE: left[0]})
        if done.code == KILLED:
            kills.append(left.pop(0))
            continue
        require_same_end(zygote, folder, whole, kills)
        if not kills:
            unmet.add(left.pop(0))
        kills = []
    if kills:
        require_same_end(zygote, folder, whole, kills)
    return unmet


def test_killed_at_a_few_places(zygote, tmp_path, whole):
    places = ["dataset.videos_moved:2", "step.done:4", "folder.filled:6", "event.inserted:12"]
    assert not kill_at_each(zygote, tmp_path, places, whole[0])


@pytest.mark.slow
@pytest.mark.parametrize("nth", [1, 2, 4, 8, 16])
def test_killed_at_every_failpoint(zygote, tmp_path, whole, nth):
    """The nth time that it is passed, where it is passed so often."""
    unmet = kill_at_each(zygote, tmp_path, [f"{name}:{nth}" for name in failpoints()], whole[0])
    assert nth > 1 or not unmet


@pytest.mark.slow
def test_kills_at_random(zygote, tmp_path, whole):
    """Of the whole process group, worker processes and what is made ahead included.

    A kill waits for some events, not for seconds: so a slow machine comes as far as a quick one.
    """
    rng, run, kills = random.Random(0), tmp_path / "runs/toy", 0
    while kills < KILLS:
        more, pause_s = rng.randrange(1, 5), rng.uniform(0.0, 0.1 * whole[1])
        wanted = happened(run) + more
        running = zygote.start("run", write_campaign(tmp_path), cwd=tmp_path, workers=True)
        while happened(run) < wanted and running.alive():
            time.sleep(0.02)
        time.sleep(pause_s)
        if running.alive():
            running.kill()
        done = running.wait()
        kills += done.code == KILLED
        if done.code != KILLED:  # it came to its end; another begins
            assert done.code in (0, 1), done.said
            require_same_end(zygote, tmp_path, whole[0], [f"{kills} random ones"])
    require_same_end(zygote, tmp_path, whole[0], [f"{kills} random ones"])


def happened(run: Path) -> int:
    """Events in the log of a run, which may not have begun."""
    with suppress(sqlite3.OperationalError):
        return column(run / "events.sqlite", "SELECT count(*) FROM events")[0]
    return 0
