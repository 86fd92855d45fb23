"""What the staff did with the orders' tickets, as the gateway has followed it, in the journal's database.

Each row is a ticket's last known state; a later revision replaces an earlier one, however often and by whichever
gateway it is written. A row of a ticket that the staff cancelled, or a line of it, is *unsettled* until the order's own
row says so, too: it is written with the position that passes it, in one transaction, so that no crash loses what is
still to be done.

A department that was restored may lack a cancel that an order shows already. Then the row is unsettled again, and says
that the ticket, or the line, is not withdrawn: the department is to be asked for the cancel, or what it has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gateway.domain.lines import TicketState
from gateway.domain.progress import TicketProgress
from gateway.domain.tickets import LiveTicket, Position
from gateway.orders.tables import archived_among, is_among, own, ticket_states, watch_positions
from infra.db.database import Statement, encode_json, insert_into, records, statements_only, tenant


class Withdrawal(NamedTuple):
    """A ticket that the staff cancelled, whole or in part, and whose order's row may not say so yet."""

    order_id: str
    department: str


class Unsettled(NamedTuple):
    """What an order's row has still to be compared with: the staff's cancel with its reason, or that there is none.

    `lines`: the single lines that they cancelled, by their places in the ticket from 0, with the reasons. `gone`: the
    ticket is cancelled, by them or by the gateway.
    """

    withdrawn: bool
    reason: str
    lines: Mapping[int, str]
    gone: bool


class KnownState(NamedTuple):
    """A ticket's state, and the revision that it had then."""

    revision: int
    state: TicketState


@dataclass(frozen=True, slots=True)
class Page:
    """Moved tickets of one department, to be written in one transaction.

    `position` is passed with them; None where more of a snapshot is to come. `is_snapshot`: they are a part of one, the
    last where there is a position: what was known before is void.
    """

    department: str
    incarnation: str
    tickets: Sequence[LiveTicket]
    position: Position | None
    is_snapshot: bool


_COLUMNS = [column for column in ticket_states.c if column is not ticket_states.c.restaurant]
_KEYS = [ticket_states.c.restaurant, ticket_states.c.order_id, ticket_states.c.department]
_PROGRESS = [
    ticket_states.c.state,
    ticket_states.c.started_at_ms,
    ticket_states.c.ready_at_ms,
    ticket_states.c.served_at_ms,
    ticket_states.c.cancelled_at_ms,
    ticket_states.c.withdrawn,
    ticket_states.c.cancel_reason,
    ticket_states.c.cancelled_lines,
]

_decode_lines = msgspec.json.Decoder(dict[int, str]).decode

_ZERO: sa.ColumnElement[int] = sa.literal_column("0")
_ONE: sa.ColumnElement[int] = sa.literal_column("1")

_UNMOVED = {
    "revision": 0,
    "state": TicketState.QUEUED.value,
    **dict.fromkeys(("started_at_ms", "ready_at_ms", "served_at_ms", "cancelled_at_ms", "withdrawn", "settled"), 0),
    "moved_by": "",
    "cancel_reason": "",
    "cancelled_lines": "",
}
"""The row of a ticket whose cancel is lost, and with which the staff have taken no step since."""


# By the equality of `own`, SQLite would choose the table's key, and so read every row, not the index of the few.
_UNSETTLED = Statement(
    lambda connection: sa.select(ticket_states.c.order_id, ticket_states.c.department).where(
        sa.between(ticket_states.c.restaurant, tenant(connection), tenant(connection)),
        ticket_states.c.settled == _ZERO,
    )
)


def _upsert(connection: sa.Connection, *, is_snapshot: bool) -> sa.ClauseElement:
    rows = records(connection.dialect, _COLUMNS).add_columns(tenant(connection))
    insert = insert_into(connection.dialect, ticket_states).from_select(
        [*(column.name for column in _COLUMNS), "restaurant"], rows
    )
    new = insert.excluded
    old = ticket_states.c.revision
    is_newer = new.revision != old if is_snapshot else new.revision > old
    was_shown = (ticket_states.c.withdrawn == _ONE) | (ticket_states.c.settled == _ZERO)
    lines_differ = new.cancelled_lines != ticket_states.c.cancelled_lines
    values: dict[str, Any] = {column.name: new[column.name] for column in _COLUMNS if column not in _KEYS}
    values["settled"] = sa.case(
        (was_shown & (new.withdrawn == _ZERO), _ZERO), (lines_differ, _ZERO), else_=_ONE - new.withdrawn
    )
    return insert.on_conflict_do_update(
        index_elements=_KEYS,
        set_=values,
        where=(new.incarnation != ticket_states.c.incarnation) | is_newer,
    ).returning(ticket_states.c.order_id)


