"""Writes the import contracts of pyproject.toml into docs/architecture.md: `python -m tests.architecture`."""

import tomllib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- import contracts: written by `just fix` -->\n", "<!-- end of import contracts -->\n"

Contract = dict[str, Any]

_CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
ROOT_PACKAGES: list[str] = _CONFIGURATION["root_packages"]


def contracts() -> list[Contract]:
    """Read the contracts that `just check` proves."""
    return [dict(rule) for rule in _CONFIGURATION["contracts"]]


def section(rules: list[Contract]) -> str:
    """Return what the page says about these contracts."""
    return "\n".join(
        [
            "```mermaid",
            "flowchart TD",
            *_arrows(next(rule for rule in rules if rule["type"] == "layers" and "containers" not in rule)),
            "```",
            "",
            "| contract | modules |",
            "| --- | --- |",
            *(f"| {rule['name']} | {_modules(rule)} |" for rule in rules),
            "",
        ]
    )


def _arrows(rule: Contract) -> Iterator[str]:
    """Draw layers, the highest on top; a layer's modules that may not import each other are crossed."""
    layers = [layer.split(" | ") for layer in rule["layers"]]
    for above, below in pairwise(layers):
        yield f"    {' & '.join(above)} --> {' & '.join(below)}"
    for layer in layers:
        for one, other in pairwise(layer):
            yield f"    {one} x-. never .-x {other}"


def _modules(rule: Contract) -> str:
    if rule["type"] == "layers":
        container = f"in `{rule['containers'][0]}`: " if "containers" in rule else ""
        return container + " → ".join(_layer(layer) for layer in rule["layers"])
    return f"never in {_listed(rule['source_modules'])}: {_listed(rule['forbidden_modules'])}"


def _layer(layer: str) -> str:
    """Spell one layer: `|` in it separates modules that may not import each other, `:` those that may."""
    for sign in (" | ", " : "):
        if sign in layer:
            return ("; " if sign == " | " else ", ").join(f"`{name}`" for name in layer.split(sign))
    return f"`{layer}`"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def written(page: str) -> str:
    """Return the page with the section as the contracts are now; raises ValueError where it has no place for it."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE} has no section between {BEGIN.strip()} and {END.strip()}")
    return before + begin + "\n" + section(contracts()) + "\n" + end + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
