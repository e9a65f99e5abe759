"""What would make a cycle shorter or cheaper, as rules.

A rule is a small function with a name: from a cycle's facts to an advice with its figures, or to
none. None of them changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from loopyard.cycle.accounts.usage import Usage

DRIVES = ("expert", "relabel")
ON_WORKERS = (*DRIVES, "recover", "select")
"""Stages that run on the workers, and so get shorter with more of them."""
OFF = 1.2
"""A stage that took more than so many times its plan was planned wrongly."""
FULL = 0.85
"""Cores this busy are the limit."""
IDLE = 0.10
"""Cores may idle this share of a campaign."""
OTHERS = 0.25
"""Share of the cores that others may take before it counts."""
LARGE = 0.4
"""A stage with this share of a cycle is worth making shorter."""
MEMORY_FULL = 0.9
GPUS = (("L4", 24.0), ("L40S", 48.0), ("A100", 80.0))
"""Common GPUs of servers that compute in bfloat16, by their memory in GB, the smallest first."""
GPU_ROOM = 0.8
"""Share of a GPU's memory that what is in use may fill."""
GPU_BUSY = 0.8
"""A GPU that computes this share of the time would be missed."""


@dataclass(frozen=True)
class Stage:
    """One stage of a cycle; planned_s is None where the plan says nothing of it.

    episodes: that it made. ahead: it ran beside the cycle before, on what that left of the cores.
    """

    name: str
    took_s: float
    planned_s: float | None
    usage: Usage | None
    episodes: int = 0
    ahead: bool = False


@dataclass(frozen=True)
class CycleFacts:
    """What the rules look at. best_at: share of training after which validation was best."""

    cycle: int
    stages: tuple[Stage, ...]
    usage: Usage | None
    workers: int
    best_at: float | None = None

    @property
    def took_s(self) -> float:
        """Of its stages one after another."""
        return sum(stage.took_s for stage in self.stages if not stage.ahead)

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)

    def share(self, *names: str) -> float:
        """Of the cycle's time that these stages took."""
        own = [stage for stage in self.stages if stage.name in names and not stage.ahead]
        took_s = sum(stage.took_s for stage in own)
        return took_s / self.took_s if self.took_s else 0.0


@dataclass(frozen=True)
class Advice:
    """rule: which one says so. text: with the places of its figures in braces."""

    rule: str
    text: str
    figures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "advice": self.text.format(**self.figures),
            "text": self.text,
            "figures": dict(self.figures),
        }


Rule = Callable[[CycleFacts], Advice | None]


def more_workers(facts: CycleFacts) -> Advice | None:
    """What runs on the workers is most of the cycle, and every core has work."""
    share = facts.share(*ON_WORKERS)
    used = [s.usage for s in facts.stages if s.name in ON_WORKERS and s.usage]
    covered_s = sum(usage.covered_s for usage in used)
    if share < LARGE or not covered_s:
        return None
    busy = sum(usage.own * usage.covered_s for usage in used) / covered_s
    cores = used[-1].cores
    if busy < FULL * cores:
        return None
    text = (
        "data and rollouts took {share:.0%} of the cycle with {busy:.1f} of {cores} cores busy: "
        "twice the workers, on twice the cores, would save up to {saved_min:.1f} min"
    )
    saved_min = share * facts.took_s / 120.0
    return Advice(
        "more_workers", text, {"share": share, "busy": busy, "cores": cores, "saved_min": saved_min}
    )


def crowded(facts: CycleFacts) -> Advice | None:
    """Others on this machine took the cores, so that every time is longer than it need be."""
    usage = facts.usage
    if usage is None or usage.busy - usage.own < OTHERS * usage.cores:
        return None
    text = (
        "other processes on this machine took {others:.1f} of {cores} cores: a machine of its own "
        "would make the campaign faster, and its plan right"
    )
    return Advice("crowded", text, {"others": usage.busy - usage.own, "cores": usage.cores})


def idle_cores(facts: CycleFacts) -> Advice | None:
    """Cores had nothing to do."""
    usage = facts.usage
    if usage is None or usage.idle_share <= IDLE:
        return None
    idlest = max(
        (stage for stage in facts.stages if stage.usage),
        key=lambda stage: stage.usage.idle_share * stage.took_s if stage.usage else 0.0,
        default=None,
    )
    figures = {
        "idle": usage.idle_share,
        "cores": usage.cores,
        "stage": idlest.name if idlest else "",
        "workers": facts.workers,
    }
    text = (
        "cores idled {idle:.0%} of the cycle, most of it in {stage}: fewer cores would do as well, "
        "or more work beside it"
    )
    if facts.workers < usage.cores:
        text = (
            "cores idled {idle:.0%} of the cycle, most of it in {stage}: {workers} workers on "
            "{cores} cores; workers: 0 takes one a core"
        )
    return Advice("idle_cores", text, figures)


