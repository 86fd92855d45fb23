import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
import sqlalchemy as sa

from infra.db.database import Database, statements_only
from infra.db.engines import WAL_BYTES
from infra.db.sqlite_files import restore_marker
from infra.db.url import connection_parameters, parse_url
from infra.errors import DatabaseError, SettingsError, StartError
from tests.infra.db.notes import MIGRATIONS, add, all_rows, keys, notes, prepared
from tests.support.postgresql import new_postgresql_database


def backend(connection: sa.Connection) -> int:
    pid: int = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    return pid


def terminate(server: str, pid: int) -> None:
    """Break a connection off at the server's end, and wait until it is gone."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


async def test_what_is_written_can_be_read(database: Database) -> None:
    await database.write(add, "a", 7)
    assert await database.read(all_rows) == [("a", None, 7)]


async def test_a_scripts_return_value_is_returned(database: Database) -> None:
    def count(connection: sa.Connection, first: int, *, second: int) -> int:
        return first + second + len(keys(connection))

    assert await database.write(count, 1, second=2) == 3
    assert await database.read(count, 1, second=2) == 3


async def test_a_script_that_raises_leaves_nothing_behind(database: Database) -> None:
    def fail(connection: sa.Connection) -> None:
        add(connection, "a")
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await database.write(fail)
    assert await database.read(keys) == []
    await database.write(add, "b")
    assert await database.read(keys) == ["b"]


async def test_a_caller_that_is_cancelled_leaves_its_transaction_whole(database: Database) -> None:
    started, may_go_on = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        add(connection, "a")
        started.set()
        assert may_go_on.wait(10)
        add(connection, "b")

    caller = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(started.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await database.read(keys) == []
    may_go_on.set()
    await database.write(add, "c")
    assert await database.read(keys) == ["a", "b", "c"]


async def test_a_write_whose_caller_goes_away_before_its_turn_is_still_made(database: Database) -> None:
    may_go_on = threading.Event()
    first = asyncio.create_task(database.write(lambda connection: may_go_on.wait(10)))
    caller = asyncio.create_task(database.write(add, "a"))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    may_go_on.set()
    assert await first
    await database.write(add, "b")
    assert await database.read(keys) == ["a", "b"]


async def test_a_read_does_not_wait_for_the_write_that_runs_and_sees_nothing_of_it(database: Database) -> None:
    started, may_go_on = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        add(connection, "a")
        started.set()
        assert may_go_on.wait(10)

    writing = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(started.wait, 10)
    assert await database.read(keys) == []
    may_go_on.set()
    await writing
    assert await database.read(keys) == ["a"]


async def test_writes_take_turns_in_the_order_they_were_asked_for(database: Database) -> None:
    def append(connection: sa.Connection, number: int) -> int:
        add(connection, f"{number:03}")
        return len(keys(connection))

    assert await asyncio.gather(*(database.write(append, number) for number in range(40))) == list(range(1, 41))


async def test_what_was_written_is_there_for_the_next_that_opens_the_database(database_url: str) -> None:
    first = prepared(database_url)
    await first.write(add, "a")
    first.close()
    second = prepared(database_url)
    assert await second.read(keys) == ["a"]
    second.close()


async def test_closing_finishes_the_transaction_that_runs(database_url: str) -> None:
    database = prepared(database_url)
    started, may_go_on = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        started.set()
        assert may_go_on.wait(10)
        add(connection, "a")

    writing = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(started.wait, 10)
    closing = asyncio.create_task(asyncio.to_thread(database.close))
    may_go_on.set()
    await writing
    await closing
    again = prepared(database_url)
    assert await again.read(keys) == ["a"]
    again.close()


async def test_a_broken_constraint_is_a_fault_of_the_program_not_of_the_database(database: Database) -> None:
    def with_sqlalchemy(connection: sa.Connection) -> None:
        add(connection, "a", -1)

    def with_the_driver(connection: sa.Connection) -> None:
        connection.connection.cursor().execute("INSERT INTO notes (id, number) VALUES ('a', -1)")

    def twice(connection: sa.Connection) -> None:
        add(connection, "a")
        add(connection, "a")

    for script in (with_sqlalchemy, with_the_driver, twice):
        with pytest.raises((sa.exc.IntegrityError, sqlite3.IntegrityError, psycopg.IntegrityError)):
            await database.write(script)
        assert await database.read(keys) == []


async def test_a_table_that_is_missing_is_a_fault_of_the_database(database: Database) -> None:
    await database.write(lambda connection: connection.execute(sa.text("DROP TABLE notes")))
    with pytest.raises(DatabaseError, match=r"notes.* does not exist|no such table: notes"):
        await database.write(add, "a")
    with pytest.raises(DatabaseError, match=r"notes.* does not exist|no such table: notes"):
        await database.read(keys)


async def test_an_error_without_words_is_reported_by_its_kind(database: Database) -> None:
    def wordless(connection: sa.Connection) -> None:
        raise sqlite3.OperationalError if connection.dialect.name == "sqlite" else psycopg.OperationalError

    with pytest.raises(DatabaseError, match=r"^OperationalError$"):
        await database.write(wordless)


async def test_programs_that_prepare_the_same_schema_at_once_take_turns(postgresql: str) -> None:
    url = new_postgresql_database(postgresql)
    with ThreadPoolExecutor(4) as threads:
        databases = list(threads.map(prepared, [url] * 4))
    for number, database in enumerate(databases):
        await database.write(add, str(number))
    assert await databases[0].read(keys) == ["0", "1", "2", "3"]
    for database in databases:
        database.close()


async def test_two_schemas_of_one_postgresql_know_nothing_of_each_other(postgresql: str) -> None:
    url = new_postgresql_database(postgresql)
    one, other = Database(url, schema="one"), Database(url, schema="other")
    for database in (one, other):
        database.prepare(MIGRATIONS)
    await one.write(add, "a")
    assert await other.read(keys) == []
    for database in (one, other):
        database.close()


async def test_postgresql_commits_durably_and_bounds_its_statements(postgresql_database: Database) -> None:
    def shown(connection: sa.Connection) -> list[str]:
        names = ("synchronous_commit", "statement_timeout", "search_path")
        return [connection.execute(sa.text(f"SHOW {name}")).scalar_one() for name in names]

    assert await postgresql_database.write(shown) == ["on", "3s", "notes"]  # less than the client waits
    assert await postgresql_database.read(shown) == ["on", "10s", "notes"]


async def test_sqlite_runs_in_wal_and_syncs_every_commit(sqlite_database: Database) -> None:
    def pragmas(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    full = 2
    assert await sqlite_database.write(pragmas) == ["wal", full, 1]
    assert await sqlite_database.read(pragmas) == ["wal", full, 1]


async def test_a_connection_that_died_while_idle_is_replaced_unnoticed(
    postgresql: str, postgresql_database: Database
) -> None:
    for run in (postgresql_database.write, postgresql_database.read):
        terminate(postgresql, await run(backend))
        assert await run(keys) == []
    await postgresql_database.write(add, "a")
    assert await postgresql_database.read(keys) == ["a"]


async def test_a_script_whose_kept_connection_dies_under_it_runs_once_more_from_its_beginning(
    postgresql: str, postgresql_database: Database
) -> None:
    runs: list[int] = []

    def script(connection: sa.Connection) -> list[str]:
        add(connection, "a")
        runs.append(backend(connection))
        if len(runs) == 1:
            terminate(postgresql, runs[0])
        return keys(connection)

    assert await postgresql_database.write(script) == ["a"]
    assert len(set(runs)) == 2
    assert await postgresql_database.read(keys) == ["a"]


async def test_a_script_is_not_tried_for_ever(postgresql: str, postgresql_database: Database) -> None:
    def script(connection: sa.Connection) -> list[str]:
        terminate(postgresql, backend(connection))
        return keys(connection)

    with pytest.raises(DatabaseError, match=r"terminating connection|closed the connection"):
        await postgresql_database.write(script)
    await postgresql_database.write(add, "a")


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (["SET LOCAL statement_timeout = 50", "SELECT pg_sleep(30)"], "statement timeout"),
        (["SET LOCAL lock_timeout = 50", "LOCK TABLE notes"], "lock timeout"),
        (["DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40001' USING MESSAGE = 'serialize'; END $$"], "^serialize"),
        (["DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40P01' USING MESSAGE = 'deadlock'; END $$"], "^deadlock"),
        (["DO $$ BEGIN"], "unterminated dollar-quoted string"),
        (["SELECT missing FROM notes"], "missing"),
    ],
    ids=["statement timeout", "lock timeout", "serialization", "deadlock", "syntax", "column"],
)
@pytest.mark.parametrize("mark", [lambda script: script, statements_only], ids=["sqlalchemy", "statements-only"])
async def test_a_script_that_a_server_that_is_well_refuses_is_run_once(
    postgresql_database: Database, statements: list[LiteralString], reason: str, mark: Callable[[Any], Any]
) -> None:
    runs: list[int] = []

    @mark
    def script(connection: sa.Connection) -> None:
        runs.append(1)
        for statement in statements:
            cursor = connection.connection.cursor()
            cursor.execute(statement)
            if statement.startswith("SELECT"):
                cursor.fetchone()

    await postgresql_database.write(keys)  # from here on there is a connection that may have died since
    with psycopg.connect(_plain(postgresql_database)) as other:
        other.execute("LOCK TABLE notes.notes IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseError, match=reason):
            await postgresql_database.write(script)
    assert runs == [1]
    await postgresql_database.write(add, "a")


async def test_a_script_that_was_refused_is_run_once_though_its_connection_breaks_then(
    postgresql: str, postgresql_database: Database
) -> None:
    runs: list[int] = []
    pid = await postgresql_database.write(backend)

    @statements_only
    def script(connection: sa.Connection) -> None:
        runs.append(1)
        try:
            connection.connection.cursor().execute("SELECT missing FROM notes").fetchone()
        finally:
            terminate(postgresql, pid)

    with pytest.raises(DatabaseError, match="missing"):
        await postgresql_database.write(script)
    assert runs == [1]
    await postgresql_database.write(add, "a")


def _plain(database: Database) -> str:
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


async def test_a_commit_that_breaks_off_is_an_error_and_is_not_run_again(
    postgresql: str, postgresql_database: Database
) -> None:
    runs: list[int] = []

    def script(connection: sa.Connection) -> None:
        add(connection, "a")
        runs.append(backend(connection))
        terminate(postgresql, runs[-1])

    with pytest.raises(DatabaseError):
        await postgresql_database.write(script)
    assert len(runs) == 1


async def test_a_sqlite_that_cannot_be_written_is_an_error_and_is_tried_afresh(sqlite_database: Database) -> None:
    await sqlite_database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))
    with pytest.raises(DatabaseError, match="attempt to write a readonly database"):
        await sqlite_database.write(add, "a")
    await sqlite_database.write(add, "b")
    assert await sqlite_database.read(keys) == ["b"]


async def test_a_full_disk_is_an_error_and_leaves_nothing_behind(sqlite_database: Database) -> None:
    def fill(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.execute(sa.insert(notes), [{"id": str(n), "text": "x" * 4000, "number": n} for n in range(10)])

    with pytest.raises(DatabaseError, match="database or disk is full"):
        await sqlite_database.write(fill)
    assert await sqlite_database.read(keys) == []


async def test_a_second_process_on_the_same_sqlite_file_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    first, second = prepared(url), Database(url, schema="notes")
    with pytest.raises(StartError, match=r"is in use by another process; a SQLite file serves one$") as refusal:
        second.prepare(MIGRATIONS)
    assert str(tmp_path / "notes.db") in str(refusal.value)
    await first.write(add, "a")
    first.close()
    second.prepare(MIGRATIONS)
    assert await second.read(keys) == ["a"]
    second.close()


def test_a_data_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    prepared(f"sqlite:///{tmp_path}/new/deep/notes.db").close()
    assert (tmp_path / "new" / "deep" / "notes.db").is_file()


def test_a_data_directory_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    database = Database(f"sqlite:///{tmp_path}/file/notes.db", schema="notes")
    with pytest.raises(StartError, match=f"^the data directory {tmp_path}/file cannot be used: ") as refusal:
        database.prepare(MIGRATIONS)
    assert "\n" not in str(refusal.value)
    database.close()


def test_a_file_that_is_not_a_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("What a pity, this is a letter. " * 40)
    database = Database(f"sqlite:///{tmp_path}/notes.db", schema="notes")
    with pytest.raises(StartError, match=f"^database sqlite:///{tmp_path}/notes.db cannot be used: file is not a data"):
        database.prepare(MIGRATIONS)
    database.close()


async def test_a_database_of_a_later_version_is_one_clear_line(database_url: str) -> None:
    later = prepared(database_url)
    await later.write(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    later.close()
    database = Database(database_url, schema="notes")
    with pytest.raises(StartError, match=r"^database .* is another version's: .*'9999'") as refusal:
        database.prepare(MIGRATIONS)
    assert "\n" not in str(refusal.value)
    database.close()


def test_a_postgresql_that_nobody_runs_is_one_clear_line_without_its_password() -> None:
    database = Database("postgresql://guest:secret@127.0.0.1:1/notes", schema="notes")
    with pytest.raises(StartError, match=r"127\.0\.0\.1:1/notes cannot be used: ") as refusal:
        database.prepare(MIGRATIONS)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    database.close()


@pytest.mark.parametrize("kind", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_postgresql_url_is_known_by_any_of_its_names(kind: str) -> None:
    database = Database(f"{kind}://guest:secret@127.0.0.1:5432/notes", schema="notes")
    assert str(database) == "postgresql+psycopg://guest:***@127.0.0.1:5432/notes"
    database.close()


SEVERAL = [
    ("g:secret@h1:1,h2:2/notes", "g:***@h1:1,h2:2/notes", "h1,h2", "1,2"),
    ("g@h1,h2:2/notes?target_session_attrs=primary", "g@h1,h2:2/notes?target_session_attrs=primary", "h1,h2", ",2"),
    ("h1,h2/notes?sslpassword=secret", "h1,h2/notes?sslpassword=***", "h1,h2", None),
    ("g@[::1]:1,[fe80::2]/notes", "g@[::1]:1,[fe80::2]/notes", "::1,fe80::2", "1,"),
    ("g@%2Ftmp%2Fa:1,%2Ftmp%2Fb:2/notes", "g@%2Ftmp%2Fa:1,%2Ftmp%2Fb:2/notes", "/tmp/a,/tmp/b", "1,2"),
]


@pytest.mark.parametrize(("url", "shown", "hosts", "ports"), SEVERAL)
def test_a_url_may_name_several_hosts_as_libpq_does(url: str, shown: str, hosts: str, ports: str | None) -> None:
    database = Database(f"postgresql://{url}", schema="notes")
    assert str(database) == f"postgresql+psycopg://{shown}"
    database.close()
    parameters = connection_parameters(parse_url(f"postgresql://{url}"))
    assert (parameters["host"], parameters.get("port")) == (hosts, ports)
    assert parameters["target_session_attrs"] in ("primary", "read-write")


def test_the_only_host_of_a_url_has_to_be_a_primary() -> None:
    parameters = connection_parameters(parse_url("postgresql://host/notes"))
    assert parameters["target_session_attrs"] == "primary"


def test_what_a_url_says_of_connecting_counts(postgresql: str) -> None:
    url = new_postgresql_database(postgresql) + "&application_name=mine&options=-c%20work_mem%3D7MB"
    database = prepared(f"{url}%20-c%20synchronous_commit%3Doff")

    def shown(connection: sa.Connection) -> list[str]:
        names = ("application_name", "work_mem", "synchronous_commit")
        return [connection.execute(sa.text(f"SHOW {name}")).scalar_one() for name in names]

    assert database._writer.run_now(shown) == ["mine", "7MB", "on"]
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://guest:secret@host1:port,host2/name",
        "postgresql://guest:secret@host1,,host2/name",
        "postgresql://guest:secret@host1,host2:123456/name",
        "postgresql://guest:secret@/name?host=h1:x&host=h2",
        "postgresql://guest:secret@host/name?unknown=1",
        "postgresql://guest:secret@h1,h2/name?target_session_attrs=standby",
        "postgresql://guest:secret@h1,h2/name?target_session_attrs=prefer-standby",
        "postgresql://guest:secret@host/name?target_session_attrs=read-only",
        "postgresql://guest:secret@/name?host=h1,h2,h3&port=1,2",
        "postgresql://guest:secret@h1,h2/name?hostaddr=127.0.0.1",
        "postgresql://guest:secret@h1,h2/name?connect_timeout=soon",
        "postgresql://guest:secret@h1,h2/name?connect_timeout=0",
    ],
)
def test_a_url_that_libpq_would_not_understand_is_one_line_that_says_what_is_expected(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^COMANDA_DATABASE_URL: .* expected ") as refusal:
        Database(url, schema="notes")
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "notes.db",
        "://host/name",
        "mysql://guest:secret@host/name",
        "postgresql+asyncpg://guest:secret@host/name",
        "postgresql://guest:secret@host:port/name",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///notes.db",
    ],
)
def test_a_url_of_another_kind_is_one_line_that_says_what_is_expected(url: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^COMANDA_DATABASE_URL.*(such as|expected) (postgresql|sqlite)"
    ) as refusal:
        Database(url, schema="notes")
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_database_that_does_not_know_what_a_character_is_is_refused(postgresql: str) -> None:
    url = new_postgresql_database(postgresql, "ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    database = Database(url, schema="notes")
    with pytest.raises(StartError, match=r"is in SQL_ASCII; it must be created with ENCODING 'UTF8'$"):
        database.prepare(MIGRATIONS)
    database.close()


def test_a_database_that_is_up_to_date_is_prepared_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    prepared(url).close()
    program = f"""
