"""The measurement of partitions runs with the tables as the migrations make them today."""

import pytest

from bench import partitions
from tests.support.postgresql import new_postgresql_database


@pytest.mark.proof
def test_both_tables_are_filled_measured_and_emptied(postgresql: str, capsys: pytest.CaptureFixture[str]) -> None:
    partitions.measure(new_postgresql_database(postgresql), 200, 1)
    printed = capsys.readouterr().out

    for table in ("orders", "by_month"):
        assert f"{table}: " in printed
