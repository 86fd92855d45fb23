"""Measures monthly partitions of orders on PostgreSQL against batches: `python -m bench.partitions --orders 1000000`.

A table as the gateway has it stands beside one that is partitioned by the time of the order. The key of a partitioned
table has to contain that time, so it cannot keep an order id from coming twice: a table of all ids beside it does.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import psycopg

from bench.postgresql import Server
from gateway.storage import MIGRATIONS
from infra.db.database import Database

SCHEMA = "gateway"
MONTHS = 10
REMOVED_MONTHS = 3
BATCH = 32
"""How many orders a transaction of the gateway has at full load."""

BATCHES = 20
REMOVED_AT_ONCE = 50
PAUSE_SECONDS = 0.02

_LINE = (
    '{"department":"bar","item":"coffee","quantity":1,"note":"","expected_price":null,"allergy":false,'
    '"outcome":"accepted","unit_price":350,"available":null,"reason":null}'
)
_COLUMNS = (
    "restaurant, order_id, policy, number, placed_for, currency, lines, status, owed, response_recorded, created_at_ms,"
    " owner, epoch"
)
_NEW = f"""
SELECT 'main', gen_random_uuid()::text, 'best_effort', n, '7', 'EUR', '[{_LINE},{_LINE},{_LINE}]', 'accepted',
       NULL, true, n, 1, 1 FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""
_INSERT = {
    "orders": f"INSERT INTO orders ({_COLUMNS}) {_NEW} ON CONFLICT DO NOTHING RETURNING order_id",
    "by_month": f"WITH new AS MATERIALIZED ({_NEW}), ids AS (INSERT INTO order_ids SELECT 'main', gen_random_uuid"
    f" FROM new ON CONFLICT DO NOTHING RETURNING order_id) INSERT INTO by_month ({_COLUMNS})"
    " SELECT * FROM new WHERE gen_random_uuid IN (SELECT order_id FROM ids) RETURNING order_id",
}
_DECIDE = (
    "UPDATE {} SET epoch = epoch + 1, lines = lines"
    " WHERE (restaurant, order_id) IN (SELECT 'main', unnest(%s::text[])) RETURNING order_id"
)
_OTHER_INDEXES = """
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'orders'::regclass AND NOT indisunique
"""
_OLDEST = "SELECT order_id FROM orders WHERE created_at_ms < %s"
_REMOVE = (
    "INSERT INTO archived_orders SELECT 'main', unnest(%(ids)s::text[])",
    "DELETE FROM orders WHERE (restaurant, order_id) IN (SELECT 'main', unnest(%(ids)s::text[]))",
)

Connection = psycopg.Connection[tuple[object, ...]]


def main() -> None:
    """Fill both tables, measure writing an order in each, and then removing three months of ten beside a load."""
    parser = argparse.ArgumentParser(prog="python -m bench.partitions", description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name) / "postgresql")
        try:
            measure(server.new_database(), arguments.orders, arguments.rounds)
        finally:
            server.close()


def measure(url: str, count: int, rounds: int) -> None:
    """Fill, measure and print, in an empty database."""
    with _connect(url) as connection:
        _create(connection, url, count)
        inserts: dict[str, list[float]] = {table: [] for table in _INSERT}
        updates: dict[str, list[float]] = {table: [] for table in _INSERT}
        for _ in range(rounds):
            for table in _INSERT:
                written: list[list[str]] = []
                inserts[table].append(_timed(partial(_insert_batches, connection, table, count, written)))
                updates[table].append(_timed(partial(_update_batches, connection, table, written)))
        for table in _INSERT:
            print(f"{table}: {_each(inserts[table]):.0f} us to insert an order, {_each(updates[table]):.0f} to decide")
        for table, remove in (("orders", _remove_batches), ("by_month", _drop_months)):
            with _steady_load(url, table, count) as waits:
                time.sleep(2)
                alone = len(waits)
                seconds = _timed(partial(remove, connection, count))
            print(f"{table}: {seconds:.2f} s to remove {count * REMOVED_MONTHS // MONTHS} orders")
            print(f"  placing eight orders before: {_show(waits[:alone])}; meanwhile: {_show(waits[alone:])}")