def fewer_epochs(facts: CycleFacts) -> Advice | None:
    """Most of the time was training, and validation had stopped to fall well before its end."""
    share = facts.share("train")
    if share < LARGE or facts.best_at is None or facts.best_at > 2 / 3:
        return None
    text = (
        "training took {share:.0%} of the cycle and validation loss was lowest after {best:.0%} of "
        "it: fewer epochs would leave {saved_min:.1f} min for data"
    )
    saved_min = (1 - facts.best_at) * share * facts.took_s / 60.0
    figures = {"share": share, "best": facts.best_at, "saved_min": saved_min}
    return Advice("fewer_epochs", text, figures)


def shorter_training(facts: CycleFacts) -> Advice | None:
    """Training took longer than it was planned to."""
    stage = facts.stage("train")
    if stage is None or not stage.planned_s or stage.took_s <= OFF * stage.planned_s:
        return None
    text = (
        "training took {factor:.1f} times its plan ({took_min:.1f} of {planned_min:.1f} min): "
        "fewer epochs"
    )
    return Advice("shorter_training", text, _against(stage.took_s, stage.planned_s))


def fewer_episodes(facts: CycleFacts) -> Advice | None:
    """Drives to learn from took longer than they were planned to."""
    for stage in facts.stages:
        late = stage.planned_s is not None and stage.took_s > OFF * stage.planned_s
        if stage.planned_s and late and stage.name in DRIVES and stage.episodes:
            figures = _against(stage.took_s, stage.planned_s)
            fit = round(stage.episodes / figures["factor"])
            figures |= {"stage": stage.name, "episodes": stage.episodes, "fit": fit}
            text = (
                "{stage} took {factor:.1f} times its plan ({took_min:.1f} of {planned_min:.1f} "
                "min): {fit} episodes instead of {episodes} would have fitted"
            )
            return Advice("fewer_episodes", text, figures)
    return None


def fewer_rollouts(facts: CycleFacts) -> Advice | None:
    """Choosing a checkpoint took much of the cycle."""
    share = facts.share("select")
    if share < LARGE:
        return None
    text = "rollouts that choose a checkpoint took {share:.0%} of the cycle: fewer select scenes"
    return Advice("fewer_rollouts", text, {"share": share})


def smaller_gpu(facts: CycleFacts) -> Advice | None:
    """The GPU's memory is mostly empty, and one with less would do."""
    gpu = facts.usage.gpu if facts.usage else None
    if gpu is None or gpu.use >= GPU_BUSY:
        return None
    enough = next((name for name, size in GPUS if _fits(gpu.memory_gib, size)), None)
    size = dict(GPUS).get(enough or "", 0.0)
    if enough is None or size >= 0.9 * gpu.memory_total_gib:
        return None
    text = (
        "{used:.1f} of {total:.0f} GB used on the {gpu}, which computed {use:.0%} of the time: "
        "an {enough} ({size:.0f} GB) is enough"
    )
    figures = {
        "used": gpu.memory_gib,
        "total": gpu.memory_total_gib,
        "gpu": gpu.name,
        "use": gpu.use,
        "enough": enough,
        "size": size,
    }
    return Advice("smaller_gpu", text, figures)


def gpu_waits(facts: CycleFacts) -> Advice | None:
    """While it trains, the GPU waits for cores that are all busy."""
    stage = facts.stage("train")
    usage = stage.usage if stage else None
    if usage is None or usage.gpu is None or usage.gpu.use >= 0.5:
        return None
    if usage.own < FULL * usage.cores:
        return None
    text = (
        "the GPU computed {use:.0%} of training while {busy:.1f} of {cores} cores were busy: "
        "more cores would feed it"
    )
    figures = {"use": usage.gpu.use, "busy": usage.own, "cores": usage.cores}
    return Advice("gpu_waits", text, figures)


def memory_short(facts: CycleFacts) -> Advice | None:
    """The machine's memory is nearly full."""
    usage = facts.usage
    if usage is None or usage.memory_gib < MEMORY_FULL * usage.memory_total_gib:
        return None
    text = "{used:.1f} of {total:.1f} GB of memory used: fewer workers, or a machine with more"
    return Advice("memory_short", text, {"used": usage.memory_gib, "total": usage.memory_total_gib})


RULES: tuple[Rule, ...] = (
    crowded,
    more_workers,
    idle_cores,
    fewer_epochs,
    shorter_training,
    fewer_episodes,
    fewer_rollouts,
    smaller_gpu,
    gpu_waits,
    memory_short,
)


def _fits(used_gib: float, size_gib: float) -> bool:
    return used_gib <= GPU_ROOM * size_gib


def _against(took_s: float, planned_s: float) -> dict[str, Any]:
    return {
        "factor": took_s / planned_s,
        "took_min": took_s / 60.0,
        "planned_min": planned_s / 60.0,
    }
