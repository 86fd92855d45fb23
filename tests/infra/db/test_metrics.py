from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.db.database import Database
from infra.db.metrics import database_families
from infra.errors import DatabaseError
from tests.support.metrics import samples


def select(connection: sa.Connection) -> None:
    connection.exec_driver_sql("SELECT 1")


def create(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")


async def test_transactions_are_counted_by_session(database_url: str) -> None:
    database = Database(database_url, schema="public")
    await database.write(select)
    await database.write(select)
    await database.read(select)
    with pytest.raises(DatabaseError):
        await database.look_up(lambda connection: connection.exec_driver_sql("SELECT nonsense"))
    shown = await samples(lambda: database_families(database))
    database.close()
    counts = {name: shown[f"transaction_seconds_count{{session={name}}}"] for name in ("write", "read", "look up")}
    assert counts == {"write": 2, "read": 1, "look up": 0}
    assert shown["transactions_failed_total{session=look up}"] == 1
    assert shown["transactions_failed_total{session=write}"] == 0
    assert shown["transactions_waiting{session=write}"] == 0


async def test_a_file_has_a_size_and_a_disk(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", schema="bar")
    await database.write(create)
    shown = await samples(lambda: database_families(database))
    database.close()
    assert shown["database_bytes"] >= 4096
    assert shown["disk_size_bytes"] > shown["disk_free_bytes"] > 0


async def test_a_disk_that_is_gone_has_no_figures(tmp_path: Path) -> None:
    database = Database(tmp_path / "gone" / "a.db", schema="bar")
    shown = await samples(lambda: database_families(database))
    database.close()
    assert "transaction_seconds_count{session=write}" in shown
    assert "disk_free_bytes" not in shown
