"""The statements about the staff's work with tickets: their steps, and the lines that they tick off.

Every function runs inside the caller's transaction, and is about the tenant of the connection's database.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from departments import rows
from departments.domain.steps import Step
from departments.domain.tickets import Ticket
from departments.schema import own, steps, tickets
from infra.db.database import Statement, encode_json, tenant

_STEP_COLUMNS = list(steps.c)[1:]
"""What is read and written of a step: the restaurant is known."""

_STEP_FIELDS = [column.name for column in _STEP_COLUMNS]

_MOVED_COLUMNS = [
    tickets.c[name]
    for name in (
        "state",
        "revision",
        "moved_by",
        "moved_at_ms",
        "cancel_reason",
        "withdrawn",
        "wasted",
        "started_at_ms",
        "ready_at_ms",
        "served_at_ms",
        "cancelled_at_ms",
    )
]
"""What a step of the staff changes of a ticket."""


def _bound(columns: Sequence["sa.Column[Any]"]) -> "dict[str, sa.BindParameter[Any]]":
    return {column.name: sa.bindparam(column.name, type_=column.type) for column in columns}


def _update_one(connection: sa.Connection, *columns: "sa.Column[Any]") -> "sa.Update":
    """Update one ticket, that of the order `of_order`."""
    is_it = tickets.c.order_id == sa.bindparam("of_order", type_=sa.Text)
    return sa.update(tickets).where(own(connection, tickets), is_it).values(_bound(columns))


def _select_steps(connection: sa.Connection, *conditions: "sa.ColumnElement[bool]") -> "sa.Select[Any]":
    """Select the steps with one ticket, that of the order `of_order`."""
    of_order = steps.c.order_id == sa.bindparam("of_order", type_=sa.Text)
    return sa.select(*_STEP_COLUMNS).where(own(connection, steps), of_order, *conditions)


_MOVE_TICKET = Statement(lambda connection: _update_one(connection, *_MOVED_COLUMNS))
_WRITE_LINES = Statement(
    lambda connection: _update_one(connection, tickets.c.lines, tickets.c.cancelled_lines, tickets.c.revision)
)
_INSERT_STEP = Statement(
    lambda connection: sa.insert(steps).values({**_bound(_STEP_COLUMNS), "restaurant": tenant(connection)})
)
_STEP = Statement(
    lambda connection: _select_steps(connection, steps.c.step_id == sa.bindparam("of_step", type_=sa.Text))
)
_STEPS_UNTIL = Statement(
    lambda connection: _select_steps(
        connection, steps.c.revision <= sa.bindparam("until", type_=sa.BigInteger)
    ).order_by(steps.c.revision)
)


def record_step(connection: sa.Connection, ticket: Ticket, step: Step) -> None:
    """Write a ticket after a step of the staff, and insert the step."""
    changed = {
        "of_order": ticket.order_id,
        "state": ticket.state.value,
        "revision": ticket.revision,
        "moved_by": ticket.moved_by,
        "moved_at_ms": ticket.moved_at_ms,
        "cancel_reason": ticket.cancel_reason,
        "withdrawn": int(ticket.withdrawn),
        "wasted": int(ticket.wasted),
        "started_at_ms": ticket.started_at_ms,
        "ready_at_ms": ticket.ready_at_ms,
        "served_at_ms": ticket.served_at_ms,
        "cancelled_at_ms": ticket.cancelled_at_ms,
    }
    _MOVE_TICKET.run(connection, changed)
    if step.cancels_line:
        write_lines(connection, ticket)
    states = {"verb": step.verb.value, "before": step.before.value, "after": step.after.value}
    _INSERT_STEP.run(connection, {**{name: getattr(step, name) for name in _STEP_FIELDS}, **states})


def read_step(connection: sa.Connection, order_id: str, step_id: str) -> Step | None:
    """Return a step that was taken, or None; raises TicketUnreadable for a value unknown to this version."""
    row = _STEP.run(connection, {"of_order": order_id, "of_step": step_id}).fetchone()
    return None if row is None else rows.read_step(row)


def steps_until(connection: sa.Connection, order_id: str, revision: int) -> list[Step]:
    """Return the steps of the staff with a ticket up to a revision, oldest first; raises TicketUnreadable."""
    return [rows.read_step(row) for row in _STEPS_UNTIL.run(connection, {"of_order": order_id, "until": revision})]


def write_lines(connection: sa.Connection, ticket: Ticket) -> None:
    """Write a ticket's lines and its revision, after a line was ticked or cancelled."""
    changed = {
        "of_order": ticket.order_id,
        "lines": encode_json(ticket.lines),
        "cancelled_lines": encode_json(ticket.cancelled_lines) if ticket.cancelled_lines else "",
        "revision": ticket.revision,
    }
    _WRITE_LINES.run(connection, changed)


def last_moved(connection: sa.Connection, order_id: str) -> int:
    """Return the revision of the staff's last step that changed a ticket's state, or 0 where they have taken none."""
    last = sa.func.coalesce(sa.func.max(steps.c.revision), 0)
    changes = steps.c.before != steps.c.after
    query = sa.select(last).where(own(connection, steps), steps.c.order_id == order_id, changes)
    revision: int = connection.execute(query).scalar_one()
    return revision
