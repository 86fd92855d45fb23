"""The command `renew`: gives departments' databases new incarnations, which voids positions from before a restore."""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path

from departments import transactions
from infra.db.database import Database, change_copy
from infra.setting_names import GATEWAY
from ops.databases import opened_databases, prepare
from ops.printing import Show, show


def run(_arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Renew every department's incarnation; returns 0."""
    with opened_databases(environ) as (_, departments):
        for database in departments.values():
            prepare(database)
        asyncio.run(renew_all(departments, show))
    return 0


def renew_copy(name: str, copy: Path) -> None:
    """Renew the incarnation in a SQLite file that is about to replace a department's; raises DatabaseError."""
    if name != GATEWAY:
        change_copy(copy, transactions.renew_incarnations)


async def renew_all(departments: Mapping[str, Database], show: Show) -> None:
    """Renew the incarnation of each department's database; raises DatabaseError."""
    for name, database in departments.items():
        await database.write(transactions.renew_incarnations)
        show(f"{name}: {database} has a new incarnation")