_WRITE_CHANGES = Statement(partial(_upsert, is_snapshot=False))
_WRITE_SNAPSHOT = Statement(partial(_upsert, is_snapshot=True))


def _position(connection: sa.Connection, *, is_snapshot: bool) -> sa.ClauseElement:
    """Build the statement for a position: another gateway may have written a later one, unless that is void."""
    columns = watch_positions.c.department, watch_positions.c.incarnation, watch_positions.c.revision
    new = insert_into(connection.dialect, watch_positions).values(
        restaurant=tenant(connection), **{each.name: sa.bindparam(each.name, type_=each.type) for each in columns}
    )
    is_other = new.excluded.incarnation != watch_positions.c.incarnation
    is_later = new.excluded.revision > watch_positions.c.revision
    return new.on_conflict_do_update(
        index_elements=[watch_positions.c.restaurant, watch_positions.c.department],
        set_={each.name: new.excluded[each.name] for each in columns[1:]},
        where=None if is_snapshot else is_other | is_later,
    )


_PASS_POSITION = Statement(partial(_position, is_snapshot=False))
_BEGIN_POSITION = Statement(partial(_position, is_snapshot=True))
_OF_ORDERS = Statement(
    lambda connection: sa.select(ticket_states.c.order_id, ticket_states.c.department, *_PROGRESS).where(
        is_among(connection, ticket_states)
    )
)


def write_page(connection: sa.Connection, page: Page) -> set[Withdrawal]:
    """Write a page and its position; return the withdrawals that may not be known yet, and those that are void now.

    Of orders that were archived nothing is written: a department that is restored has their tickets again.
    """
    archived = archived_among(connection, [ticket.order_id for ticket in page.tickets])
    rows = [_row(page, ticket) for ticket in page.tickets if ticket.order_id not in archived]
    rows.sort(key=itemgetter("order_id"))  # gateways that write the same rows wait for each other in one order
    write = _WRITE_SNAPSHOT if page.is_snapshot else _WRITE_CHANGES
    new = {order_id for (order_id,) in write.run_rows(connection, rows)} if rows else set()
    found = {withdrawal for withdrawal in withdrawals(page) if withdrawal.order_id in new}
    if page.position is not None:
        if page.is_snapshot:
            found |= _delete_void(connection, page.department, page.position)
        _write_position(connection, page, page.position)
    return found


write_changes = statements_only(write_page)
"""The same for a page that is no part of a snapshot: a step of the staff waits for it, in half the time."""


def withdrawals(page: Page) -> Iterator[Withdrawal]:
    """Yield the tickets of a page that the staff cancelled, whole or in part."""
    for ticket in page.tickets:
        if ticket.withdrawn or ticket.cancelled_lines:
            yield Withdrawal(ticket.order_id, page.department)


def read_positions(connection: sa.Connection) -> dict[str, Position]:
    """Return how far each department has been followed."""
    columns = (watch_positions.c.department, watch_positions.c.incarnation, watch_positions.c.revision)
    rows = connection.execute(sa.select(*columns).where(own(connection, watch_positions)))
    return {department: Position(incarnation, revision) for department, incarnation, revision in rows}


def read_start(connection: sa.Connection) -> tuple[dict[str, Position], list[Withdrawal]]:
    """Return how far each department has been followed, and the withdrawals that are unsettled."""
    unsettled = [Withdrawal(*row) for row in _UNSETTLED.run(connection, {})]
    return read_positions(connection), unsettled


def read_unsettled(connection: sa.Connection, withdrawal: Withdrawal) -> Unsettled | None:
    """Return what the order's row has still to be compared with, or None where it is settled."""
    columns = ticket_states.c
    query = sa.select(columns.withdrawn, columns.cancel_reason, columns.cancelled_lines, columns.state)
    row = connection.execute(query.where(_is(connection, withdrawal), columns.settled == 0)).one_or_none()
    if row is None:
        return None
    is_gone = row.state == TicketState.CANCELLED.value
    return Unsettled(bool(row.withdrawn), row.cancel_reason, _read_lines(row.cancelled_lines), is_gone)