import sys
from tests.infra.db.notes import prepared
prepared({url!r}).close()
print("alembic" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"False\n"
    Path(f"{tmp_path}/notes.db").unlink()
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"True\n"


@pytest.mark.parametrize("folder", ["departments", "gateway"])
def test_a_migration_s_file_begins_with_its_revision(folder: str) -> None:
    files = sorted(Path(folder, "migrations", "versions").glob("[0-9]*.py"))
    assert files
    for file in files:
        assert f'revision = "{file.stem.partition("_")[0]}"\n' in file.read_text()


async def test_a_write_ahead_log_that_a_long_read_made_long_is_made_short_again(tmp_path: Path) -> None:
    database = prepared(f"sqlite:///{tmp_path}/notes.db")
    log = tmp_path / "notes.db-wal"
    reading, may_end = threading.Event(), threading.Event()

    def read_for_long(connection: sa.Connection) -> None:
        keys(connection)
        reading.set()
        assert may_end.wait(60)

    def fill(connection: sa.Connection, number: int) -> None:
        rows = [{"id": f"{number}-{row}", "text": "x" * 20_000, "number": 0} for row in range(100)]
        connection.execute(sa.insert(notes), rows)

    task = asyncio.create_task(database.read(read_for_long))
    await asyncio.to_thread(reading.wait)
    for number in range(20):
        await database.write(fill, number)
    assert log.stat().st_size > 2 * WAL_BYTES
    may_end.set()
    await task
    for number in range(3):
        await database.write(add, str(number))
    assert log.stat().st_size <= WAL_BYTES
    database.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_only_their_owner_may_read_a_databases_files(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    before = os.umask(0o022)
    try:
        database = prepared(f"sqlite:///{home}/notes.db")
        await database.write(add, "a")
    finally:
        os.umask(before)
    assert {file.name: mode(file) for file in home.iterdir()} == dict.fromkeys(
        ["notes.db", "notes.db-wal", "notes.db-shm", "notes.db.lock"], 0o600
    )
    assert mode(home) == 0o700
    database.close()


def test_a_database_that_all_could_read_is_its_owners_only_from_the_next_start_on(tmp_path: Path) -> None:
    prepared(f"sqlite:///{tmp_path}/notes.db").close()
    (tmp_path / "notes.db").chmod(0o644)
    tmp_path.chmod(0o750)
    database = prepared(f"sqlite:///{tmp_path}/notes.db")
    assert mode(tmp_path / "notes.db") == 0o600
    assert mode(tmp_path) == 0o750  # a folder that was there is its operator's
    database.close()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_whose_restore_was_interrupted_is_refused_in_one_clear_line(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "notes.db"
    prepared(f"sqlite:///{path}").close()
    restore_marker(path).write_text("restore /copies again\n")
    with pytest.raises(StartError, match=r"^a restore of .*notes\.db was interrupted, .*: restore /copies again$"):
        _open(path, read_only=read_only)
    restore_marker(path).unlink()
    _open(path, read_only=read_only)


def _open(path: Path, *, read_only: bool) -> None:
    database = Database(f"sqlite:///{path}", schema="notes", read_only=read_only)
    try:
        if not read_only:
            database.prepare(MIGRATIONS)
    finally:
        database.close()
