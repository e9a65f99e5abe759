"""Writes the page: the answer, the swap, baselines, strata, validation, latency, data, training."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from markupsafe import Markup

from loopyard.evaluation.by_stratum import results_by_stratum
from loopyard.evaluation.offline.figures import draw_training
from loopyard.evaluation.offline.training_curve import TrainingCurve
from loopyard.evaluation.vla.proof import Proof
from loopyard.store.atomic import write_text
from loopyard.surface.proof_page.charts import Bar, rates_chart
from loopyard.surface.proof_page.swap_sheet import swap_sheet
from loopyard.surface.report.wording import count, duration, interval, percent, plain
from loopyard.surface.templates import page_templates, styles_of

PAGE = "proof_page/proof.html.j2"
STYLES = ("report/style.css", "proof_page/proof.css")
PROVEN = "It looks, it listens, and it arrives"


def write_proof_page(path: Path, proof: Proof) -> Path:
    """Writes one self-contained HTML file; its folder is made where it is missing.

    Raises:
        NoSpaceError: the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, render(proof))
    return path


def render(proof: Proof) -> str:
    """The page. Only what matplotlib drew here is trusted as markup."""
    environment = page_templates("proof_page")
    environment.filters |= {"count": count, "percent": percent, "plain": plain}
    environment.filters |= {"interval": interval, "duration": duration}
    found = proof.to_dict()
    return environment.get_template(PAGE).render(
        style=styles_of(environment, STYLES),
        name=str(proof.checkpoint),
        tone="good" if proof.verdict.proven else "bad",
        word=PROVEN if proof.verdict.proven else ", ".join(proof.verdict.words).capitalize(),
        charts={name: Markup(svg) for name, svg in _charts(proof).items()},
        pairs=swap_sheet(proof),
        training=None if proof.curve is None else _training_figure(proof.curve),
        **{name: found[name] for name in USED},
    )


USED = (
    *("checkpoint", "world", "target", "reasons", "success", "swap", "baselines", "trained_steps"),
    *("validation", "latency", "data", "seconds", "machine"),
)
"""What the template takes of `Proof.to_dict`."""


def _charts(proof: Proof) -> dict[str, str]:
    answer = [
        Bar("told", proof.success),
        Bar("told the other thing", proof.swap),
        Bar("both, scene by scene", proof.pairs),
        *(
            Bar(name, one.result, "third" if one.beaten else "bad")
            for name, one in proof.baselines.items()
        ),
    ]
    strata = [
        Bar(f"{plain(part)}: {plain(value)}", result, "second")
        for part, values in results_by_stratum(proof.records).items()
        if len(values) > 1
        for value, result in values.items()
    ]
    cases = [Bar(one.case.name, one.result, "second") for one in proof.validation]
    return {
        "answer": rates_chart(answer, "answer", proof.asked.target),
        "strata": rates_chart(strata, "strata", proof.asked.target) if strata else "",
        "validation": rates_chart(cases, "validation", proof.asked.target),
    }


def _training_figure(curve: TrainingCurve) -> str:
    """As the address of a picture that lies inside the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "training.svg"
        draw_training(curve, path)
        drawn = path.read_bytes()
    return "data:image/svg+xml;base64," + base64.b64encode(drawn).decode()
