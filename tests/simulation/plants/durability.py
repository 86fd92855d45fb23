"""Bugs of the connection to SQLite: a commit that does not wait for the disk."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from infra.db import engines
from tests.simulation.seams import plant


@plant("synchronous-normal", engines, "sqlite_engine", "durability")
def engine_with_synchronous_normal(
    original: Callable[..., sa.Engine], url: sa.URL, begin: str, pragmas: Sequence[str] = engines._DURABLE
) -> sa.Engine:
    """A commit is not synced to the disk before the next checkpoint."""
    return original(url, begin, [*pragmas, "synchronous=NORMAL"])


@plant("synchronous-off", engines, "sqlite_engine", "durability")
def engine_with_synchronous_off(
    original: Callable[..., sa.Engine], url: sa.URL, begin: str, pragmas: Sequence[str] = engines._DURABLE
) -> sa.Engine:
    """Nothing is ever synced to the disk."""
    return original(url, begin, [*pragmas, "synchronous=OFF"])
