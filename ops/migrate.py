"""The command `migrate`: brings every database up to date without starting a program."""

import argparse
from collections.abc import Mapping

from ops.databases import opened_databases, prepare
from ops.printing import show


def run(_arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Prepare the journal and each department's database; returns 0."""
    with opened_databases(environ) as (journal, departments):
        for database in (journal, *departments.values()):
            prepare(database)
            show(f"{database} ({database.schema}) is up to date")
    return 0
