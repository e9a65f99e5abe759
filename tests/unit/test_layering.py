"""The floors of the house: what may import what, how long a file may be, what help costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import loopyard

SRC = Path(loopyard.__file__).parent
FLOORS = [
    "core",
    "store",
    "executors",
    "worlds",
    "experts",
    "scenarios",
    "data",
    "policies",
    "training",
    "evaluation",
    "cycle",
    "surface",
]
MOST_LINES = 350
HEAVY = ["torch", "mujoco", "numpy", "pydantic", "tyro", "rich", "gymnasium", "av", "matplotlib"]


def floors_imported(source: str, module: tuple[str, ...], *, is_package: bool) -> set[str]:
    """The floors that a module of loopyard imports; module is its path below ``loopyard``."""
    package = ("loopyard", *module) if is_package else ("loopyard", *module[:-1])
    names: list[tuple[str, ...]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = (*base, *(node.module or "").split(".")) if node.module else base
            names += [(*start, alias.name) for alias in node.names]
    return {name[1] for name in names if name[0] == "loopyard" and len(name) > 1} & set(FLOORS)


def python_files() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import loopyard.data.video", {"data"}),
        ("from loopyard import cycle", {"cycle"}),
        ("from loopyard.core.errors import ConfigError", {"core"}),
        ("def f():\n    from ..surface import cli", {"surface"}),
        ("from .act.model import Act", {"policies"}),
        ("from .. import worlds, store", {"worlds", "store"}),
        ("import numpy\nfrom loopyard import Scenario", set()),
    ],
)
def test_the_import_parser_sees_every_form(source: str, found: set[str]) -> None:
    assert floors_imported(source, ("policies", "policy"), is_package=False) == found


def test_relative_imports_of_a_package_start_at_itself() -> None:
    source = "from . import registry\nfrom ..core import seeds"
    assert floors_imported(source, ("worlds",), is_package=True) == {"worlds", "core"}


def test_every_folder_is_a_floor() -> None:
    folders = {path.relative_to(SRC).parts[0] for path in python_files() if path.parent != SRC}
    assert folders <= set(FLOORS)


def test_each_floor_imports_only_floors_above_it() -> None:
    wrong = []
    for path in python_files():
        module = path.relative_to(SRC).with_suffix("").parts
        is_package = module[-1] == "__init__"
        if len(module) == 1:
            continue
        module = module[:-1] if is_package else module
        own = FLOORS.index(module[0])
        imported = floors_imported(path.read_text(), module, is_package=is_package)
        wrong += [
            f"{'.'.join(module)} imports {floor}"
            for floor in sorted(imported)
            if FLOORS.index(floor) > own
        ]
    assert wrong == []


def test_no_file_is_long() -> None:
    lengths = {str(path.relative_to(SRC)): _lines(path) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def modules_after(code: str) -> set[str]:
    """The top-level modules in a fresh interpreter after ``code``."""
    child = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in child.stderr.split()}


def test_importing_the_package_loads_nothing() -> None:
    assert modules_after("import loopyard; loopyard.__version__").isdisjoint(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    code = "from loopyard.surface.cli import main; assert main(['--help']) == 0"
    assert modules_after(code).isdisjoint(HEAVY)


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_itself_loads_nothing_heavy(floor: str) -> None:
    if not (SRC / floor / "__init__.py").exists():
        pytest.skip(f"{floor} has no code yet")
    assert modules_after(f"import loopyard.{floor}").isdisjoint({"torch", "mujoco", "matplotlib"})
