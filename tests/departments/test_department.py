"""What a department tells its log."""

from pathlib import Path

import structlog

from departments.__main__ import MIGRATIONS
from departments.department import Department
from plumbing.database import Database
from tests.departments.factories import BAR, coffees


async def test_what_was_placed_last_is_logged_at_the_end_and_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/bar.db", schema="bar")
    database.prepare(MIGRATIONS)
    department = Department(BAR, database)
    await department.open()
    first, second = coffees(1), coffees(2)
    with structlog.testing.capture_logs() as logs:
        await department.place([first])
        await department.place([second])
        assert not logs
        department.close()
        department._tell()  # the timer's, which comes too late
    database.close()
    (line,) = logs
    assert (line["event"], line["orders"], line["transactions"]) == ("placed", 2, 2)
    assert line["order_ids"] == [first.order_id, second.order_id]
