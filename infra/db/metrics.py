"""The metrics of a database: transactions by session, and, of a SQLite file, its size and the disk below it."""

import shutil
from collections.abc import Iterator
from contextlib import suppress

from infra.db.database import Database
from infra.metrics import Family, by_label, one


def database_families(database: Database) -> Iterator[Family]:
    """Return what is known of a database; the disk of PostgreSQL is its own machine's."""
    sessions = database.sessions
    yield by_label(
        "transaction_seconds",
        "histogram",
        "How long a transaction that succeeded took, from BEGIN to COMMIT.",
        "session",
        {each.name: each.durations.buckets() for each in sessions},
    )
    yield by_label(
        "transactions_failed_total",
        "counter",
        "Transactions that the database did not carry out.",
        "session",
        {each.name: each.failed for each in sessions},
    )
    yield by_label(
        "transactions_waiting",
        "gauge",
        "Transactions that wait for the session's thread.",
        "session",
        {each.name: each.waiting for each in sessions},
    )
    if database.file is None:
        return
    with suppress(OSError):  # the disk is gone, which the transactions tell
        disk = shutil.disk_usage(database.file.parent)
        size = sum(file.stat().st_size for file in database.file.parent.glob(f"{database.file.name}*"))
        yield one(
            "database_bytes",
            "gauge",
            "Size of the database's file, and of those beside it: write-ahead log, lock.",
            size,
        )
        yield one("disk_size_bytes", "gauge", "Size of the disk that has the database's file.", disk.total)
        yield one("disk_free_bytes", "gauge", "What is free on that disk for this program.", disk.free)
