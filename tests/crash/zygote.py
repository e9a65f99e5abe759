"""Runs commands in children forked from one process that has imported everything already.

A test of crashes starts a command a hundred times; so each start costs milliseconds. Reads one JSON
object a line and answers each with one: {"start": {...}} with {"pid"}, {"wait": pid} with {"code"}.
Jobs that a command gives to worker processes run in the command's own process, unless workers are
asked for.
"""

from __future__ import annotations

import ctypes
import faulthandler
import io
import json
import os
import signal
import sys
import traceback
from typing import Any


def warm_up() -> None:
    """Import what the commands import, and what torch puts off until the first step.

    The ResNet of `act` is made thin, so that its checkpoints are small; campaigns measure little
    and draw no charts.
    """
    import av  # noqa: F401
    import torch
    import tyro  # noqa: F401
    from matplotlib.figure import Figure

    import loopyard.cycle.engine
    import loopyard.data.generate
    import loopyard.surface.campaign_log
    import loopyard.surface.commands.run
    import loopyard.surface.report.build
    import loopyard.training.loop  # noqa: F401
    from loopyard.cycle.planning import measure
    from loopyard.policies.act import resnet

    resnet.WIDTHS = (8, 8, 8, 8)
    measure.EPISODES_A_WORKER = measure.ROLLOUTS_A_WORKER = measure.STEPS = 2
    setattr(Figure, "savefig", empty_chart)  # noqa: B010
    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.sum().backward()
    torch.optim.AdamW([weight], fused=True).step()


def empty_chart(figure: Any, to: Any, **more: Any) -> None:
    """In place of drawing one, which is most of the work of a campaign of seconds."""
    text = "<svg></svg>"
    to.write(text if isinstance(to, io.TextIOBase) else text.encode())


def run(
    argv: list[str],
    cwd: str,
    out: str,
    env: dict[str, str],
    fault: list[Any] | None,
    workers: bool,
) -> int:
    """The child: one command; with `fault` = [folder, kind, nth, labels] on a disk that fails."""
    os.setsid()
    stream = os.open(out, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(stream, number)
    faulthandler.enable()  # where a library crashes, the test says in which call
    os.chdir(cwd)
    os.environ.update(env)
    from loopyard.executors import local
    from loopyard.surface.cli import main

    if not workers:
        here = lambda self, make, jobs: local._map_here(make, jobs)  # noqa: E731
        setattr(local.LocalExecutor, "map", here)  # noqa: B010
    if fault is None:
        return main(argv)
    library = ctypes.CDLL(None)
    folder, kind, nth, labels = fault
    library.faulty_arm(folder.encode(), kind.encode(), ctypes.c_long(nth), labels.encode())
    try:
        return main(argv)
    finally:
        library.faulty_arm(b"/nowhere", b"", ctypes.c_long(-1), b"")


def main() -> None:
    warm_up()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            code = 70
            try:
                code = run(**asked["start"])
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        print(json.dumps({"pid": pid}), flush=True)


if __name__ == "__main__":
    main()
