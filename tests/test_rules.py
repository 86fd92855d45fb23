"""Rules of the house that no linter knows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    path
    for package in ("departments", "gateway", "house", "plumbing")
    for path in sorted((ROOT / package).rglob("*.py"))
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_composition_roots_read_the_environment(path: Path) -> None:
    module = ast.parse(path.read_text())
    names = {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    assert not names & {"environ", "getenv"} or _is_run(module)


def _is_run(module: ast.Module) -> bool:
    """Tell whether a module is a program of its own: only such a one is a composition root."""
    return any(isinstance(each, ast.If) and ast.unparse(each.test) == "__name__ == '__main__'" for each in module.body)
