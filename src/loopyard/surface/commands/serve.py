"""Let robots ask a policy over a websocket, many at once, and stand still where something is wrong.

Robots use `loopyard.client.PolicyClient`, which needs neither torch nor MuJoCo. On another address
than this machine's own, a token in the environment variable LOOPYARD_SERVE_TOKEN is asked for. The
same port answers GET /health and GET /metrics (Prometheus). With --json the one object is printed
as soon as the server listens. Ctrl-C ends it with exit code 0.

Example: loopyard serve runs/demo/best --port 8765
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.policies.policy import Policy
    from loopyard.surface.serve.interface import Interface
    from loopyard.surface.serve.server import PolicyServer

MOST_PORT = 65535


@dataclass(frozen=True)
class Options:
    """Which policy, for whom, and how much at once."""

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """checkpoint folder, ours or LeRobot's"""
    host: str = "127.0.0.1"
    """address to listen on; any but this machine's own needs a token"""
    port: int = 8765
    """0: any that is free, which is printed"""
    n_action_steps: int | None = None
    """actions of each chunk to execute; default: as the checkpoint says"""
    temporal_ensemble: float | None = None
    """predict at every tick and average, with this coefficient"""
    fps: int | None = None
    """control ticks a second, where the checkpoint does not say"""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """where the network computes; auto: on a GPU where there is one (LeRobot's: always cpu)"""
    threads: int = 0
    """processor threads of a forward pass; 0: half of the cores"""
    max_clients: int = 64
    """robots at once"""
    max_batch: int = 32
    """observations of one forward pass"""


def run(options: Options, console: Console) -> int:
    """Serves until it is stopped."""
    import gc
    import os

    from loopyard.core.clock import SystemClock
    from loopyard.core.errors import ConfigError, expected

    if not 0 <= options.port <= MOST_PORT:
        raise ConfigError(expected("serve", "--port", options.port, f"0 to {MOST_PORT}"))
    for name in ("fps", "max_clients", "max_batch"):
        value = getattr(options, name)
        if value is not None and value < 1:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigError(expected("serve", flag, value, "1 or more"))
    try:
        from loopyard.policies.threads import deployed_threads
        from loopyard.surface.serve.door import token_of
        from loopyard.surface.serve.server import PolicyServer, ServerLimits
        from loopyard.surface.serve.warm_up import warm_up
    except ImportError as error:
        wanted = "pip install 'loopyard[serve]'"
        raise ConfigError(expected("serve", str(error.name), "not installed", wanted)) from error
    token = token_of(os.environ, options.host)
    limits = ServerLimits(clients=options.max_clients, batch=options.max_batch)
    policy, interface = _load(options)
    with deployed_threads(options.threads):
        server = PolicyServer(policy, interface, token=token, limits=limits, say=_speaker(console))
        warm_up(policy, interface, limits.batch, SystemClock())
        gc.collect()
        gc.freeze()  # what is loaded stays: no answer waits until all of it was looked through
        _serve(server, options, console)
    return 0


def _load(options: Options) -> tuple[Policy, Interface]:
    from loopyard.evaluation.identity import policy_digest
    from loopyard.policies.checkpoint import checkpoint_folder, load_policy
    from loopyard.surface.serve.interface import interface_of

    where = str(options.checkpoint)
    execution = {
        "n_action_steps": options.n_action_steps,
        "temporal_ensemble": options.temporal_ensemble,
    }
    policy = _placed(load_policy(where, **execution), options.device)
    if options.checkpoint.is_dir():
        where = str(checkpoint_folder(where))
    return policy, interface_of(policy, policy_digest(where, **execution), options.fps, where)


def _placed(policy: Policy, device: str) -> Policy:
    """The policy with its network on the device; one that cannot be moved stays on the processor.

    Raises:
        ConfigError: a GPU was asked for and there is none, or the policy cannot be moved to it.
    """
    import torch

    from loopyard.core.errors import ConfigError, expected

    there, move = torch.cuda.is_available(), getattr(policy, "to", None)
    if device == "cuda" and (not there or move is None):
        found = "no GPU" if not there else type(policy).__name__
        raise ConfigError(expected("serve", "--device cuda", found, "a GPU and a policy of ours"))
    return move("cuda") if there and move is not None and device != "cpu" else policy


def _serve(server: PolicyServer, options: Options, console: Console) -> None:
    """Until Ctrl-C or SIGTERM."""
    import asyncio
    import signal

    interface = server.interface

    def ready(port: int) -> None:
        host = f"[{options.host}]" if ":" in options.host else options.host
        url = f"ws://{host}:{port}"
        answer = {"url": url, "port": port, "interface": interface.to_dict()}
        text = f"{interface.policy} {interface.digest} listens on {url}; Ctrl-C ends it"
        console.result(answer, text)

    async def until_stopped() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await server.run(options.host, options.port, ready=ready, stop=stop)

    asyncio.run(until_stopped())
    told = server.metrics.to_dict()
    safe = sum(told[kind] for kind in ("late", "malformed", "failed"))
    console.print(f"ended after {told['actions']} actions and {safe} safe ones")


def _speaker(console: Console) -> Callable[[str], None]:
    from datetime import datetime

    def say(text: str) -> None:
        console.print(f"{datetime.now():%Y-%m-%d %H:%M:%S} serve: {text}")

    return say
