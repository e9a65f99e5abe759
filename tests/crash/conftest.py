"""Commands that are killed, or whose disk fails, a hundred times over."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # tests import harness by its name

from campaigns import outcome, write_campaign  # noqa: E402
from harness import Zygote  # noqa: E402


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Starts commands, on a disk that may fail (see faulty.c) where there is a C compiler."""
    folder = tmp_path_factory.mktemp("zygote")
    made = Zygote(folder, faulty_library(folder))
    yield made
    made.close()


def faulty_library(folder: Path) -> Path | None:
    """faulty.c, compiled; None where that cannot be done."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library, source = folder / "faulty.so", str(HERE / "faulty.c")
    options = ["-shared", "-fPIC", "-O1", "-o", str(library), source, "-ldl", "-lpthread"]
    subprocess.run([compiler, *options], check=True)
    return library


@pytest.fixture(scope="session")
def faulty_zygote(zygote: Zygote) -> Zygote:
    """Where the disk can be made to fail."""
    if not zygote.faulty:
        pytest.skip("needs a C compiler on Linux")
    return zygote


@pytest.fixture(scope="session")
def whole(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """What a campaign comes to that nothing befalls, and its seconds."""
    folder = tmp_path_factory.mktemp("whole")
    begin_s = time.monotonic()
    done = zygote.run("run", write_campaign(folder), cwd=folder)
    took_s = time.monotonic() - begin_s
    assert done.code in (0, 1), done.said
    return outcome(folder / "runs/toy"), took_s
