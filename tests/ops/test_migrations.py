"""The migrations make exactly the tables that the statements are written for."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

import gateway.storage
import infra.db.database
from departments import storage, tables
from gateway.access import tables as access_tables
from gateway.orders import tables as gateway_tables
from infra.db.database import Database
from infra.db.indexes import CONDITION

ENVIRONMENT = Path(infra.db.database.__file__).parent / "alembic_environment"


def _merged(*parts: sa.MetaData) -> sa.MetaData:
    merged = sa.MetaData()
    for part in parts:
        for table in part.sorted_tables:
            table.to_metadata(merged)
    return merged


PROGRAMS = {
    "bar": (storage.MIGRATIONS, tables.metadata),
    "gateway": (gateway.storage.MIGRATIONS, _merged(gateway_tables.metadata, access_tables.metadata)),
}
INDEXES = {
    "bar": [each for table in tables.metadata.tables.values() for each in table.indexes],
    "gateway": [
        each
        for metadata in (gateway_tables.metadata, access_tables.metadata)
        for table in metadata.tables.values()
        for each in table.indexes
    ],
}


@pytest.fixture
def database(program: str, database_url: str) -> Iterator[Database]:
    database = Database(database_url, schema=program)
    database.prepare(PROGRAMS[program][0])
    yield database
    database.close()


@pytest.mark.parametrize("program", PROGRAMS)
async def test_the_migrations_make_the_tables_that_the_statements_expect(program: str, database: Database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), PROGRAMS[program][1]))

    assert await database.read(differences) == []


@pytest.mark.parametrize("program", PROGRAMS)
async def test_an_index_has_the_rows_that_its_statements_expect(program: str, database: Database) -> None:
    def made(connection: sa.Connection) -> dict[str, str]:
        inspector, option = sa.inspect(connection), f"{connection.dialect.name}_where"
        names = [table.name for table in PROGRAMS[program][1].tables.values()]
        indexes = [each for name in names for each in inspector.get_indexes(name)]
        return {str(each["name"]): plain(str(each.get("dialect_options", {}).get(option, ""))) for each in indexes}

    described = {str(each.name): plain(each.info.get(CONDITION, "")) for each in INDEXES[program]}
    assert described
    assert described.items() <= (await database.read(made)).items()


def plain(condition: str) -> str:
    """Return a condition without what PostgreSQL adds to it: brackets, and the types of its texts."""
    return re.sub(r"::text|[()]", "", condition)


@pytest.mark.parametrize("program", PROGRAMS)
async def test_the_migrations_can_be_reverted(program: str, database: Database) -> None:
    def revert(connection: sa.Connection) -> list[str]:
        config = Config()
        config.set_main_option("script_location", str(ENVIRONMENT))
        config.set_main_option("version_locations", str(PROGRAMS[program][0]))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        return sa.inspect(connection).get_table_names()

    assert await database.write(revert) == ["alembic_version"]
