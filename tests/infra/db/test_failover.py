"""A PostgreSQL with a standby, whose primary hangs: every wait for it ends, and whoever takes writes is found."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from infra.db.database import Database, statements_only
from infra.db.engines import LEAST_CONNECT_SECONDS
from infra.errors import DatabaseError, StartError
from tests.infra.db.notes import ADD_TO, MIGRATIONS, add, keys, prepared
from tests.support.postgresql_cluster import Cluster, running_cluster
from tests.support.processes import environment, run
from tests.support.waiting import eventually

pytestmark = pytest.mark.proof

SOON = 20.0
"""Seconds within which everything here is over: far above what it takes, far below what a server hangs for."""

LONG = 12.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def url(cluster: Cluster) -> str:
    return cluster.new_database(f"test_{uuid.uuid4().hex}", "?target_session_attrs=read-write")


def open_notes(url: str, timeout: float) -> Database:
    database = Database(url, schema="notes", timeout=timeout)
    database.prepare(MIGRATIONS)
    return database


async def test_a_url_with_several_hosts_finds_the_one_that_takes_writes(cluster: Cluster, url: str) -> None:
    first, second = cluster.hosts.split(",")
    for hosts in (f"{first},{second}", f"{second},{first}"):
        for query in ("?target_session_attrs=read-write", "?target_session_attrs=primary", ""):
            database = prepared(url.replace(cluster.hosts, hosts).partition("?")[0] + query)
            await database.write(add, hosts + query)
            assert hosts + query in await database.read(keys)
            database.close()


async def test_sqlalchemys_form_with_several_hosts_is_taken_too(cluster: Cluster, url: str) -> None:
    first, second = cluster.hosts.split(",")
    name = url.rpartition("/")[2].partition("?")[0]
    database = prepared(f"postgresql://postgres@/{name}?host={second}&host={first}")
    await database.write(add, "a")
    assert await database.read(keys) == ["a"]
    database.close()


async def test_a_standby_that_is_the_only_host_is_refused(cluster: Cluster, url: str) -> None:
    prepared(url).close()
    database = Database(url.replace(cluster.hosts, cluster.hosts.split(",")[1]).partition("?")[0], schema="notes")
    with pytest.raises(DatabaseError, match="server is in hot standby mode"):
        await database.read(keys)
    database.close()


@pytest.mark.parametrize("wanted", ["read-write", "primary"])
async def test_what_only_reads_finds_its_server_and_cannot_write(cluster: Cluster, url: str, wanted: str) -> None:
    writing = prepared(url)
    await writing.write(add, "a")
    reading = Database(url.replace("read-write", wanted), schema="notes", read_only=True)
    assert await reading.read(keys) == ["a"]
    with pytest.raises(DatabaseError, match="read-only transaction"):
        await reading.write(add, "b")
    assert await reading.read(lambda connection: connection.scalar(sa.text("SHOW transaction_isolation"))) == (
        "repeatable read"
    )
    reading.close()
    writing.close()


async def test_every_command_takes_a_url_with_several_hosts(cluster: Cluster, url: str) -> None:
    variables = environment(DATABASE_URL=url)
    done = await asyncio.to_thread(run, ["-m", "ops", "migrate"], variables)
    shown = f"postgresql+psycopg://postgres:***@{cluster.hosts}/{url.rpartition('/')[2]} (gateway) is up to date"
    assert done.stdout.splitlines()[0] == shown
    done = await asyncio.to_thread(run, ["-m", "ops", "audit"], variables)
    assert done.code == 0
    assert done.stderr == ""


@statements_only
def add_to(connection: sa.Connection, key: str) -> None:
    ADD_TO.run(connection, {"key": key, "by": 1})


@pytest.mark.parametrize("script", [add, add_to])
async def test_a_server_that_hangs_is_waited_for_no_longer_than_the_timeout(
    cluster: Cluster, url: str, script: Callable[..., None]
) -> None:
    database = open_notes(url, 1.0)
    await database.write(add, "before")
    await database.read(keys)
    with cluster.primary.hanging():
        began = time.monotonic()
        with pytest.raises(DatabaseError, match=r"^no response within 1 s; the connection is closed$"):
            await database.write(script, "a")
        assert 1.0 <= time.monotonic() - began < 5.0
        # And nothing can be connected to: two seconds for the one that hangs, and the other one says no.
        with pytest.raises(DatabaseError, match=r"connection timeout expired; .*: session is read-only"):
            await database.write(add, "b")
        assert time.monotonic() - began < SOON
    await database.write(add, "after")
    assert {"before", "after"} <= set(await database.read(keys))
    database.close()


async def test_a_read_ends_too_where_a_server_hangs(cluster: Cluster, url: str) -> None:
    database = open_notes(url, 1.0)
    database._reader._timer.limit = 1.0
    await database.read(keys)
    with cluster.primary.hanging(), pytest.raises(DatabaseError, match="no response within 1 s"):
        await database.read(keys)
    assert await database.read(keys) == []
    database.close()


async def test_a_program_does_not_start_on_a_server_that_hangs(cluster: Cluster, url: str) -> None:
    with cluster.primary.hanging():
        database = Database(url, schema="notes", timeout=1.0)
        with pytest.raises(StartError, match=r"cannot be used: .*connection timeout expired"):
            await asyncio.to_thread(database.prepare, MIGRATIONS)
        database.close()


async def test_what_may_take_long_takes_long(cluster: Cluster, url: str) -> None:
    """A page of history, the audit and a migration are not bound by what an order waits for."""

    def sleep(connection: sa.Connection) -> str:
        connection.execute(sa.text("SELECT pg_sleep(2)"))
        return "rested"

    database, audit = open_notes(url, 1.0), Database(url, schema="notes", timeout=1.0, read_only=True)
    assert list(await asyncio.gather(database.read(sleep), audit.read(sleep))) == ["rested", "rested"]
    with pytest.raises(DatabaseError, match="statement timeout"):
        await database.write(sleep)
    audit.close()
    database.close()


async def test_a_migration_waits_for_another_programs_as_long_as_it_takes(cluster: Cluster, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('notes'))")
        database = Database(url, schema="notes", timeout=1.0)
        preparing = asyncio.create_task(asyncio.to_thread(database.prepare, MIGRATIONS))
        waits = "SELECT clock_timestamp() - query_start > '2 s' FROM pg_stat_activity WHERE wait_event = 'advisory'"

        async def has_waited() -> bool:
            return other.execute(waits).fetchone() == (True,)

        await eventually(has_waited, "the migration waits for longer than an order would")
    await preparing
    database.close()


async def test_a_program_that_hangs_in_a_transaction_holds_no_lock_for_long(cluster: Cluster, url: str) -> None:
    """Its server ends the transaction, for the program's own clock stands still."""
    hanging, other = open_notes(url, 1.0), open_notes(url, 1.0)
    await hanging.write(add, "a")
    locked, may_go_on = threading.Event(), threading.Event()

    def hang(connection: sa.Connection) -> None:
        connection.execute(sa.text("LOCK TABLE notes"))
        locked.set()
        hanging._writer._timer.stop()  # as where the whole program is stopped
        may_go_on.wait(SOON)
        connection.execute(sa.text("SELECT 1"))

    task = asyncio.create_task(hanging.write(hang))
    await asyncio.to_thread(locked.wait)

    async def can_write() -> bool:
        try:
            await other.write(add, "b")
        except DatabaseError:
            return False
        return True

    await eventually(can_write, "the lock is given back")
    may_go_on.set()
    locked.clear()
    await task  # it had lost its connection before it committed, so it ran again
    assert await other.read(keys) == ["a", "b"]
    hanging.close()
    other.close()


