"""An audit in a process of its own: a file made to crash or flood its reader harms nothing else.

Arrow and FFmpeg are written in C and C++; some damaged files abort them, and some declare more than
any memory holds.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from loopyard.core.errors import WorkerError
from loopyard.data.audit.auditor import audit
from loopyard.data.audit.report import AuditReport, Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.executors.local import LocalExecutor

MEMORY_BYTES = 1024**3
"""Of an audit's process."""


@dataclass(frozen=True)
class AuditJob:
    """The arguments of `audit`. workers: processes that decode frames; 0: the audit's own."""

    path: Path
    thresholds: Thresholds
    thorough: bool = False
    video: bool = True
    workers: int = 0


def audit_apart(job: AuditJob) -> AuditReport:
    """As `audit`, in another process of bounded memory; that it dies is a failed check."""
    try:
        return next(iter(LocalExecutor(1).map(make_auditor, [job])))
    except WorkerError as error:
        found = f"a file that ends the process which reads it ({error})"
        return AuditReport(str(job.path), [Check("opens", "fail", found, "a whole dataset")])


def make_auditor() -> Callable[[AuditJob], AuditReport]:
    """For an executor: bounds this process, then audits."""
    bound_memory(MEMORY_BYTES)
    return _audit


def bound_memory(most: int) -> None:
    """From here on this process holds at most so many bytes of its own, and dumps no core.

    Of data, not of address space, much of which is only set aside. Arrow then has to take memory as
    it needs it instead of a GiB at a time.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    for kind, wanted in ((resource.RLIMIT_DATA, most), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (limit, hard))


def _audit(job: AuditJob) -> AuditReport:
    return audit(
        job.path,
        thorough=job.thorough,
        thresholds=job.thresholds,
        video=job.video,
        executor=LocalExecutor(job.workers) if job.workers else None,
    )
