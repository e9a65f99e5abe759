"""The documentation is true: commands parse, settings and defaults are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from loopyard.cycle.config import Campaign, ScenarioSection
from loopyard.cycle.messages.settings import MessageSettings
from loopyard.data.importers.registry import BUILT_IN
from loopyard.experts.noise import NoiseSettings
from loopyard.policies.nano.config import NanoConfig
from loopyard.surface import cli
from loopyard.training.config import TrainConfig
from loopyard.worlds.registry import load_class

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(page: Path) -> list[str]:
    """The ``loopyard ...`` lines of a page, continued ones joined."""
    text = page.read_text().replace("\\\n", " ")
    found = re.findall(r"^ {4}(?:\.venv/bin/)?(loopyard .*)$", text, re.MULTILINE)
    found += re.findall(r"`(loopyard [a-z]+ [^`]*)`", text)
    return [re.sub(r"\s+#.*| \[.*", "", command) for command in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_is_understood(page):
    for command in commands(page):
        name, rest = cli.split_command(shlex.split(command)[1:])
        assert name is not None, command
        rest = [word for word in rest if word not in ("--json", "...")]
        if not rest and name != "doctor":
            continue  # the command is only mentioned
        try:
            cli._parse(name, cli._load(name), rest)
        except SystemExit:
            pytest.fail(f"{page.name}: {command}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" not in target:
            path = (page.parent / target.partition("#")[0]).resolve()
            assert path.exists(), f"{page.name}: {target}"


def section(name: str) -> dict[str, str]:
    """{setting: default} of a section of docs/settings.md; one row may name several settings."""
    text = (ROOT / "docs/settings.md").read_text()
    part = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]*?) \|", part, re.MULTILINE)
    return {key: value for keys, value in rows for key in re.findall(r"`([^`]+)`", keys)}


SECTIONS: dict[str, type[BaseModel]] = {
    "Campaign": Campaign,
    **{name: Campaign.model_fields[name].annotation for name in ("generate", "dagger")},  # type: ignore[dict-item]
    **{name: Campaign.model_fields[name].annotation for name in ("select", "gate")},  # type: ignore[dict-item]
    "scenarios": ScenarioSection,
    "messages": MessageSettings,
    "train": TrainConfig,
    "Policies": NanoConfig,
}
OF_THEIR_OWN = {"generate", "train", "dagger", "select", "gate", "messages"}
FEATURES = {"type", "input_features", "output_features", "chunk_size", "n_action_steps"}
MODELS = {"noise": NoiseSettings}
IN_WORDS = {"none", "all", "as recorded", "the policy's", "by frames", "the file's name"}
IN_WORDS |= {"the world's own", "as below"}


def leaves(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """{setting: default}, with dots for settings of a part."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel) and name not in OF_THEIR_OWN:
            found |= leaves(type(default), f"{prefix}{name}.")
        else:
            found[prefix + name] = default
    return found


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_stands_in_its_table_with_its_default(name):
    told, known = section(name), leaves(SECTIONS[name])
    for setting in OF_THEIR_OWN if name == "Campaign" else FEATURES if name == "Policies" else ():
        known.pop(setting)
    told.pop("noise", None)
    assert told.keys() == known.keys()
    for setting, default in known.items():
        assert said(default, told[setting]), f"{name}.{setting}: {told[setting]} is not {default}"


def said(default: Any, text: str) -> bool:
    text = text.replace("`", "")
    if text in IN_WORDS:
        return default in (None, {}, ()) or default == "campaign"
    if isinstance(default, bool):
        return text == str(default).lower()
    if isinstance(default, int | float):
        return float(text) == default
    if isinstance(default, tuple):
        return tuple(map(float, text.split(","))) == default
    return text == str(default)


def test_every_parameter_of_an_importer_is_on_its_page():
    text = (ROOT / "docs/bring-your-own-data.md").read_text()
    for name, path in BUILT_IN.items():
        part = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert part, name
        told = {
            key
            for cell in re.findall(r"^\| (`[^|]+) \|", part, re.MULTILINE)
            for key in re.findall(r"`([^`]+)`", cell)
        }
        assert told == set(load_class(path, "importer").Params.model_fields), name