def settle(connection: sa.Connection, withdrawal: Withdrawal, found: Unsettled) -> bool:
    """Note that the order's row says what the staff did; return False where that has changed meanwhile."""
    is_same = (ticket_states.c.withdrawn == int(found.withdrawn)) & (
        ticket_states.c.cancelled_lines == _write_lines(found.lines)
    )
    is_as_read = _is(connection, withdrawal) & is_same
    connection.execute(sa.update(ticket_states).where(is_as_read).values(settled=1))
    is_empty = _is(connection, withdrawal) & (ticket_states.c.revision == 0) & (ticket_states.c.settled == 1)
    connection.execute(sa.delete(ticket_states).where(is_empty))
    return read_unsettled(connection, withdrawal) is None


def read_tickets(connection: sa.Connection, order_ids: Sequence[str]) -> dict[str, dict[str, TicketProgress]]:
    """Return the tickets of these orders that the staff have moved, by order id and department."""
    found: dict[str, dict[str, TicketProgress]] = {}
    for order_id, department, *progress in _OF_ORDERS.run(connection, {"order_ids": encode_json(list(order_ids))}):
        state, started, ready, served, cancelled, withdrawn, reason, lines = progress
        ticket = TicketProgress(
            TicketState(state), started, ready, served, cancelled, bool(withdrawn), reason, _read_lines(lines)
        )
        found.setdefault(order_id, {})[department] = ticket
    return found


def _delete_void(connection: sa.Connection, department: str, position: Position) -> set[Withdrawal]:
    """Delete what the department does not know: of another incarnation, or of a future that it has lost.

    Return the cancels that it lacks, and that orders may show: they are kept as unsettled.
    """
    is_void = (ticket_states.c.incarnation != position.incarnation) | (ticket_states.c.revision > position.revision)
    of_department = own(connection, ticket_states) & (ticket_states.c.department == department)
    is_shown = (
        (ticket_states.c.withdrawn == 1) | (ticket_states.c.settled == 0) | (ticket_states.c.cancelled_lines != "")
    )
    kept = {"incarnation": position.incarnation, **_UNMOVED}
    connection.execute(sa.update(ticket_states).where(of_department, is_void, is_shown).values(kept))
    connection.execute(sa.delete(ticket_states).where(of_department, is_void))
    is_lost = (ticket_states.c.settled == 0) & (ticket_states.c.withdrawn == 0)
    lost = connection.execute(sa.select(ticket_states.c.order_id).where(of_department, is_lost)).scalars()
    return {Withdrawal(order_id, department) for order_id in lost}


def _write_position(connection: sa.Connection, page: Page, position: Position) -> None:
    """Write how far a department is followed."""
    write = _BEGIN_POSITION if page.is_snapshot else _PASS_POSITION
    incarnation, revision = position
    write.run(connection, {"department": page.department, "incarnation": incarnation, "revision": revision})


def _write_lines(lines: Mapping[int, str]) -> str:
    return encode_json(lines) if lines else ""


def _read_lines(text: str) -> Mapping[int, str]:
    return _decode_lines(text) if text else {}


def _row(page: Page, ticket: LiveTicket) -> Mapping[str, Any]:
    lines = ticket.cancelled_lines
    return {
        "order_id": ticket.order_id,
        "department": page.department,
        "incarnation": page.incarnation,
        "revision": ticket.revision,
        "state": ticket.state.value,
        "placed_at_ms": ticket.placed_at_ms,
        "started_at_ms": ticket.started_at_ms,
        "ready_at_ms": ticket.ready_at_ms,
        "served_at_ms": ticket.served_at_ms,
        "cancelled_at_ms": ticket.cancelled_at_ms,
        "moved_by": ticket.moved_by,
        "cancel_reason": ticket.cancel_reason,
        "withdrawn": int(ticket.withdrawn),
        "settled": int(not (ticket.withdrawn or lines)),
        "cancelled_lines": _write_lines(lines),
    }


def _is(connection: sa.Connection, withdrawal: Withdrawal) -> "sa.ColumnElement[bool]":
    order_id, department = withdrawal
    is_of = (ticket_states.c.order_id == order_id) & (ticket_states.c.department == department)
    return own(connection, ticket_states) & is_of