def _connect(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True, options=f"-c search_path={SCHEMA}")


def _create(connection: Connection, url: str, count: int) -> None:
    with closing(Database(url, schema=SCHEMA)) as database:
        database.prepare(MIGRATIONS)
    connection.execute("CREATE TABLE order_ids (restaurant text, order_id text, PRIMARY KEY (restaurant, order_id))")
    connection.execute("CREATE TABLE by_month (LIKE orders) PARTITION BY RANGE (created_at_ms)")
    connection.execute("ALTER TABLE by_month ALTER seq SET DEFAULT nextval('orders_seq_seq')")
    connection.execute("ALTER TABLE by_month ADD PRIMARY KEY (seq, created_at_ms)")
    connection.execute("CREATE INDEX ON by_month (restaurant, order_id)")
    for (definition,) in connection.execute(_OTHER_INDEXES).fetchall():
        connection.execute("CREATE INDEX ON by_month USING " + str(definition).partition(" USING ")[2])
    size = count // MONTHS
    for n in range(MONTHS):
        end = (n + 1) * size if n < MONTHS - 1 else "MAXVALUE"
        connection.execute(f"CREATE TABLE month_{n} PARTITION OF by_month FOR VALUES FROM ({n * size}) TO ({end})")
    for table in _INSERT:
        _insert(connection, table, 0, count - 1)
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")


def _insert(connection: Connection, table: str, first: int, last: int) -> list[str]:
    rows = connection.execute(_INSERT[table], {"first": first, "last": last}).fetchall()
    return [str(order_id) for (order_id,) in rows]


def _insert_batches(connection: Connection, table: str, count: int, written: list[list[str]]) -> None:
    written += [_insert(connection, table, count, count + BATCH - 1) for _ in range(BATCHES)]


def _update_batches(connection: Connection, table: str, written: list[list[str]]) -> None:
    for order_ids in written:
        connection.execute(_DECIDE.format(table), [order_ids])


def _remove_batches(connection: Connection, count: int) -> None:
    """Remove orders as `python -m ops archive write` does, without its pauses."""
    oldest = [order_id for (order_id,) in connection.execute(_OLDEST, [count * REMOVED_MONTHS // MONTHS])]
    for start in range(0, len(oldest), REMOVED_AT_ONCE):
        with connection.transaction():
            for statement in _REMOVE:
                connection.execute(statement, {"ids": oldest[start : start + REMOVED_AT_ONCE]})


def _drop_months(connection: Connection, _count: int) -> None:
    """Remove months, each of which holds nothing that has to stay; their ids stay in `order_ids`."""
    for n in range(REMOVED_MONTHS):
        connection.execute(f"ALTER TABLE by_month DETACH PARTITION month_{n} CONCURRENTLY")
        connection.execute(f"DROP TABLE month_{n}")


def _place(connection: Connection, table: str, count: int) -> None:
    """Write a few orders down, and then what was decided about them."""
    written = _insert(connection, table, count, count + 7)
    connection.execute(_DECIDE.format(table), [written])


@contextmanager
def _steady_load(url: str, table: str, count: int) -> Iterator[list[float]]:
    """Place and decide a few orders at a time; yield the seconds that each time takes, a list that grows."""
    waits: list[float] = []
    is_over = threading.Event()

    def place() -> None:
        with _connect(url) as connection:
            while not is_over.wait(PAUSE_SECONDS):
                waits.append(_timed(partial(_place, connection, table, count)))

    thread = threading.Thread(target=place)
    thread.start()
    try:
        yield waits
    finally:
        is_over.set()
        thread.join()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _each(seconds: list[float]) -> float:
    """Return the microseconds of an order, as the median of the rounds."""
    return median(seconds) / (BATCHES * BATCH) * 1e6


def _show(waits: list[float]) -> str:
    ordered = sorted(waits)
    return (
        f"p50 {median(ordered) * 1000:.1f} ms, p99 {ordered[len(ordered) * 99 // 100] * 1000:.1f} ms" if waits else "-"
    )


if __name__ == "__main__":
    main()
