"""Between the write of a batch and its acknowledgement there is an fsync: shown by the system calls themselves."""

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.simulation.durability import faults_of_calls, faults_of_postgresql, faults_of_pragmas, trace
from tests.support.postgresql import new_postgresql_database


def test_the_writing_connection_has_the_pragmas_that_durability_needs() -> None:
    assert faults_of_pragmas() == []


def test_a_commit_on_postgresql_waits_for_the_disk(postgresql: str) -> None:
    assert faults_of_postgresql(new_postgresql_database(postgresql)) == []


def test_a_commit_on_postgresql_waits_for_the_disk_whatever_the_database_is_set_to(postgresql: str) -> None:
    url = new_postgresql_database(postgresql)
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        name = psycopg.sql.Identifier(connection.info.dbname)
        connection.execute(psycopg.sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    assert faults_of_postgresql(url) == []


@pytest.mark.parametrize("program", ["department", "gateway"])
def test_no_batch_is_acknowledged_before_an_fsync_of_what_was_written(tmp_path: Path, program: str) -> None:
    assert faults_of_calls(trace(tmp_path, program)) == []


@pytest.mark.parametrize("program", ["department", "gateway"])
def test_the_calls_show_a_database_that_does_not_wait_for_the_disk(tmp_path: Path, program: str) -> None:
    faults = faults_of_calls(trace(tmp_path, program, "synchronous-normal"))
    assert any("before an fsync" in fault for fault in faults)
