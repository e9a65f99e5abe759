"""``loopyard evaluate --vla``: from the command's options to the proof, its page and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopyard.surface.console import Console
from loopyard.surface.text_table import text_table

if TYPE_CHECKING:
    from loopyard.core.scenario import Scenario
    from loopyard.surface.scenario_options import BaseOptions

PROOF = "proof.json"
PAGE = "index.html"


def run_proof(
    checkpoint: Path,
    options: BaseOptions,
    console: Console,
    *,
    n: int,
    target: float,
    out: Path | None,
    workers: int,
) -> int:
    """Prove a checkpoint; 1 where the answer is no. out: None for ``proof`` beside it."""
    from loopyard.evaluation.vla.proof import Asked
    from loopyard.evaluation.vla.prove import prove
    from loopyard.scenarios.suites import suite_seeds
    from loopyard.store.atomic import write_json
    from loopyard.surface.proof_page import write_proof_page
    from loopyard.surface.report.build import report

    base = _scenario(checkpoint, options)
    folder = out or checkpoint.parent / "proof"
    scenes = [(base, seed) for seed in suite_seeds("gate", n)]
    asked = Asked(checkpoint, scenes, folder, target, workers=workers or None)
    proof = prove(asked, console.progress)
    answer = proof.to_dict()
    write_json(folder / PROOF, answer)
    page = write_proof_page(folder / PAGE, proof)
    if (folder.parent / "campaign.yaml").exists():
        report(folder.parent)  # it leads to the proof
    console.result({**answer, "page": str(page)}, f"{_text(answer)}\npage: {page}")
    return 0 if proof.verdict.proven else 1


def _scenario(checkpoint: Path, options: BaseOptions) -> Scenario:
    """Of the world that it was trained in, with the options' parameters."""
    from loopyard.core.errors import CheckpointError, ConfigError, expected
    from loopyard.policies.checkpoint import load_checkpoint

    spec = load_checkpoint(checkpoint).spec
    if spec is None:
        wanted = "the world that it was trained in"
        raise CheckpointError(expected(str(checkpoint), "world_spec", "nothing", wanted))
    if options.world not in (type(options).world, spec.world):
        raise ConfigError(expected("evaluate --vla", "--world", options.world, spec.world))
    return options.base().model_copy(update={"world": spec.world, "preset": spec.preset})


def _text(answer: Mapping[str, Any]) -> str:
    strata = answer["success"]["strata"].items()
    rows = [
        _row("told", answer["success"]),
        _row("told the other thing", answer["swap"]),
        *(_row(name, found) for name, found in answer["baselines"].items()),
        *(_row(found["name"], found) for found in answer["validation"]),
        *(
            _row(f"{part}: {value}", found)
            for part, values in strata
            if len(values) > 1
            for value, found in values.items()
        ),
    ]
    reasons = [f"  {reason}" for reason in answer["reasons"]]
    words = ", ".join(answer["words"]) or "it looks, it listens, and it arrives"
    table = text_table(["", "succeeded", "rate", "Wilson 95 %"], rows, right=(1, 2))
    timed = [_timed(device, found) for device, found in answer["latency"].items()]
    return "\n".join([table, "", *timed, f"answer: {answer['answer']} ({words})", *reasons])


def _timed(device: str, found: Mapping[str, Any]) -> str:
    ticks = found["ticks"]
    return (
        f"from the picture to the action on {device}: {ticks['p50_ms']:.1f} ms, 99th percentile "
        f"{ticks['p99_ms']:.1f} ms; {found['late_ticks']} of {ticks['ticks']} ticks late"
    )


def _row(name: str, found: Mapping[str, Any]) -> list[str]:
    low, high = found["wilson_95"]
    rate = "-" if found["rate"] is None else f"{found['rate']:.1%}"
    return [name, f"{found['successes']}/{found['n']}", rate, f"{low:.1%} to {high:.1%}"]
