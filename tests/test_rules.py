"""Rules of the project that no linter knows."""

import ast
import inspect
import pkgutil
from collections.abc import AsyncIterator, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from betterproto.grpc.grpclib_server import ServiceBase

import departments.rpc
import generated

ROOT = Path(__file__).parent.parent
PACKAGES = ("departments", "gateway", "infra", "ops")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def is_composition_root(path: Path) -> bool:
    """Tell whether a module is a program: `main.py`, or one that is run."""
    is_run = any(
        isinstance(each, ast.If) and ast.unparse(each.test) == "__name__ == '__main__'" for each in parsed(path).body
    )
    return is_run or path.name == "main.py"


def reads_the_environment(path: Path) -> bool:
    names = {node.attr for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute)}
    return bool(names & {"environ", "getenv"})


def test_only_composition_roots_read_the_environment() -> None:
    readers = [path for path in SOURCES if reads_the_environment(path)]
    assert [relative(path) for path in readers if not is_composition_root(path)] == []


def roots_imported(path: Path) -> list[str]:
    """List the composition roots that a module imports; `gateway/__main__.py` may import `gateway.main`."""
    roots = {f"{package}.{name}" for package in PACKAGES for name in ("main", "__main__")}
    if path.name == "__main__.py":
        roots.discard(f"{path.parent.name}.main")
    return [f"{relative(path)} imports {name}" for name in sorted(roots & set(imported_names(parsed(path))))]


def test_nothing_imports_a_composition_root_but_its_own_main() -> None:
    """Everything else builds its own from the modules below."""
    assert [found for path in [*SOURCES, *TESTS] for found in roots_imported(path)] == []


def test_a_folder_of_tests_imports_only_itself_and_support() -> None:
    found = {relative(path): imports_of_other_folders(path.relative_to(ROOT), parsed(path)) for path in TESTS}
    assert {path: others for path, others in found.items() if others} == {}


def imports_of_other_folders(path: Path, module: ast.Module) -> list[str]:
    """List what a module imports of other folders of `tests`, or of `tests` itself where it is in a folder."""
    files = {each.stem for each in (ROOT / "tests").glob("*.py")} if len(path.parts) == 2 else set()
    allowed = {path.parts[1], "support"} | files
    names = (name.split(".") for name in imported_names(module))
    return sorted({name[1] for name in names if name[0] == "tests" and len(name) > 1} - allowed)


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("tests/e2e/test_orders.py", "from tests.hardening.served import serve", ["hardening"]),
        ("tests/e2e/test_orders.py", "from tests import conftest", ["conftest"]),
        ("tests/support/systems.py", "import tests.e2e.conftest", ["e2e"]),
        ("tests/ops/audit/conftest.py", "from tests.ops.books import Books", []),
        ("tests/e2e/test_orders.py", "from tests.support.systems import System", []),
        ("tests/test_architecture.py", "from tests.architecture import PAGE", []),
    ],
)
def test_an_import_of_another_folder_is_found(path: str, line: str, found: list[str]) -> None:
    assert imports_of_other_folders(Path(path), ast.parse(line)) == found


def imported_names(module: ast.Module) -> Iterator[str]:
    """Yield what a module imports: modules, and whatever is imported from them, by full name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


AWAITED = {
    "departments/rpc/servicer.py": "what is wrong with the requests of a watch ends its call",
    "departments/feed.py": "what fails in it is raised to everyone who watches",
    "infra/group_commit.py": "what a batch raises reaches everyone who waits for it",
    "infra/grpc/connecting.py": "what an attempt raises is raised where no other one connects",
    "infra/grpc/health_service.py": "what asking raises reaches everyone who asks meanwhile",
    "infra/pipeline.py": "what an item raises is raised to whoever iterates",
    "infra/http/response.py": "whatever ends the task that waits for a client to leave is taken for its leaving",
    "ops/up.py": "what ends a program's task stops all programs, and is raised",
    "ops/demo/command.py": "what ends the programs or the evening ends the demo, and is raised",
    "ops/demo/director.py": "what ends a task of a group ends the group, which raises it",
    "gateway/department_client/stream.py": "what ends the stream reaches everyone who waits for a response",
}
"""Modules whose tasks give each failure to someone who waits, and why that is so."""


def unsupervised_tasks(path: Path) -> Iterator[str]:
    """Yield each call that starts a task whose failure nobody would see."""
    calls = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    for call in calls:
        starts = ast.unparse(call.func).endswith((".create_task", ".ensure_future"))
        if starts and not ast.unparse(call.args[0]).startswith("supervised("):
            yield f"{relative(path)}:{call.lineno}: {ast.unparse(call)}"


def test_a_task_that_nobody_awaits_is_supervised() -> None:
    checked = [path for path in SOURCES if relative(path) not in AWAITED]
    assert [found for path in checked for found in unsupervised_tasks(path)] == []


def modules_of(package: ModuleType) -> None:
    """Import every module of a package, so that its classes are known."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)


def rpcs(service: type[ServiceBase]) -> Iterator[str]:
    """List the methods of a generated base class that are RPCs."""
    for name, method in vars(service).items():
        if not name.startswith("_") and (inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)):
            yield name


def missing(service: type[ServiceBase], servicer: type[ServiceBase]) -> list[str]:
    """List the RPCs of a service that a servicer only inherits: they would be UNIMPLEMENTED."""
    return [f"{servicer.__name__} lacks {name}" for name in rpcs(service) if name not in vars(servicer)]


modules_of(generated)
modules_of(departments.rpc)
SERVICES = [service for service in ServiceBase.__subclasses__() if service.__module__.startswith("generated.")]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.__name__)
def test_a_servicer_has_every_rpc_of_its_service(service: type[ServiceBase]) -> None:
    servicers = [each for each in service.__subclasses__() if each.__module__.startswith("departments.")]
    assert servicers, f"departments.rpc has no servicer for {service.__name__}"
    assert [name for servicer in servicers for name in missing(service, servicer)] == []


def test_an_rpc_that_a_servicer_lacks_is_named() -> None:
    class Service(ServiceBase):
        async def place_orders(self) -> None: ...

        async def stream_orders(self) -> AsyncIterator[None]:
            yield None

    class Servicer(Service):
        pass

    assert missing(Service, Servicer) == ["Servicer lacks place_orders", "Servicer lacks stream_orders"]