async def test_many_short_transactions_in_a_row_are_not_one_long_one(cluster: Cluster, url: str) -> None:
    database = open_notes(url, 1.0)
    began, connections = time.monotonic(), set[int]()
    while time.monotonic() - began < 2.5:
        connections.add(await database.write(lambda connection: connection.scalar(sa.text("SELECT pg_backend_pid()"))))
    assert len(connections) == 1
    database.close()


async def test_one_line_tells_that_there_is_no_primary_and_one_that_there_is(cluster: Cluster, url: str) -> None:
    database = open_notes(url, 1.0)
    for run_script in (database.write, database.read):
        await run_script(keys)
    first, second = cluster.hosts.split(",")
    with capture_logs() as logs:
        cluster.primary.control("stop", "-m", "immediate")
        for _ in range(20):
            for run_script in (database.write, database.read):
                with pytest.raises(DatabaseError):
                    await run_script(keys)
        cluster.primary.start()
        for run_script in (database.write, database.read):
            await run_script(keys)
    begin, end = logs
    assert begin["event"] == "the database cannot be reached"
    assert begin["log_level"] == "error"
    assert begin["reason"] == f"{first}: Connection refused; {second}: session is read-only"
    assert "secret" not in str(logs)
    assert (end["event"], end["failed"], end["log_level"]) == ("the database can be reached again", 40, "info")
    database.close()


