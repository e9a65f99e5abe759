"""Free space: refused before the work, named when it runs out."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from loopyard.core.errors import NoSpaceError
from loopyard.store.space import (
    free_bytes,
    is_disk_failure,
    is_no_space,
    naming_full_disk,
    require_space,
)


def test_enough_space_passes_even_where_the_folder_is_not_made_yet(tmp_path: Path) -> None:
    place = tmp_path / "not" / "yet"
    require_space(place, 1, "a run")
    assert free_bytes(place) > 0
    assert not place.exists()


def test_too_little_space_says_how_much(tmp_path: Path) -> None:
    with pytest.raises(NoSpaceError, match=r"a run needs 1048576\.0 GiB, \d+\.\d GiB free"):
        require_space(tmp_path, 1 << 50, "a run")


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError(errno.EDQUOT, "x"), True),
        (OSError(errno.EIO, "x"), False),
        (ValueError("IoError: No space left on device"), True),
        (ValueError("another"), False),
    ],
)
def test_a_full_disk_is_recognised(error: Exception, *, full: bool) -> None:
    assert is_no_space(error) is full


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        (OSError(errno.EIO, "x"), True),
        (OSError(errno.EROFS, "x"), True),
        (ValueError("I/O error: Input/output error (os error 5)"), True),
        (OSError(errno.ENOENT, "x"), False),
    ],
)
def test_a_failing_disk_is_recognised(error: Exception, *, failed: bool) -> None:
    assert is_disk_failure(error) is failed


def test_only_a_full_disk_is_renamed(tmp_path: Path) -> None:
    with pytest.raises(NoSpaceError, match=str(tmp_path)), naming_full_disk(tmp_path):
        raise OSError(errno.ENOSPC, "x")
    with pytest.raises(OSError, match="x") as caught, naming_full_disk(tmp_path):
        raise OSError(errno.EIO, "x")
    assert caught.value.errno == errno.EIO
