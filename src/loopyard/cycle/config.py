"""Campaign: what a user asks for, as one typed YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loopyard.core.errors import ConfigError
from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.core.values import put, yaml_value
from loopyard.cycle.messages.settings import MessageSettings
from loopyard.executors.registry import ExecutorName
from loopyard.experts.noise import NoiseSettings
from loopyard.scenarios.curriculum import CurriculumSettings
from loopyard.scenarios.ladder import Ladder
from loopyard.scenarios.sampling import Mix
from loopyard.training.config import TrainConfig

PLANNED_IN_TRAIN = ("minutes", "steps", "epochs", "init_from", "shares", "seed")
"""Settings of training that the campaign decides itself, cycle by cycle."""

OF_THE_REPORT = ("machine", "machine_price", "prices", "lang")

OPERATIONAL = (
    *("name", "runs", "workers", "executor", "ray_address", "messages", "mirror"),
    *OF_THE_REPORT,
)
"""Settings of a campaign that change no result: where it lies, what it runs on, whom it tells.
They may change between two runs of the same folder."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GenerateSection(_Section):
    """Expert data of the first cycle. episodes: at most so many, fewer where time is short."""

    episodes: int = Field(default=400, ge=1)
    noise: NoiseSettings | None = NoiseSettings()


class DaggerSection(_Section):
    """From the second cycle on, the policy drives and the expert labels.

    rollouts: drives a cycle. share: part of each batch that policy-driven data gives; None is by
    its number of frames. expert_share: stretches the expert drives, one number a cycle from the
    second on; the last one stays. patience_s: a drive that makes no progress for so long ends.
    """

    rollouts: int = Field(default=150, ge=1)
    labels: Literal["path", "fork"] = "fork"
    fork_every: int = Field(default=4, ge=1)
    share: float | None = Field(default=0.6, gt=0.0, lt=1.0)
    expert_share: tuple[float, ...] = (0.0,)
    patience_s: float | None = Field(default=None, gt=0.0)


class SelectSection(_Section):
    """The drives that choose a checkpoint.

    candidates: checkpoints of lowest held-out loss (``train.keep_top`` at most) that drive the n
    scenes beside a training's last one; the one that succeeds most often goes on.
    meanwhile: scenes, some of the n, on which each numbered checkpoint is driven while its
    training goes on; 0: none. They show how success grows, and choose nothing.
    """

    n: int = Field(default=60, ge=1)
    candidates: int = Field(default=0, ge=0)
    meanwhile: int = Field(default=16, ge=0)


class GateSection(_Section):
    """The drives that judge the chosen checkpoint: see `loopyard.evaluation.gate`.

    until_clear: stop at the first scene at which the verdict is clear, n scenes at the latest.
    stop_early: also judge each cycle's checkpoint that reaches the target on select, and end the
    campaign once one is promoted; the chance of a false promotion is split over the cycles.
    against: an incumbent, a checkpoint folder, that a promoted policy must beat on the same scenes.
    """

    n: int = Field(default=200, ge=1)
    target: float = Field(default=0.95, gt=0.0, le=1.0)
    floor: float = Field(default=0.90, gt=0.0, le=1.0)
    until_clear: bool = False
    stop_early: bool = False
    against: Path | None = None

    @model_validator(mode="after")
    def _floor_below_target(self) -> GateSection:
        if self.floor > self.target:
            raise ValueError(f"floor: found {self.floor}, expected at most target {self.target}")
        if self.stop_early and not self.until_clear:
            raise ValueError(
                "stop_early: found true, expected until_clear as well: only such a gate bounds the "
                "chance of a false promotion over several looks"
            )
        return self