async def test_a_connection_that_is_lost_in_a_commit_and_made_anew_is_one_line(cluster: Cluster, url: str) -> None:
    database = open_notes(url, 1.0)
    await database.write(keys)

    def break_off(connection: sa.Connection) -> None:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with psycopg.connect(cluster.primary.url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    with capture_logs() as logs:
        with pytest.raises(DatabaseError):
            await database.write(break_off)
        await database.write(add, "a")
    assert [each["event"] for each in logs] == ["a connection to the database was lost"]
    assert "terminating connection" in logs[0]["reason"]
    database.close()


async def test_what_a_server_refuses_again_and_again_is_one_line_and_one_when_it_works_again(
    cluster: Cluster, url: str
) -> None:
    database = open_notes(url, 1.0)
    await database.write(keys)
    with capture_logs() as logs:
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE notes.notes")
            for _ in range(2):
                with pytest.raises(DatabaseError, match="statement timeout"):
                    await database.write(add, "a")
        await database.write(add, "a")
    assert [each["event"] for each in logs] == ["the database refuses", "the database works again"]
    assert logs[1]["failed"] == 2
    database.close()


async def test_whoever_was_promoted_takes_over_while_the_old_primary_hangs(url: str) -> None:
    """The server that hung goes on hanging; nothing ever responds for it."""
    with running_cluster() as own:
        database = open_notes(own.new_database("notes"), 1.0)
        await database.write(add, "before")
        own.catch_up()
        with own.primary.hanging():
            with pytest.raises(DatabaseError, match="no response within 1 s"):
                await database.write(add, "lost")
            own.standby.promote()
            began = time.monotonic()
            await database.write(add, "after")
            assert await database.read(keys) == ["after", "before"]
            assert time.monotonic() - began < LEAST_CONNECT_SECONDS, "a connection waited for the one that hangs"
            database.close()


async def test_sessions_that_were_idle_follow_the_one_that_finds_another_primary(url: str) -> None:
    with running_cluster() as own:
        database = open_notes(own.new_database("notes"), 1.0)
        await database.write(add, "before")
        for find in (database.look_up, database.read):
            assert await find(keys) == ["before"]
        own.catch_up()
        with own.primary.hanging():
            with pytest.raises(DatabaseError, match="no response within 1 s"):
                await database.look_up(keys)
            own.standby.promote()
            assert await database.look_up(keys) == ["before"]
            await database.write(add, "after")  # its connection was to the one that hangs
            assert await database.read(keys) == ["after", "before"]
            database.close()


async def test_a_former_primary_that_goes_on_is_left_for_the_one_that_was_promoted(url: str) -> None:
    """It takes writes, which no standby confirms: they are given up before their time is over."""
    with running_cluster() as own, psycopg.connect(own.primary.url, autocommit=True) as former:
        former.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        former.execute("SELECT pg_reload_conf()")
        database = open_notes(own.new_database("notes"), LONG)
        for find in (database.write, database.look_up, database.read):
            assert await find(keys) == []
        own.standby.promote()
        began = time.monotonic()
        with pytest.raises(DatabaseError, match="server closed the connection unexpectedly"):
            await database.write(add, "lost")
        for key in "abcd":
            await database.write(add, key)
        assert time.monotonic() - began < LONG
        assert await database.look_up(keys) == ["a", "b", "c", "d"]
        assert await database.read(keys) == ["a", "b", "c", "d"]
        database.close()
