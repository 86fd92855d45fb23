"""Scripts without SQLAlchemy's BEGIN, whose statements PostgreSQL gets before it has sent the earlier ones' results."""

from contextlib import AbstractContextManager, nullcontext

import psycopg
import pytest
import sqlalchemy as sa

from infra.db.database import Database, statements_only
from infra.db.sessions import _pipeline
from infra.errors import DatabaseError
from tests.infra.db.notes import ADD_TO, FIND, UPDATE, add_rows, all_rows, keys
from tests.infra.db.test_database import terminate
from tests.infra.db.test_statements import find

Number = int | None


@statements_only
def add_numbers(connection: sa.Connection, *numbers: Number) -> None:
    """Write a note for each; None breaks a constraint."""
    for place, number in enumerate(numbers):
        add_rows(connection, [{"id": str(place), "number": number}])


@statements_only
def raise_and_find(connection: sa.Connection, key: str) -> list[tuple[str, str | None, int]]:
    ADD_TO.run(connection, {"key": key, "by": 1})
    return find(connection, [key])


@statements_only
def change_mind(connection: sa.Connection) -> None:
    add_rows(connection, [{"id": "a", "number": 1}])
    raise ValueError("changed my mind")


async def test_all_that_is_written_is_committed(database: Database) -> None:
    await database.write(add_numbers, 1, 2, 3)
    assert await database.read(all_rows) == [("0", None, 1), ("1", None, 2), ("2", None, 3)]


async def test_a_statement_sees_what_those_before_it_did(database: Database) -> None:
    await database.write(add_numbers, 1)
    assert await database.write(raise_and_find, "0") == [("0", None, 2)]
    assert await database.write(raise_and_find, "0") == [("0", None, 3)]


async def test_results_may_be_read_in_any_order(database: Database) -> None:
    @statements_only
    def update_two(connection: sa.Connection) -> list[list[tuple[str]]]:
        sent = [UPDATE.run_rows(connection, [{"id": key, "text": "new", "number": 5}]) for key in "01"]
        return [list(map(tuple, rows)) for rows in reversed(sent)]

    await database.write(add_numbers, 1, 2)
    assert await database.write(update_two) == [[("1",)], [("0",)]]
    assert await database.read(all_rows) == [("0", "new", 5), ("1", "new", 5)]


@pytest.mark.parametrize("numbers", [(None,), (1, None), (1, None, 2)])
async def test_a_statement_that_fails_undoes_all(database: Database, numbers: tuple[Number, ...]) -> None:
    with pytest.raises(Exception, match=r"(?i)not.null constraint") as caught:
        await database.write(add_numbers, *numbers)
    assert "IntegrityError" in [kind.__name__ for kind in type(caught.value).__mro__]
    assert await database.read(keys) == []
    await database.write(add_numbers, 1)
    assert await database.read(keys) == ["0"]


async def test_a_script_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ValueError, match="changed my mind"):
        await database.write(change_mind)
    assert await database.read(keys) == []
    await database.write(add_numbers, 1)
    assert await database.read(keys) == ["0"]


async def test_postgresql_is_not_waited_for_until_a_result_is_read(postgresql_database: Database) -> None:
    reached: list[str] = []

    @statements_only
    def fail_late(connection: sa.Connection) -> None:
        add_rows(connection, [{"id": "a", "number": None}])
        reached.append("after the fault")
        list(FIND.run(connection, {"ids": "[]"}))
        reached.append("after the response")

    with pytest.raises(psycopg.errors.NotNullViolation):
        await postgresql_database.write(fail_late)
    assert reached == ["after the fault"]


async def test_a_connection_that_died_while_idle_is_replaced_unnoticed(
    postgresql: str, postgresql_database: Database
) -> None:
    await postgresql_database.write(add_numbers, 1)
    terminate(postgresql, await postgresql_database.write(backend))
    assert await postgresql_database.write(raise_and_find, "0") == [("0", None, 2)]
    assert await postgresql_database.read(all_rows) == [("0", None, 2)]


async def test_a_commit_that_breaks_off_is_an_error_and_is_not_run_again(
    postgresql: str, postgresql_database: Database
) -> None:
    runs: list[int] = []

    @statements_only
    def script(connection: sa.Connection) -> None:
        runs.append(backend(connection))
        add_rows(connection, [{"id": "a", "number": 1}])
        terminate(postgresql, runs[-1])

    await postgresql_database.write(add_numbers, 1)
    with pytest.raises(DatabaseError):
        await postgresql_database.write(script)
    assert len(runs) == 1
    assert await postgresql_database.read(keys) == ["0"]


async def test_a_full_disk_is_an_error_and_leaves_nothing_behind(sqlite_database: Database) -> None:
    def limit(connection: sa.Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    @statements_only
    def fill(connection: sa.Connection) -> None:
        add_rows(connection, [{"id": str(n), "text": "x" * 4000, "number": n} for n in range(10)])

    await sqlite_database.write(limit, 1)
    with pytest.raises(DatabaseError, match="database or disk is full"):
        await sqlite_database.write(fill)
    assert await sqlite_database.read(all_rows) == []
    await sqlite_database.write(fill)  # on a new connection, whose limit is another
    assert len(await sqlite_database.read(all_rows)) == 10


def backend(connection: sa.Connection) -> int:
    """Return the number of the server's process, which the driver knows."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.info.backend_pid


class RecordedDriver:
    """A PostgreSQL connection that records what is sent on it."""

    closed = False

    def __init__(self) -> None:
        self.sent: list[str] = []

    def cursor(self) -> "RecordedDriver":
        return self

    def pipeline(self) -> AbstractContextManager[None]:
        return nullcontext()

    def execute(self, statement: str) -> None:
        self.sent.append(statement)

    def rollback(self) -> None:
        self.sent.append("ROLLBACK")


@pytest.mark.parametrize(
    ("error", "sent"), [(psycopg.errors.NotNullViolation, ["BEGIN"]), (LookupError, ["BEGIN", "ROLLBACK"])]
)
def test_nothing_is_sent_on_a_connection_after_the_server_refused_a_statement(
    error: type[Exception], sent: list[str]
) -> None:
    """A ROLLBACK within the pipeline that the error has aborted breaks the protocol, and hides the error."""
    driver = RecordedDriver()

    with pytest.raises(error), _pipeline(driver, psycopg.Error):
        raise error

    assert driver.sent == sent