class ScenarioSection(_Section):
    """Scenes of failure modes beside the general ones, to learn from and to be judged on.

    modes: YAML files with modes of your own. mix: shares of general scenes and of each tier.
    weights: how many times as often a mode is drawn within its tier, by its id or a word of its
    function, where it is not 1.
    sampling: what a cycle samples by. ``feedback``: by the modes that the last rollouts failed,
    ``prior``: by the registry's priorities, ``uniform``: every mode alike. variety: different
    scenarios a cycle, each a model of its own. randomise: domain randomisation of every scene.
    curriculum: scenes to learn from are randomised as widely as the policy can bear. ladder: they
    are of easy kinds first, and of others once those are driven well.
    suite: which scenes choose and judge: ``all-modes``, ``general``, or a mode's id; their number
    is split evenly over the modes, and a world without modes has general scenes.
    recoveries: expert drives a cycle that begin before_s seconds before a rollout went wrong; they
    need sampling by feedback.
    """

    modes: tuple[Path, ...] = ()
    mix: Mix = Mix()
    weights: dict[str, Annotated[float, Field(gt=0.0)]] = Field(default_factory=dict)
    sampling: Literal["feedback", "prior", "uniform"] = "feedback"
    variety: int = Field(default=60, ge=1)
    randomise: Randomisation | None = None
    curriculum: CurriculumSettings | None = None
    ladder: Ladder | None = None
    suite: str = "all-modes"
    recoveries: int = Field(default=40, ge=0)
    before_s: float = Field(default=3.0, gt=0.0)


class CycleWish(_Section):
    """One cycle as its user wants it; the plan grants what fits.

    episodes: expert drives. rollouts: drives of the policy before it, which the expert labels.
    recoveries: expert drives from before failures; None takes ``scenarios.recoveries``.
    steps, epochs: of training, at most one of them; None trains in the time that is left over,
    which cycles split by ``share``. minutes: a box for the whole cycle; None: the campaign's.
    """

    episodes: int = Field(default=0, ge=0)
    rollouts: int = Field(default=0, ge=0)
    recoveries: int | None = Field(default=None, ge=0)
    steps: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0.0)
    share: float = Field(default=1.0, gt=0.0)
    minutes: float | None = Field(default=None, gt=0.0)

    @model_validator(mode="after")
    def _one_length(self) -> CycleWish:
        if self.steps is not None and self.epochs is not None:
            raise ValueError(
                f"steps, epochs: found {self.steps} and {self.epochs:g}, expected at most one"
            )
        return self


class LessonSection(_Section):
    """Lessons after each cycle: see `loopyard.cycle.lessons`.

    rules: rules of your own beside the built-in ones, each ``package.module:function``. apply:
    whether the next cycle's settings are changed by what was learned; it is written down anyway.
    """

    rules: tuple[str, ...] = ()
    apply: bool = True


class MirrorSection(_Section):
    """Where a copy of the run folder is kept: see `loopyard.store.mirror`.

    url: ``s3://bucket/demo``, ``gs://...`` or ``file:///...``; without one there is no mirror.
    """

    url: str | None = None


