"""Rules of the project that no linter knows."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("departments", "gateway", "infra", "ops")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_composition_root(path: Path, module: ast.Module) -> bool:
    """Tell whether a module is a program: `main.py`, or one that is run."""
    is_run = any(
        isinstance(each, ast.If) and ast.unparse(each.test) == "__name__ == '__main__'" for each in module.body
    )
    return is_run or path.name == "main.py"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_only_composition_roots_read_the_environment(path: Path) -> None:
    module = ast.parse(path.read_text())
    names = {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    assert not names & {"environ", "getenv"} or is_composition_root(path, module)


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_nothing_imports_a_composition_root_but_its_own_main(path: Path) -> None:
    """`gateway/__main__.py` imports `gateway.main`; everything else builds its own from the modules below."""
    roots = {f"{package}.{name}" for package in PACKAGES for name in ("main", "__main__")}
    if path.name == "__main__.py":
        roots.discard(f"{path.parent.name}.main")
    assert not roots & set(imported_names(ast.parse(path.read_text())))


def imported_names(module: ast.Module) -> Iterator[str]:
    """Yield what a module imports: modules, and whatever is imported from them, by full name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


AWAITED = {
    "infra/group_commit.py": "what a batch raises reaches everyone who waits for it",
    "infra/grpc/health_service.py": "what asking raises reaches everyone who asks meanwhile",
    "infra/pipeline.py": "what an item raises is raised to whoever iterates",
    "ops/up.py": "what ends a program's task ends the house, which raises it",
    "gateway/department_client/stream.py": "what ends the stream reaches everyone who waits for a response",
}
"""Modules whose tasks give each failure to someone who waits, and why that is so."""


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_task_that_nobody_awaits_is_supervised(path: Path) -> None:
    if relative(path) in AWAITED:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".create_task", ".ensure_future")):
            assert ast.unparse(node.args[0]).startswith("supervised("), f"line {node.lineno}: {ast.unparse(node)}"
