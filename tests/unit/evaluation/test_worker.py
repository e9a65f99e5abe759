"""What workers drive at a time."""

from __future__ import annotations

import pytest

from loopyard.evaluation.worker import block_size


@pytest.mark.parametrize(
    ("jobs", "workers", "most", "sizes"),
    [
        (85, 2, 24, [22, 22, 22, 19]),
        (60, 2, 16, [15, 15, 15, 15]),
        (5, 2, 24, [3, 2]),
        (1, 4, 16, [1]),
        (16, 0, 16, [16]),
    ],
)
def test_blocks_are_equal_shares_for_all_workers(jobs, workers, most, sizes):
    size = block_size(jobs, workers, most)
    found = [min(size, jobs - start) for start in range(0, jobs, size)]
    assert found == sizes
    assert max(found) <= most