class Campaign(_Section):
    """A plan of cycles under one time budget, from cloning to the gate.

    budget_minutes: wall time for all of it; training fills what the rest leaves.
    cycles: each as it is wanted. Without them there is one cycle for each of train_shares, which
    split the training time: first ``generate.episodes`` of the expert, then ``dagger.rollouts``.
    scenarios: failure modes; without it every scene is a general one.
    machine, machine_price, prices: what an hour costs, see `loopyard.cycle.accounts.cost`.
    lang: of the report.
    """

    name: str = Field(default="campaign", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    world: str = "yard"
    preset: str = "starter"
    params: dict[str, Any] = Field(default_factory=dict)
    expert: str | None = None
    seed: int = Field(default=0, ge=0)
    runs: Path = Path("runs")
    budget_minutes: float = Field(default=18.0, gt=0.0)
    cycles: tuple[CycleWish, ...] = ()
    train_shares: tuple[float, ...] = (0.4, 0.3, 0.3)
    workers: int = Field(default=0, ge=0)
    executor: ExecutorName = "local"
    ray_address: str | None = None
    n_action_steps: int = Field(default=4, ge=1)
    videos: int = Field(default=6, ge=0)
    scenarios: ScenarioSection | None = None
    generate: GenerateSection = GenerateSection()
    train: dict[str, Any] = Field(default_factory=dict)
    dagger: DaggerSection = DaggerSection()
    select: SelectSection = SelectSection()
    gate: GateSection = GateSection()
    messages: MessageSettings = MessageSettings()
    mirror: MirrorSection = MirrorSection()
    machine: str | None = None
    machine_price: float | None = Field(default=None, ge=0.0)
    prices: Path | None = None
    lang: Literal["en", "ko"] = "en"
    lessons: LessonSection = LessonSection()

    @model_validator(mode="after")
    def _trainable(self) -> Campaign:
        taken = [name for name in PLANNED_IN_TRAIN if name in self.train]
        if taken:
            raise ValueError(f"train: found {taken}, which the campaign plans itself")
        try:
            TrainConfig.model_validate({**self.train, "minutes": 1.0})
        except ValidationError as error:
            raise ValueError("; ".join(_complaints(error, "train"))) from None
        if not self.train_shares or min(self.train_shares) <= 0:
            raise ValueError(f"train_shares: found {self.train_shares}, expected positive numbers")
        return self

    @model_validator(mode="after")
    def _drivable(self) -> Campaign:
        shares = type(self).model_fields["train_shares"].default
        if self.cycles and self.train_shares != shares:
            raise ValueError("train_shares: found beside cycles, expected each cycle's own share")
        if self.cycles and not self.cycles[0].episodes:
            raise ValueError("cycles.0.episodes: found 0, expected expert drives to begin with")
        if self.cycles and self.cycles[0].rollouts:
            found = self.cycles[0].rollouts
            raise ValueError(
                f"cycles.0.rollouts: found {found}, expected 0: there is no policy to drive yet"
            )
        return self

    @property
    def wishes(self) -> tuple[CycleWish, ...]:
        """What each cycle shall be."""
        if self.cycles:
            return self.cycles
        first, *later = self.train_shares
        return (
            CycleWish(episodes=self.generate.episodes, share=first),
            *(CycleWish(rollouts=self.dagger.rollouts, share=share) for share in later),
        )

    @property
    def scenario(self) -> Scenario:
        """The general scene; what only some scenes have comes on top of it."""
        randomise = self.scenarios.randomise if self.scenarios else None
        return Scenario(
            world=self.world, preset=self.preset, params=self.params, randomise=randomise
        )

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.runs / self.name

    def plain(self) -> dict[str, Any]:
        """Every setting as plain YAML types."""
        return self.model_dump(mode="json")

    def recipe(self) -> dict[str, Any]:
        """The settings that results depend on: what steps are keyed by."""
        return self.model_dump(mode="json", exclude=set(OPERATIONAL))


def load_campaign(path: Path, overrides: list[str] | None = None) -> Campaign:
    """Read a campaign file; ``overrides`` are ``section.name=value`` with a YAML value.

    Raises:
        ConfigError: naming the file, the field, what was found and what was expected.
    """
    try:
        data = yaml.safe_load(Path(path).read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a campaign in YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: found {type(data).__name__}, expected settings by name")
    for override in overrides or []:
        name, equals, value = override.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set: found '{override}', expected section.name=value")
        put(data, name, yaml_value(value, "--set", name), "--set")
    data.setdefault("name", Path(path).stem)
    try:
        return Campaign.model_validate(data)
    except ValidationError as error:
        lines = (f"{path}: {complaint}" for complaint in _complaints(error))
        raise ConfigError("\n".join(lines)) from None


def _complaints(error: ValidationError, section: str = "") -> list[str]:
    """Each wrong setting in a line: where it stands, what was found."""
    lines = []
    for problem in error.errors():
        field = ".".join(str(part) for part in (section, *problem["loc"]) if part != "")
        own = problem.get("ctx", {}).get("error")
        if isinstance(own, ValueError):  # it names its setting itself
            lines.append(": ".join(filter(None, (field, str(own)))))
        elif problem["type"] == "extra_forbidden":
            lines.append(f"{field}: unknown setting")
        else:
            lines.append(f"{field}: found {problem['input']!r}, {problem['msg'].lower()}")
    return lines
