"""No false alarm: clean datasets of other worlds, sizes, rates, cameras and noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from defects.bases import make_foreign, make_own, world

from loopyard.core.scenario import Scenario
from loopyard.data.audit import Thresholds, audit
from loopyard.data.generate import DrivePlan, generate
from loopyard.executors.local import LocalExecutor
from loopyard.experts.noise import NoiseSettings

SMALL = Thresholds(episodes_warn=1, chunk_size=2, frames_warn=0, frames_a_parameter_warn=0)
"""These are smaller than what anybody trains on, so that there may be many."""


def own(episodes: int = 6, chunk_size: int = 0, **shape: int) -> Callable[[Path], Path]:
    return lambda root: make_own(root, world(**shape), episodes, chunk_size)


def foreign(episodes: int = 6, **shape: int) -> Callable[[Path], Path]:
    return lambda root: make_foreign(root, world(**shape), episodes)


def driven(
    name: str, preset: str = "", *, noise: bool = True, episodes: int = 12, **params: object
) -> Callable[[Path], Path]:
    """What the expert of a world drives."""

    def make(root: Path) -> Path:
        scenario = Scenario(world=name, preset=preset, params=params)
        plan = DrivePlan(scenario, root, noise=NoiseSettings() if noise else None)
        return generate(plan, episodes, LocalExecutor(0)).dataset.root

    return make


SLOW = pytest.mark.slow
YARD = (SLOW, pytest.mark.gl)
CLEAN = {
    "two cameras": own(cameras=2),
    "as others write it": foreign(),
    "an expert of a toy world": driven("reach_world:ReachWorld"),
}
CLEAN_TOO: dict[str, tuple[Callable[[Path], Path], tuple[pytest.MarkDecorator, ...]]] = {
    "many episodes": (own(40), (SLOW,)),
    "one episode": (own(1), (SLOW,)),
    "no camera": (own(cameras=0), (SLOW,)),
    "chunk labels": (own(chunk_size=10), (SLOW,)),
    "30 frames a second": (own(fps=30), (SLOW,)),
    "5 frames a second": (own(fps=5), (SLOW,)),
    "96 x 96": (own(width=96, height=96), (SLOW,)),
    "320 x 240": (own(2, width=320, height=240), (SLOW,)),
    "an odd size": (own(width=33, height=25), (SLOW,)),
    "as others write it, 30 frames a second": (foreign(fps=30, width=64, height=48), (SLOW,)),
    "as others write it, two cameras": (foreign(12, cameras=2), (SLOW,)),
    "no noise": (driven("reach_world:ReachWorld", noise=False), (SLOW,)),
    "failed drives set apart": (driven("reach_world:ReachWorld", glued_every=3), (SLOW,)),
    "more actions": (driven("reach_world:ReachWorld", actions=3), (SLOW,)),
    "another toy world": (driven("modes_world:ModesWorld"), (SLOW,)),
    "the yard": (driven("yard", "starter", episodes=3), YARD),
    "the yard without noise": (driven("yard", "starter", noise=False, episodes=3), YARD),
}


@pytest.fixture(autouse=True)
def importable_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "toy"))


@pytest.mark.parametrize(
    "make",
    [
        *(pytest.param(make, id=name.replace(" ", "_")) for name, make in CLEAN.items()),
        *(
            pytest.param(make, id=name.replace(" ", "_"), marks=marks)
            for name, (make, marks) in CLEAN_TOO.items()
        ),
    ],
)
def test_a_clean_dataset_raises_no_alarm(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    report = audit(make(tmp_path / "clean"), thorough=True, thresholds=SMALL)
    alarms = [
        check for check in report.checks if check.verdict != "pass" and check.part == "integrity"
    ]
    assert not alarms


def test_there_are_twenty() -> None:
    assert len(CLEAN) + len(CLEAN_TOO) >= 20
