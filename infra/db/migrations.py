"""Migrations of a program's tables: which one was the last, and Alembic to run those that are due.

Alembic is imported only where a migration is due: with its own imports it takes some 8 MB of a program that then runs
for months without it.
"""

import sys
from pathlib import Path

import sqlalchemy as sa

from infra.db.url import show_url
from infra.errors import StartError

_ENVIRONMENT = Path(__file__).parent / "alembic_environment"


def is_current(connection: sa.Connection, schema: str, versions: Path) -> bool:
    """Return whether no migration of the folder `versions` is due."""
    return _last_version(connection, schema) == _newest_version(versions)


def migrate(connection: sa.Connection, schema: str, versions: Path) -> None:
    """Run the migrations that are due, in the connection's transaction; raises StartError."""
    if connection.dialect.name == "postgresql":
        # Replicas that start at the same time wait here for each other.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(schema))))
        connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
        if is_current(connection, schema, versions):
            return
    _run_alembic(connection, versions)


def _run_alembic(connection: sa.Connection, versions: Path) -> None:
    # Where Pygments is installed, mako imports it, 4 MB, to colour error pages that Comanda does not have.
    sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    for option, folder in (("script_location", _ENVIRONMENT), ("version_locations", versions)):
        config.set_main_option(option, str(folder).replace("%", "%%"))  # a single % begins a reference
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StartError(f"database {show_url(connection.engine.url)} is another version's: {error}") from error


def _newest_version(versions: Path) -> str:
    """Return the number of the newest migration, with which its file begins."""
    return max(versions.glob("[0-9]*.py")).stem.partition("_")[0]


def _last_version(connection: sa.Connection, schema: str) -> str | None:
    """Return the number of the last migration that was run; None where none was."""
    place = schema if connection.dialect.name == "postgresql" else None
    if not sa.inspect(connection).has_table("alembic_version", place):
        return None
    version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return version
