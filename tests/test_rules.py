"""Rules of the house that no linter knows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    path for package in ("departments", "gateway", "infra", "ops") for path in sorted((ROOT / package).rglob("*.py"))
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_composition_roots_read_the_environment(path: Path) -> None:
    module = ast.parse(path.read_text())
    names = {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    assert not names & {"environ", "getenv"} or _is_run(module)


def _is_run(module: ast.Module) -> bool:
    """Tell whether a module is a program of its own: only such a one is a composition root."""
    return any(isinstance(each, ast.If) and ast.unparse(each.test) == "__name__ == '__main__'" for each in module.body)


AWAITED = {
    "infra/group_commit.py": "what a batch raises reaches everyone who waits for it",
    "infra/grpc/health_service.py": "what asking raises reaches everyone who asks meanwhile",
    "infra/pipeline.py": "what an item raises is raised to whoever iterates",
    "ops/up.py": "what ends a program's task ends the house, which raises it",
    "gateway/department_client/stream.py": "what ends the stream reaches everyone who waits for a response",
}
"""Modules whose tasks give each failure to someone who waits, and why that is so."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_task_that_nobody_awaits_is_supervised(path: Path) -> None:
    if str(path.relative_to(ROOT)) in AWAITED:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".create_task", ".ensure_future")):
            assert ast.unparse(node.args[0]).startswith("supervised("), f"line {node.lineno}: {ast.unparse(node)}"
