"""What all tests share: the same examples every time, and signals that arrive."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "same every time",
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],  # of a busy machine, not of the test
)
settings.load_profile("same every time")

collect_ignore = ["lerobot"]  # `make test-lerobot` runs these, in an environment of their own

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C and so would every process that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
