"""Upgrading from the last version's tables, with data in them, and while orders are taken; and going back."""

import os
import shutil
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import infra.db.database
from departments.storage import MIGRATIONS as DEPARTMENT_MIGRATIONS
from gateway.storage import MIGRATIONS as GATEWAY_MIGRATIONS
from infra.db.database import Database
from infra.db.migrations import migrate
from infra.errors import StartError
from tests.ops.archive.served import Served
from tests.support.postgresql import new_postgresql_database

LAST = "0001"
"""The newest migration of the version before this one."""

ENVIRONMENT = Path(infra.db.database.__file__).parent / "alembic_environment"
PROGRAMS = {"gateway": GATEWAY_MIGRATIONS, "bar": DEPARTMENT_MIGRATIONS, "kitchen": DEPARTMENT_MIGRATIONS}
NEW = {"gateway": {"archived_orders", "archived_figures"}, "bar": {"archived_tickets", "archived_stock"}}

LONGEST_SECONDS = 1.0
"""How long an order may wait for a migration."""


def downgrade(connection: sa.Connection, versions: Path) -> None:
    """Go back to the last version's tables."""
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.downgrade(config, LAST)


def of_last_version(versions: Path, folder: Path) -> Path:
    """Return a folder that has only the migrations of the last version."""
    folder.mkdir()
    for file in versions.glob("[0-9]*.py"):
        if file.stem.partition("_")[0] <= LAST:
            shutil.copy(file, folder)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    served = Served(tmp_path, new_postgresql_database(server) if server else None)
    await served.open()
    await served.some_orders(lines_cancelled=False)
    yield served
    served.close()


async def test_databases_with_orders_are_upgraded_and_nothing_is_changed(served: Served) -> None:
    everything = await served.stored()
    databases = {"gateway": served.journal_database, **served.departments}
    for name, database in databases.items():
        await database.write(downgrade, PROGRAMS[name])
        tables = await database.read(lambda connection: set(sa.inspect(connection).get_table_names()))
        assert tables.isdisjoint(NEW.get(name, ()))
    for name, database in databases.items():
        await database.write(migrate, name, PROGRAMS[name])

    assert await served.stored() == everything
    assert (await served.audit()).is_right
    assert (await served.archive()).orders > 0
    assert (await served.audit()).is_right


async def test_tables_with_archived_orders_are_not_taken_back(served: Served) -> None:
    """Without their ids, the orders could be placed again."""
    await served.archive()
    for name, database in {"gateway": served.journal_database, **served.departments}.items():
        with pytest.raises(RuntimeError, match="could be placed again"):
            await database.write(downgrade, PROGRAMS[name])


async def test_tables_with_cancelled_lines_are_not_taken_back(served: Served) -> None:
    """Without their record the stock would not add up, and their orders would not say by whom they were cancelled."""
    await served.serve_part()
    for name, database in {"gateway": served.journal_database, "bar": served.departments["bar"]}.items():
        with pytest.raises(
            RuntimeError, match=r"^single lines were cancelled, and without their record .*$"
        ) as refusal:
            await database.write(downgrade, PROGRAMS[name])
        assert "\n" not in str(refusal.value)
    await served.departments["kitchen"].write(downgrade, PROGRAMS["kitchen"])
    await served.departments["kitchen"].write(migrate, "kitchen", PROGRAMS["kitchen"])
    assert (await served.audit()).is_right


@pytest.mark.parametrize(("program", "newest"), [("gateway", "0004"), ("bar", "0003")])
def test_the_last_version_refuses_these_tables_in_one_line(
    program: str, newest: str, database_url: str, tmp_path: Path
) -> None:
    versions = PROGRAMS[program]
    with closing(Database(database_url, schema=program)) as database:
        database.prepare(versions)
    with (
        closing(Database(database_url, schema=program)) as database,
        pytest.raises(StartError, match=rf"^database .* is another version's: .*'{newest}'") as refusal,
    ):
        database.prepare(of_last_version(versions, tmp_path / "last"))
    assert "\n" not in str(refusal.value)


FILL_ORDERS = """
INSERT INTO gateway.orders (restaurant, order_id, policy, number, currency, lines, status, response_recorded,
                            created_at_ms, owner, epoch)
SELECT 'main', '018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'best_effort', n, 'EUR', '[]',
       CASE n %% 20 WHEN 0 THEN 'refused' ELSE 'accepted' END, true, n, 0, 0
FROM generate_series(1, %s) AS n
"""
FILL_TICKETS = """
INSERT INTO bar.tickets (restaurant, order_id, placed_for, state, lines, placed_at_ms, revision, epoch, source, number)
SELECT 'main', '018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), '', 'none', '[]', n, n, 0, 'gateway', n
FROM generate_series(1, %s) AS n
"""
ONE_ORDER = """
INSERT INTO gateway.orders (restaurant, order_id, policy, number, currency, lines, status, response_recorded,
                            created_at_ms, owner, epoch)
VALUES ('main', gen_random_uuid()::text, 'best_effort', 1, 'EUR', '[]', 'refused', true, 1, 0, 0)
"""
NEXT_REVISION = "UPDATE bar.department SET revision = revision + 1 RETURNING revision"
"""A statement of its own before the next, as a department has it: so it locks the tables in the order of migrations."""

ONE_TICKET = """
INSERT INTO bar.tickets (restaurant, order_id, placed_for, state, lines, placed_at_ms, revision, epoch, source, number)
VALUES ('main', gen_random_uuid()::text, '', 'none', '[]', 1, %s, 0, 'gateway', 1)
"""


@pytest.mark.proof
def test_a_large_database_is_upgraded_while_orders_are_taken(postgresql: str, tmp_path: Path) -> None:
    """UPGRADED_ORDERS=1000000 fills it with so many. On SQLite one program has the file, and no order comes then."""
    count = int(os.environ.get("UPGRADED_ORDERS", "20000"))
    url = new_postgresql_database(postgresql)
    for program in ("gateway", "bar"):
        with closing(Database(url, schema=program)) as database:
            database.prepare(of_last_version(PROGRAMS[program], tmp_path / program))
    with psycopg.connect(url) as connection:
        connection.execute(FILL_ORDERS, [count])
        connection.execute(FILL_TICKETS, [count])
        connection.execute("INSERT INTO bar.department VALUES ('main', %s, 0, 'filled')", [count])
    taking = Taking(url)
    taking.start()
    for program in ("gateway", "bar"):
        with closing(Database(url, schema=program)) as database:
            database.prepare(PROGRAMS[program])
    taking.stop()

    assert taking.longest < LONGEST_SECONDS
    with psycopg.connect(url) as connection:
        for table in ("gateway.orders", "bar.tickets"):
            stored = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert stored == (count + taking.taken,)


class Taking(threading.Thread):
    """Takes orders by the last version's statements until it is stopped."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._is_over = threading.Event()
        self._has_begun = threading.Event()
        self.taken = 0
        self.longest = 0.0

    def start(self) -> None:
        super().start()
        assert self._has_begun.wait(30)

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._is_over.is_set():
                began = time.monotonic()
                connection.execute(ONE_ORDER)
                with connection.transaction():
                    revision = connection.execute(NEXT_REVISION).fetchone()
                    connection.execute(ONE_TICKET, revision)
                self.longest = max(self.longest, time.monotonic() - began)
                self.taken += 1
                self._has_begun.set()

    def stop(self) -> None:
        self._is_over.set()
        self.join()
