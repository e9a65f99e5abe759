"""The doctor: finds what is missing, says what to do, and ends with 1."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from loopyard.core import machine
from loopyard.store.space import GIB
from loopyard.surface.checkup import codecs, extras
from loopyard.surface.checkup.clock import check_clock
from loopyard.surface.checkup.codecs import CODECS, check_codecs, try_codec
from loopyard.surface.checkup.disk import check_disk, check_fsync, existing, fsync_milliseconds
from loopyard.surface.checkup.extras import EXTRAS, check_extras
from loopyard.surface.checkup.finding import Finding
from loopyard.surface.commands import doctor
from loopyard.surface.console import Console
from loopyard.surface.graphics import GL_ADVICE, Probe, probe

WORKS = Probe(True, "llvmpipe", 1.0, "")
BROKEN = Probe(False, "", 0.5, "libEGL.so.1: cannot open shared object file")


def examine(monkeypatch: pytest.MonkeyPatch, result: Probe, *, as_json: bool) -> tuple[int, str]:
    monkeypatch.setattr(doctor, "probe", lambda: result)
    monkeypatch.setattr(doctor, "check_codecs", lambda: Finding("codecs", "ok", ""))
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
        "python", "libraries", "torch", "graphics", "codecs", "cores", "memory", "disk", "fsync",
        "clock", *(f"[{extra}]" for extra in EXTRAS),
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


@pytest.mark.parametrize(
    ("cores", "there", "load", "status"),
    [(1, 1, 0.0, "warn"), (2, 2, 1.9, "ok"), (2, 2, 9.0, "warn"), (2, 64, 40.0, "ok")],
)
def test_cores(cores: int, there: int, load: float, status: str) -> None:
    finding = doctor.check_cores(cores, there, load)
    assert finding.status == status
    assert ("of 64" in finding.found) is (there == 64)


@pytest.mark.parametrize(
    ("gib", "cores", "status"), [(0, 2, "warn"), (3, 2, "warn"), (4, 2, "ok"), (3, 1, "ok")]
)
def test_memory(gib: int, cores: int, status: str) -> None:
    assert doctor.check_memory(gib * GIB, cores).status == status


@pytest.mark.parametrize(
    ("gib", "filesystem", "status"),
    [(1, "ext4", "fail"), (2, "ext4", "ok"), (2, "", "ok"), (99, "nfs4", "fail")],
)
def test_disk(tmp_path: Path, gib: int, filesystem: str, status: str) -> None:
    assert check_disk(gib * GIB, filesystem, tmp_path).status == status


def test_fsync_is_timed_where_campaigns_will_write(tmp_path: Path) -> None:
    folder = existing(tmp_path / "not" / "yet")
    assert folder == tmp_path
    took = fsync_milliseconds(folder)
    assert isinstance(took, list)
    assert min(took) >= 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("took", "status"), [([1.0, 2.0, 900.0], "ok"), ([80.0, 90.0], "warn"), ("read-only", "fail")]
)
def test_fsync(tmp_path: Path, took: list[float] | str, status: str) -> None:
    finding = check_fsync(took, tmp_path)
    assert finding.status == status
    assert bool(finding.advice) is (status != "ok")


def test_codecs_are_used_and_named() -> None:
    assert try_codec(CODECS["h264"]) == ""
    assert "has no encoder (nonsense)" in try_codec(["nonsense"])
    assert check_codecs().status == "ok"


def test_a_codec_that_fails_is_an_obstacle_or_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def tried(broken: str):
        return lambda encoders: "fails" if encoders == CODECS[broken] else ""

    monkeypatch.setattr(codecs, "try_codec", tried("h264"))
    assert check_codecs().status == "fail"
    monkeypatch.setattr(codecs, "try_codec", tried("av1"))
    assert (check_codecs().status, "LeRobot" in check_codecs().advice) == ("warn", True)


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("readings", "status"),
    [
        ([(0.0, NOW), (0.1, NOW + 0.1), (0.2, NOW + 0.21)], "ok"),
        ([(0.0, NOW), (0.1, NOW + 3.0), (0.2, NOW + 3.1)], "warn"),
        ([(0.0, NOW), (0.1, NOW - 60), (0.2, NOW - 59.9)], "warn"),
        ([(0.2, NOW), (0.1, NOW + 0.1)], "fail"),
        ([(0.0, 1000.0), (0.1, 1000.1)], "warn"),
    ],
)
def test_clock(readings: list[tuple[float, float]], status: str) -> None:
    assert check_clock(readings).status == status


def test_extras_are_those_of_the_package_with_the_line_to_type() -> None:
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    declared = tomllib.loads(text)["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(declared) - {"dev"}
    for name, (modules, _) in EXTRAS.items():
        assert sorted(modules) == sorted(part.split(">")[0] for part in declared[name])
    assert all(finding.status == "ok" for finding in check_extras())


def test_a_missing_extra_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    findings = {finding.name: finding for finding in check_extras()}
    assert findings["[hdf5]"].advice == "pip install -c constraints.txt -e '.[hdf5]'"
    assert findings["[hdf5]"].status == "ok"


def test_a_renderer_is_told_by_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "NVIDIA", tmp_path / "none")
    software = doctor.check_graphics(Probe(True, "llvmpipe (LLVM 15)", 1.0, "", "Mesa"))
    assert software.status == "ok"
    assert "llvmpipe (LLVM 15) by Mesa (software" in software.found
    assert "(GPU)" in doctor.check_graphics(Probe(True, "NVIDIA H100", 1.0, "", "NVIDIA")).found
    monkeypatch.setattr(doctor, "NVIDIA", tmp_path)
    assert doctor.check_graphics(Probe(True, "llvmpipe", 1.0, "", "Mesa")).status == "warn"


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
    assert "\t" not in result.renderer


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
