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
    constant_warn: float = Field(default=0.50, ge=0, le=1)
    """A channel without change more often warns: the last action alone then predicts the next."""
    length_sigmas: float = Field(default=3.0, gt=0)
    """An episode whose length is further from the mean warns, from 10 episodes on: cut off, or
    left running."""
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
    sampled_episodes: int = Field(default=64, ge=1)
    """Episodes of which frames are decoded, unless the audit is thorough: a minute at most."""
    sampled_frames: int = Field(default=20, ge=1)
    """Frames in a row of each of them: a chunk, so that a frozen stretch shows."""

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
