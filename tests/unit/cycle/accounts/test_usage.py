"""Rows of usage: averaged, thinned out, and read whatever a crash left."""

from __future__ import annotations

import pytest

from loopyard.cycle.accounts.usage import Gpu, UsageRow, read_usage, thinned, usage_over


def row(at_s: float, busy: float, *, seconds: float = 5.0, cores: int = 2, **more) -> UsageRow:
    figures = {"own": busy / 2, "memory_gib": 3.0, "memory_total_gib": 24.0, "own_memory_gib": 1.0}
    return UsageRow(at_s=at_s, seconds=seconds, cores=cores, busy=busy, **{**figures, **more})


def test_thinning_halves_the_rows_and_keeps_the_mean():
    rows = [row(5.0 * n, busy=n % 3) for n in range(1, 41)]
    before, after = usage_over(rows), usage_over(thinned(rows))
    assert before is not None
    assert after is not None
    assert len(thinned(rows)) == 20
    assert after.busy == pytest.approx(before.busy)
    assert after.covered_s == pytest.approx(before.covered_s)


def test_thinning_joins_no_rows_across_a_gap_or_two_machines():
    apart = [row(5.0, 1.0), row(60.0, 1.0)]
    assert thinned(apart) == apart
    other = [row(5.0, 1.0), row(10.0, 1.0, cores=8)]
    assert thinned(other) == other


def test_only_the_stretches_asked_for_count():
    rows = [row(5.0, 2.0), row(10.0, 0.0)]
    found = usage_over(rows, [(2.0, 6.0)])
    assert found is not None
    assert found.covered_s == pytest.approx(4.0)
    assert found.busy == pytest.approx(1.5)  # 3 s at two cores, 1 s at none
    assert found.idle_share == pytest.approx(0.25)
    assert usage_over(rows, [(20.0, 30.0)]) is None
    assert usage_over([]) is None


def test_a_gpu_is_told_by_its_fullest_moment_and_its_mean_use():
    rows = [
        row(5.0, 1.0, gpus=(Gpu("A100", 0.5, 3.4, 40.0),)),
        row(10.0, 1.0, gpus=(Gpu("A100", 0.1, 2.0, 40.0),)),
    ]
    found = usage_over(rows)
    assert found is not None
    assert found.gpu is not None
    assert found.gpu.use == pytest.approx(0.3)
    assert found.gpu.memory_gib == 3.4


def test_rows_come_back_from_their_file_and_torn_lines_do_not(tmp_path):
    path = tmp_path / "usage.jsonl"
    rows = [row(5.0, 1.0), row(10.0, 2.0, gpus=(Gpu("L4", 0.25, 1.5, 24.0),))]
    lines = [one.to_line() for one in rows]
    path.write_text(lines[0] + '{"at_s": 7.5, "sec\n' + "null\n" + lines[1] + '{"at_')
    assert read_usage(path) == rows
    assert read_usage(tmp_path / "none.jsonl") == []
