"""The one table of numbers that an audit judges by, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopyard.core.errors import ConfigError, expected
from loopyard.core.values import yaml_value


class Thresholds(BaseModel):
    """Every number an audit judges by. Shares are of frames.

    The text below a field says what it does and why it is this number: it is the field's row in
    docs/audit-a-dataset.md.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    episodes_warn: int = Field(default=50, ge=0)
    """Fewer episodes warn. The predecessors' first data had 5 and 13, and nothing was learned."""
    zero_value: float = Field(default=1e-3, ge=0)
    """An action under this, in magnitude, counts as zero: less than a motor can do."""
    zero_warn: float = Field(default=0.70, ge=0, le=1)
    """A channel that is zero more often warns. At 76 % and 84 % a policy learned to do nothing."""
    idle_fail: float = Field(default=0.90, ge=0, le=1)
    """All channels zero at once more often fails: there is next to nothing to learn."""
    saturated_value: float = Field(default=0.99, gt=0)
    """An action beyond this share of its limit counts as saturated."""
    saturated_warn: float = Field(default=0.70, ge=0, le=1)
    """A channel that is saturated more often warns: it is a switch, and says little in between."""
    constant_value: float = Field(default=1e-6, ge=0)
    """A step between two frames under this counts as no change: it is float32's own noise."""
    constant_warn: float = Field(default=0.80, ge=0, le=1)
    """A channel without change more often warns: the last action alone then predicts the next. The
    predecessor asked for 50 %; good drives hold a loader's arm for 50 %, or cruise for 78 %."""
    length_sigmas: float = Field(default=3.0, gt=0)
    """An episode whose length is further from the mean warns, from 10 episodes on: cut off, or
    left running."""
    chunk_size: int | None = Field(default=None, ge=1)
    """Steps a policy predicts at once; an episode with fewer frames warns. None: as many as the
    dataset's own chunks have, or 20, as ACT here."""
    range_slack: float = Field(default=1e-4, ge=0)
    """Beyond its limits by more than this fails for an action and warns for a state: what rounding
    to float32 may do."""
    timestamp_slack_s: float = Field(default=1e-4, ge=0)
    """A timestamp further from frame_index / fps fails: LeRobot's own tolerance, in seconds."""
    stats_slack: float = Field(default=1e-3, ge=0)
    """Statistics further from the data fail, relative to the channel's spread: more than the order
    of summation does, less than any change of the data."""
    black_level: int = Field(default=12, ge=0, le=255)
    """A frame with no pixel above this level (0..255) is black: a sensor's and a codec's noise."""
    equal_level: int = Field(default=6, ge=0, le=255)
    """Two frames of which no pixel differs by more levels are the same picture: what encoding a
    picture twice changes."""
    still_px: float = Field(default=1.5, ge=0)
    """A tick counts as moving if two states go further than so many pixels, were their spread the
    picture's shorter side. Less may be seen by no pixel; one state alone may be out of sight."""
    frozen_way: float = Field(default=0.15, gt=0)
    """A picture that stays the same while two states go further than this share of their spread is
    frozen: a camera that sees the task sees that."""
    frozen_frames: int = Field(default=5, ge=2)
    """So many frames of it in a row warn; fewer may be a dropped frame."""
    repeated_warn: float = Field(default=0.25, ge=0, le=1)
    """An episode in which more of the moving frames repeat the picture before warns: its camera is
    slower than the dataset says."""
    repeated_least: int = Field(default=4, ge=1)
    """Moving frames that it takes to say so."""
    sampled_episodes: int = Field(default=64, ge=1)
    """Episodes of which frames are decoded, unless the audit is thorough: a minute at most."""
    sampled_frames: int = Field(default=20, ge=1)
    """Frames in a row of each of them: a chunk, so that a frozen stretch shows."""

    judged_episodes: int = Field(default=10, ge=1)
    """Of fewer episodes health and memorising say nothing: two in each fold at least."""
    judged_frames: int = Field(default=500, ge=1)
    """Of fewer frames they say nothing either: shares would be off by several per cent."""
    sampled_rows: int = Field(default=100_000, ge=1000)
    """Frames that they look at; of more, every n-th whole episode, so that memory stays bounded."""
    distinct_warn: int = Field(default=100, ge=1)
    """Fewer different actions warn, unless one frame in three has its own: the predecessor's five
    combinations taught its policy one, forward."""
    effective_warn: float = Field(default=10.0, ge=1)
    """And as many equally frequent ones as this would be more diverse: forward and two turns are 3;
    drives around two boxes are 24."""
    action_grid: float = Field(default=0.05, gt=0, le=1)
    """Actions nearer than this share of their reach are the same: finer is a motor's noise."""
    coverage_warn: float = Field(default=0.15, ge=0, le=1)
    """Fewer visited cells of the state map warn: a single line across it visits 10 to 19 %."""
    jump_factor: float = Field(default=5.0, gt=1)
    """A step of a state this many times its 99th percentile is a jump: no body moves so."""
    jump_share: float = Field(default=0.20, gt=0)
    """Steps under this share of the channel's range are none, however rare."""
    jerk_warn: float = Field(default=1.5, gt=0)
    """More second difference, in deviations of the channel, warns: white noise has 2.45, a full
    switch every four ticks 1.4."""
    lag_warn: float = Field(default=1.0, ge=0)
    """A lag surely further from 0, in ticks, warns: a policy learns to act too late or too soon."""
    lag_correlation: float = Field(default=0.3, gt=0, le=1)
    """With less correlation between action and movement the lag cannot be told."""
    strata: str = ""
    """What episodes are counted by: a pattern of their names, `task` or a column. Empty: what their
    importer told, and tasks."""
    imbalance_warn: float = Field(default=0.33, ge=0, le=1)
    """A stratum with less than this share of an equal part warns: 12 evening drives of 468 taught
    nothing about evenings."""
    one_sided_warn: float = Field(default=0.95, ge=0.5, le=1)
    """More episodes than this that lean to one side warn: the other is hardly seen. An expert that
    always searches to the same side has 84 %, and should."""
    chance: float = Field(default=1e-3, gt=0, lt=1)
    """An asymmetry that a fair coin gives more often is none: a dozen tests make one in a hundred
    audits cry wolf."""
    instruction_t: float = Field(default=4.0, gt=0)
    """Where instructions say left or right, their mean actions differ by more standard errors than
    this, or words mean nothing: 4 is one in ten thousand by chance."""
    drift_warn: float = Field(default=1.0, gt=0)
    """Quarters further apart than this, in deviations of episodes, warn: half of the last lie where
    few of the first did."""
    drift_z: float = Field(default=4.4, gt=0)
    """And surely so: a normal deviate this large (Student's, for few episodes) is one in a hundred
    thousand by chance, and some twenty channels are looked at."""
    frames_warn: int = Field(default=2000, ge=0)
    """Fewer frames warn: the predecessor's lower bound; its 62 and 218 taught nothing."""
    policy_parameters: int = Field(default=1_396_840, ge=1)
    """Of the policy to train: `act-nano` at 96 x 96; LeRobot's ACT has 51.6 million."""
    frames_a_parameter_warn: float = Field(default=2.5e-4, ge=0)
    """Fewer warn. ACT learned from 50 drives of 400 frames with 80 million parameters (Zhao et al.,
    2023); the predecessor's wish of 5 was met by nobody."""
    folds: int = Field(default=5, ge=2)
    """Groups of episodes that memorising is judged on, each by a fit to the others."""
    frame_index_warn: float = Field(default=0.75, le=1)
    """A larger R² from the frame index alone warns: drives that differ are not told by a clock."""
    copycat_warn: float = Field(default=0.90, le=1)
    """A larger R² of the action a second later from the action now warns: it is hardly decided."""
    state_alone_warn: float = Field(default=0.90, le=1)
    """A larger R² from the state without the image warns: what is left for seeing is noise."""

    @classmethod
    def read(cls, path: Path | None, changes: Sequence[str] = ()) -> Thresholds:
        """Of a YAML file with names and numbers, then ``name=value`` changes; the rest as here.

        Raises:
            ConfigError: names the file or flag, the threshold, what was found and expected.
        """
        found = _read_file(path) if path is not None else {}
        where = dict.fromkeys(found, str(path))
        for change in changes:
            name, equals, value = change.partition("=")
            if not equals or not name:
                raise ConfigError(expected("--set", "threshold", change, "name=value"))
            found[name], where[name] = yaml_value(value, "--set", name), "--set"
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise ConfigError("\n".join(_complaints(where, error))) from None


def table() -> str:
    """The table in Markdown: name, default, reason."""
    lines = ["| threshold | default | what it does, and why it is this number |", "|---|---|---|"]
    for name, part in Thresholds.model_fields.items():
        default = "none" if part.default is None else part.default
        lines.append(f"| `{name}` | {default} | {' '.join((part.description or '').split())} |")
    return "\n".join(lines)


def _read_file(path: Path) -> dict[str, object]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(expected(str(path), "file", reason, "thresholds in YAML")) from None
    if not isinstance(found, dict):
        raise ConfigError(expected(str(path), "content", found, "thresholds by name"))
    return {str(name): value for name, value in found.items()}


def _complaints(where: dict[str, str], error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0])
        if problem["type"] == "extra_forbidden":
            near = get_close_matches(name, Thresholds.model_fields, n=1)
            hint = f"such as '{near[0]}'" if near else "docs/audit-a-dataset.md lists them"
            lines.append(
                f"{where[name]}: {name}: found an unknown threshold, expected a known one; {hint}"
            )
        else:
            lines.append(expected(where[name], name, problem["input"], problem["msg"].lower()))
    return lines
