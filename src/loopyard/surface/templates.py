"""The templates of a page of its own: in a folder of the surface, in the report's dress."""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup


def page_templates(folder: str) -> Environment:
    """Templates and styles of the report and of ``folder``, named from the surface on."""
    return Environment(
        loader=PrefixLoader(
            {name: PackageLoader(f"loopyard.surface.{name}") for name in ("report", folder)}
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def styles_of(environment: Environment, names: Iterable[str]) -> Markup:
    """The style sheets of these names, one after another."""
    loader = environment.loader
    assert loader is not None
    return Markup("\n".join(loader.get_source(environment, name)[0] for name in names))
