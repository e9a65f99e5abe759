"""The doctor: finds what is missing, says what to do, and ends with 1."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from importlib import metadata

import pytest

from loopyard.core import machine
from loopyard.store.space import GIB
from loopyard.surface.commands import doctor
from loopyard.surface.console import Console
from loopyard.surface.graphics import GL_ADVICE, Probe, probe

WORKS = Probe(True, "llvmpipe", 1.0, "")
BROKEN = Probe(False, "", 0.5, "libEGL.so.1: cannot open shared object file")


def examine(monkeypatch: pytest.MonkeyPatch, result: Probe, *, as_json: bool) -> tuple[int, str]:
    monkeypatch.setattr(doctor, "probe", lambda: result)
    out = io.StringIO()
    code = doctor.run(doctor.Options(), Console(json=as_json, terminal=False, out=out))
    return code, out.getvalue()


def test_a_ready_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = examine(monkeypatch, WORKS, as_json=False)
    assert code == 0
    assert text.endswith("\nready\n")
    assert "ok    graphics   llvmpipe" in text


def test_no_graphics_is_an_obstacle_with_the_command_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, text = examine(monkeypatch, BROKEN, as_json=False)
    assert code == 1
    assert "FAIL  graphics   no camera can render: libEGL.so.1" in text
    assert GL_ADVICE in text


def test_json_holds_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = examine(monkeypatch, BROKEN, as_json=True)
    answer = json.loads(text)
    assert (code, answer["ready"]) == (1, False)
    assert [check["name"] for check in answer["checks"]] == [
        "python", "libraries", "torch", "graphics", "cores", "memory", "disk",
    ]  # fmt: skip


def test_a_forced_renderer_is_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert "MUJOCO_GL is set to 'osmesa'" in doctor.check_graphics(BROKEN).advice
    monkeypatch.delenv("MUJOCO_GL")
    assert "MUJOCO_GL" not in doctor.check_graphics(BROKEN).advice


def test_a_slow_first_frame_is_a_warning() -> None:
    assert doctor.check_graphics(Probe(True, "x", 30.0, "")).status == "warn"


@pytest.mark.parametrize(("version", "status"), [((3, 10, 14), "fail"), ((3, 11, 0), "ok")])
def test_python(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], status: str) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert doctor.check_python().status == status


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "av":
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(metadata, "version", version)
    finding = doctor.check_libraries()
    assert (finding.status, finding.found) == ("fail", "missing: av")


def test_a_torch_that_does_not_load_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    finding = doctor.check_torch()
    assert finding.status == "fail"
    assert "does not load" in finding.found


@pytest.mark.parametrize(("cores", "status"), [(1, "warn"), (2, "ok"), (64, "ok")])
def test_cores(cores: int, status: str) -> None:
    assert doctor.check_cores(cores).status == status


@pytest.mark.parametrize(
    ("gib", "cores", "status"), [(0, 2, "warn"), (3, 2, "warn"), (4, 2, "ok"), (3, 1, "ok")]
)
def test_memory(gib: int, cores: int, status: str) -> None:
    assert doctor.check_memory(gib * GIB, cores).status == status


@pytest.mark.parametrize(("gib", "status"), [(1, "fail"), (2, "ok")])
def test_disk(gib: int, status: str) -> None:
    assert doctor.check_disk(gib * GIB).status == status


@pytest.mark.parametrize(
    ("words", "cores"), [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("", 8)]
)
def test_a_container_has_its_share_of_cores(
    monkeypatch: pytest.MonkeyPatch, words: str, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(machine, "_words", lambda path: words.split())
    assert machine.usable_cores() == cores


@pytest.mark.parametrize(("words", "limited"), [("1073741824", True), ("max", False), ("", False)])
def test_a_container_has_its_share_of_memory(
    monkeypatch: pytest.MonkeyPatch, words: str, *, limited: bool
) -> None:
    monkeypatch.setattr(machine, "_words", lambda path: words.split())
    assert (machine.total_memory_bytes() == GIB) is limited


@pytest.mark.gl
def test_a_child_renders_a_frame() -> None:
    result = probe()
    assert result.works, result.error
    assert result.renderer


def test_a_broken_driver_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    result = probe()
    assert not result.works
    assert "nonsense" in result.error
    assert "\n" not in result.error


def test_a_driver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*args: object, **kwargs: object) -> None:
        raise subprocess.TimeoutExpired("x", 60)

    monkeypatch.setattr("loopyard.surface.graphics.subprocess.run", hang)
    assert probe().error == "no frame within 60 s"
