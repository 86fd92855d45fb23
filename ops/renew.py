"""Renews the incarnations of departments' databases after a restore, so that positions from before it are void."""

from collections.abc import Callable, Mapping
from pathlib import Path

from departments import transactions
from infra.db.database import Database, change_copy

JOURNAL = "gateway"
"""The database that is no department's."""


def renew_copy(name: str, copy: Path) -> None:
    """Renew the incarnation in a SQLite file that is about to take a database's place; raises DatabaseError."""
    if name != JOURNAL:
        change_copy(copy, transactions.renew_incarnation)


async def renew_all(departments: Mapping[str, Database], tell: Callable[[str], None]) -> None:
    """Renew the incarnation of each department's database; raises DatabaseError."""
    for name, database in departments.items():
        await database.write(transactions.renew_incarnation)
        tell(f"{name}: {database} has a new incarnation")
