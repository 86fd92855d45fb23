"""Databases that are migrated once a process: a new SQLite file begins as a copy of the first."""

import tempfile
from functools import cache
from pathlib import Path

from infra.db.database import Database


def prepare(database: Database, versions: Path) -> None:
    """Prepare a database as its program does; a SQLite file that does not exist yet is a copy of a migrated one."""
    if database.file is not None and not database.file.exists():
        database.file.write_bytes(_migrated(versions))
    database.prepare(versions)


@cache
def _migrated(versions: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        database = Database(path, schema="any")
        database.prepare(versions)
        database.close()
        return path.read_bytes()
