"""What a department logs."""

from pathlib import Path

import structlog

from departments.app import DepartmentApp
from departments.domain.steps import Move
from departments.domain.tickets import Decision, TicketState, Verb
from departments.storage import MIGRATIONS
from infra.db.database import Database
from tests.support.department_factories import BAR, coffees, new_id
from tests.support.migrated import prepare


async def test_what_was_placed_last_is_logged_at_the_end_and_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/bar.db", schema="bar")
    prepare(database, MIGRATIONS)
    department = DepartmentApp(BAR, database)
    await department.open()
    first, second = coffees(1), coffees(2)
    with structlog.testing.capture_logs() as logs:
        await department.place([first])
        await department.place([second])
        assert not logs
        department.close()
        department._log_placed()  # the timer's, which comes too late
    database.close()
    (line,) = logs
    assert (line["event"], line["orders"], line["transactions"]) == ("placed", 2, 2)
    assert line["order_ids"] == [first.order_id, second.order_id]


async def test_what_became_of_each_order_is_logged_and_not_what_was_asked(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/bar.db", schema="bar")
    prepare(database, MIGRATIONS)
    department = DepartmentApp(BAR, database)
    await department.open()
    queued, started, unknown = coffees(1), coffees(1), new_id()
    await department.place([queued, started])
    await department.move(Move(started.order_id, Verb.START, TicketState.QUEUED, "a", "Ana"))
    ids = [queued.order_id, started.order_id, unknown]
    with structlog.testing.capture_logs() as logs:
        await department.suspend([Decision(order_id, 1) for order_id in ids[:2]])
        await department.confirm([Decision(order_id, 2) for order_id in ids[:2]])
        await department.cancel([Decision(order_id, 3) for order_id in ids])
    department.close()
    database.close()
    lines = [{key: value for key, value in line.items() if key != "log_level"} for line in logs]
    assert lines == [
        {"event": "suspend requested", "held": ids[:1], "preparing": ids[1:2]},
        {"event": "confirm requested", "queued": ids[:1], "preparing": ids[1:2]},
        {"event": "cancel requested", "cancelled": [queued.order_id, unknown], "preparing": ids[1:2]},
    ]
