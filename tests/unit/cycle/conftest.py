from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from loopyard.core.outcome import Outcome
from loopyard.cycle import audited, engine, gather, stages
from loopyard.cycle.config import Campaign
from loopyard.cycle.planning.measure import Measurement
from loopyard.data.audit import AuditReport, Check
from loopyard.evaluation import judging, sequential_run
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.result import Evaluation
from loopyard.executors.local import LocalExecutor
from loopyard.training.loop import TrainResult


@pytest.fixture(autouse=True)
def importable_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that ``reach_world:ReachWorld`` can be named."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "toy"))


class FakeClock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class OneWorker:
    """Says it has a worker, and works in this process."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = 1

    def map(self, make_handler: Callable[[], Any], jobs: Iterable[Any]) -> Iterator[Any]:
        return LocalExecutor(0).map(make_handler, jobs)


@pytest.fixture
def executor() -> OneWorker:
    return OneWorker()


@pytest.fixture
def measured() -> Measurement:
    """A machine on which figures are round."""
    return Measurement(
        episode_s=0.1,
        frames_per_episode=100.0,
        step_s=0.05,
        batch_size=64,
        rollout_s=0.2,
        start_s=2.0,
        workers=2,
    )


@dataclass
class Made:
    """What generate and relabel give."""

    episodes: int

    def facts(self) -> dict[str, Any]:
        return {"episodes": self.episodes, "frames": 100 * self.episodes, "failed": 1}


@dataclass
class Stage:
    """All stages, made up. successes: of each evaluation in turn, as a share."""

    successes: list[float] = field(default_factory=lambda: [0.5, 0.9, 0.8, 1.0])
    calls: list[str] = field(default_factory=list)
    said: dict[str, list[Any]] = field(default_factory=dict)
    stop_at: str = ""
    verdict: str = "pass"
    verdicts: list[str] = field(default_factory=list)

    def note(self, name: str, what: Any) -> None:
        self.calls.append(name)
        self.said.setdefault(name, []).append(what)
        if name == self.stop_at:
            self.stop_at = ""
            raise KeyboardInterrupt

    def generate(self, plan, episodes, executor, on_episode=None, deadline_s=None):
        self.note("generate", (plan, episodes))
        return Made(episodes)

    def relabel(self, plan, scenes, executor, on_episode=None, out=None, deadline_s=None):
        self.note("relabel", (plan, scenes))
        return Made(len(scenes))

    def remembered_audit(self, path):
        self.note("audit", path)
        verdict = self.verdicts.pop(0) if self.verdicts else self.verdict
        return AuditReport(str(path), [Check("idle", verdict, "95 %", "at most 90 %")])  # type: ignore[arg-type]

    def train(
        self, config, datasets, out, *, resume=False, on_step=None, deadline_s=None, in_use=None
    ):
        self.note("train", (config, list(datasets), out, resume))
        (out / "last").mkdir(parents=True)
        return TrainResult(0.1, 0.2, 1000, 500.0, 60.0, out / "best", out / "last")

    def evaluate(self, policy, *, scenes, suite, **options):
        seeds = [seed for _, seed in scenes]
        self.note(suite, (policy, seeds, options))
        share = self.successes.pop(0) if self.successes[1:] else self.successes[0]
        records = [
            RolloutRecord(seed, scenario, outcome(at < share * len(seeds)))
            for at, (scenario, seed) in enumerate(scenes)
        ]
        films = [
            record.with_video("videos/a.mp4") if at == 0 and suite == "gate" else record
            for at, record in enumerate(records)
        ]
        return Evaluation(tuple(films), "p", suite, 3.0)


def outcome(success: bool) -> Outcome:
    return Outcome(success, float(success), 50, 5.0, "success" if success else "timeout")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, measured) -> Stage:
    made_up = Stage()
    monkeypatch.setattr(
        engine, "measure", lambda campaign, note: made_up.note("measure", 0) or measured
    )
    for module in (judging, sequential_run):
        monkeypatch.setattr(module, "evaluate", made_up.evaluate)
    for module, names in (
        (gather, ("generate", "relabel")),
        (audited, ("remembered_audit",)),
        (stages, ("train", "evaluate")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, getattr(made_up, name))
    monkeypatch.setattr(gather, "_chunk_size", lambda checkpoint: 10)
    return made_up


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign.model_validate(
        {
            "name": "trial",
            "runs": tmp_path / "runs",
            "world": "reach_world:ReachWorld",
            "preset": "",
            "seed": 3,
            "budget_minutes": 10,
            "train_shares": [1, 1, 1],
            "n_action_steps": 2,
            "workers": 1,
            "generate": {"episodes": 40},
            "dagger": {"rollouts": 20, "share": 0.6, "expert_share": [0.5, 0.25]},
            "select": {"n": 10},
            "gate": {"n": 40, "target": 0.9, "floor": 0.8},
        }
    )
