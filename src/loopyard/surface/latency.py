"""What `loopyard evaluate` measures and says of latency: --latency, --delay-ms, --asynchronous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopyard.core.scenario import Scenario
    from loopyard.evaluation.execution import LatencyModel
    from loopyard.evaluation.worker import WorkerPlan


def asked_latency(
    delay_ms: float | None, scenario: Scenario, *, asynchronous: bool
) -> LatencyModel | None:
    """The simulated latency that the options ask for, in ticks of the scenario's world.

    Raises:
        ConfigError: no delay to be asynchronous about, or a negative one.
    """
    from loopyard.core.errors import ConfigError, expected
    from loopyard.evaluation.execution import LatencyModel
    from loopyard.evaluation.worker import make_scenario_world
    from loopyard.worlds.world import spec_of

    if delay_ms is None:
        if asynchronous:
            wanted = "milliseconds of a prediction, for --asynchronous"
            raise ConfigError(expected("evaluate", "--delay-ms", "nothing", wanted))
        return None
    world = make_scenario_world(scenario)
    try:
        fps = spec_of(world).fps
    finally:
        world.close()
    return LatencyModel.of_ms(delay_ms, fps, asynchronous=asynchronous)


def measured_latency(plan: WorkerPlan, scenes: Sequence[tuple[Scenario, int]]) -> dict[str, Any]:
    """{device: `loopyard.evaluation.latency.Latency` as JSON}: the processor, and a GPU if any."""
    from loopyard.evaluation.latency import measure_latency
    from loopyard.evaluation.remade import Remade
    from loopyard.evaluation.worker import load_for, make_scenario_world

    world: Any = Remade(make_scenario_world(plan.scenario), make_scenario_world)
    try:
        policy: Any = load_for(plan, int(world.action_space.shape[0]))
        found = [measure_latency(policy, world, scenes).to_dict()]
        if hasattr(policy, "to") and _has_gpu():
            found.append(measure_latency(policy.to("cuda"), world, scenes).to_dict())
        return {latency["device"]: latency for latency in found}
    finally:
        world.close()


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def latency_lines(answer: dict[str, Any]) -> list[str]:
    """What a person reads of both, where they were asked for."""
    lines = []
    if "simulated_latency" in answer:
        simulated, metrics = answer["simulated_latency"], answer["metrics"]
        meanwhile = "driving on" if simulated["asynchronous"] else "holding the last action"
        age = metrics["observation_age_ticks"]["mean"]
        rests = "" if age is None else f"; actions rest on pictures {age:.1f} ticks old"
        lines.append(
            f"as if a prediction took {simulated['delay_ticks']} ticks, {meanwhile} meanwhile: "
            f"{metrics['late_ticks']['mean']:.1f} late ticks a drive{rests}"
        )
    for device, latency in answer.get("latency", {}).items():
        lines += _measured_lines(device, latency)
    return lines


def _measured_lines(device: str, latency: dict[str, Any]) -> list[str]:
    ticks, warm_up, popping = latency["ticks"], latency["warm_up"], latency["popping"]
    where = f"{device}, {latency['threads']} threads"
    lines = [f"from picture to action on {where}: {_times(latency['predicting'])} if it predicts"]
    if popping:
        lines.append(f"  {_times(popping)} if it goes on along a chunk")
    warming = f", after {warm_up['ticks']} to warm up" if warm_up else ""
    late, budget_ms = latency["late_ticks"], latency["budget_ms"]
    lines.append(f"  {late} of {ticks['ticks']} ticks later than {budget_ms:g} ms{warming}")
    return lines


def _times(times: dict[str, Any]) -> str:
    return (
        f"{times['p50_ms']:.2f} ms (95th percentile {times['p95_ms']:.2f}, "
        f"99th percentile {times['p99_ms']:.2f})"
    )
