"""Brings a database's tables up to date with Alembic.

Imported only where a database is not: with what it stands on, Alembic takes some 8 MB of a program that then runs for
months without it.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from infra.db.url import show_url
from infra.errors import StartError

_ENVIRONMENT = Path(__file__).parent / "migrations"


def upgrade(connection: sa.Connection, versions: Path) -> None:
    """Run the migrations of a folder that are still due; raises StartError."""
    config = Config()
    for option, folder in (("script_location", _ENVIRONMENT), ("version_locations", versions)):
        config.set_main_option(option, str(folder).replace("%", "%%"))  # a single one begins a reference
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StartError(f"database {show_url(connection.engine.url)} is another version's: {error}") from error
