"""What is wrong with one order: its record in the journal beside its tickets, and beside what its guest was told.

Pure: it is given what was read, and reads nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec

from departments.domain import tickets
from departments.domain.tickets import TAKEN, Ticket, TicketState
from gateway.domain.lines import Line, Outcome
from gateway.domain.order import Order, Policy, Status


class Column(StrEnum):
    """A column of the audit's table, which names a promise that was broken; but see `HARMLESS`."""

    LOST = "lost"
    DOUBLED = "doubled"
    OVERSOLD = "oversold"
    HALF = "half"
    STOCK_LAW = "stock law"
    UNDECIDED = "undecided"
    WITHDRAWN = "withdrawn"


HARMLESS = frozenset({Column.UNDECIDED, Column.WITHDRAWN})
"""An order in flight, or one that waits for a department; and a ticket that a department's staff has cancelled."""


class Finding(NamedTuple):
    """Something that is not as promised. `subject` is an order's id, or a department's item."""

    column: Column
    subject: str
    reason: str


class ToldLine(msgspec.Struct):
    """A line, as its guest was told of it."""

    outcome: Outcome


class Told(msgspec.Struct):
    """An order's answer, as its guest received it."""

    status: Status
    lines: list[ToldLine]


class Note(msgspec.Struct):
    """A line of a client's journal: an answer that it received, or that it is about to ask for a cancel."""

    order_id: Annotated[str, msgspec.Meta(min_length=1)]
    answer: Told | None = None
    cancel: bool = False


def judge(order: Order, share: Mapping[str, Ticket | None]) -> Iterator[Finding]:
    """Compare an order with its tickets; `share` has an entry for each of its departments that was looked at."""
    if order.owed:
        goals = ", ".join(f"{department} {goal}" for department, goal in sorted(order.owed.items()))
        placed = datetime.fromtimestamp(order.created_at_ms / 1000, UTC).isoformat(timespec="seconds")
        yield Finding(Column.UNDECIDED, order.order_id, f"still owed: {goals}; placed {placed}")
        if order.policy is Policy.ALL_OR_NOTHING:
            return  # until it owes nothing, its departments may stand anywhere between held and settled
    half = order.policy is Policy.ALL_OR_NOTHING and _is_half(order, share)
    if half:
        states = ", ".join(f"{name} {_state(ticket)}" for name, ticket in share.items())
        yield Finding(Column.HALF, order.order_id, f"it is all or nothing and {order.status}, but: {states}")
    for department, lines in order.shares.items():
        if department in order.owed:
            continue
        if any(line.outcome is Outcome.PENDING for line in lines):
            yield Finding(Column.LOST, order.order_id, f"{department} is pending, and nobody looks after it")
        elif department in share:
            for column, reason in _compare(order.table or "", lines, share[department]):
                if column is Column.WITHDRAWN or not half:
                    yield Finding(column, order.order_id, f"{department}: {reason}")


def judge_told(
    order: Order | None, order_id: str, told: Told, *, cancelled: bool, withdrawn: Collection[str] = ()
) -> Iterator[Finding]:
    """Compare an order with what its guest was told.

    `cancelled`: the guest has asked to take it back. `withdrawn`: the departments whose staff cancelled its ticket.
    """
    if order is None:
        yield Finding(Column.LOST, order_id, f"it was acknowledged as {told.status}, and the journal does not know it")
        return
    if order.owed or (told.status is Status.PENDING and order.policy is Policy.ALL_OR_NOTHING):
        return  # not decided yet; and before the decision nothing was promised
    if len(told.lines) != len(order.lines):
        yield Finding(Column.LOST, order_id, f"{len(told.lines)} lines were acknowledged, it has {len(order.lines)}")
        return
    for number, (then, now) in enumerate(zip(told.lines, order.lines, strict=True)):
        if then.outcome is now.outcome or then.outcome is Outcome.PENDING:
            continue
        reason = f"line {number} was acknowledged as {then.outcome}, and is {now.outcome}"
        may_be_cancelled = cancelled or now.department in withdrawn
        if then.outcome is Outcome.ACCEPTED and not (may_be_cancelled and now.outcome is Outcome.CANCELLED):
            yield Finding(Column.LOST, order_id, reason)
        elif now.outcome is Outcome.ACCEPTED and then.outcome not in (Outcome.EXPIRED, Outcome.REJECTED):
            # What was given up may be on the stove after all, by an earlier try: the department's word stands.
            yield Finding(Column.DOUBLED, order_id, reason)


def _is_half(order: Order, share: Mapping[str, Ticket | None]) -> bool:
    """Tell whether a finished all-or-nothing order was made in part, or is still held somewhere.

    What the staff of a department cancelled counts for neither side.
    """
    if any(ticket is not None and ticket.state is TicketState.HELD for ticket in share.values()):
        return True
    withdrawn = {name for name, ticket in share.items() if ticket is not None and ticket.withdrawn}
    outcomes = {line.outcome is Outcome.ACCEPTED for line in order.lines if line.department not in withdrawn}
    if len(outcomes) > 1:
        return True
    for department, ticket in share.items():
        if department in withdrawn:
            continue
        is_made = was_made = ticket is not None and ticket.state in TAKEN
        if order.shares[department][0].outcome is Outcome.ACCEPTED:
            if not was_made:
                return True
        elif is_made:
            return True
    return False


def _compare(table: str, lines: Sequence[Line], ticket: Ticket | None) -> Iterator[tuple[Column, str]]:
    """Compare a finished share with its ticket."""
    accepted = [line for line in lines if line.outcome is Outcome.ACCEPTED]
    if ticket is None or not ticket.lines:
        if accepted:
            yield Column.LOST, f"{_spell(accepted)} was accepted, and there is {_state(ticket)}"
        return
    if ticket.table != table:
        yield Column.LOST, f"the order is for table {table!r}, the ticket for {ticket.table!r}"
    asked = [(line.item, line.quantity, line.note, line.expected_price) for line in lines]
    written = [(line.item, line.quantity, line.note, line.expected_price) for line in ticket.lines]
    if asked != written:
        more = sum(line.quantity for line in ticket.lines) > sum(line.quantity for line in lines)
        yield Column.DOUBLED if more else Column.LOST, f"the order asks for {asked}, the ticket for {written}"
    elif ticket.state is TicketState.HELD:
        yield Column.LOST, "it is held, and nobody will settle it"
    elif ticket.state is TicketState.CANCELLED:
        if accepted and ticket.withdrawn:
            yield Column.WITHDRAWN, f"{_spell(accepted)} was accepted, and {_withdrawal(ticket)}"
        elif accepted:
            yield Column.LOST, f"{_spell(accepted)} was accepted, and the gateway has cancelled it"
    else:
        yield from _compare_lines(lines, ticket)


def _compare_lines(lines: Sequence[Line], ticket: Ticket) -> Iterator[tuple[Column, str]]:
    for line, made in zip(lines, ticket.lines, strict=True):
        is_made = ticket.state in TAKEN and made.outcome is tickets.Outcome.ACCEPTED
        if line.outcome is Outcome.ACCEPTED and not is_made:
            yield Column.LOST, f"{_spell([line])} was accepted, and the ticket says {made.outcome}, {ticket.state}"
        elif line.outcome is not Outcome.ACCEPTED and is_made:
            yield Column.DOUBLED, f"{_spell([line])} is {line.outcome}, and is being made all the same"
        elif is_made and line.unit_price != made.unit_price:
            yield Column.LOST, f"{_spell([line])} was accepted at {line.unit_price}, the ticket says {made.unit_price}"
        elif is_made and line.expected_price not in (None, made.unit_price):
            reason = f"is being made at {made.unit_price}, and its guest agreed to {line.expected_price} only"
            yield Column.DOUBLED, f"{_spell([line])} {reason}"


def _state(ticket: Ticket | None) -> str:
    if ticket is None:
        return "no ticket"
    return ticket.state.value if ticket.lines else "a tombstone"


def _withdrawal(ticket: Ticket) -> str:
    reason = f" ({ticket.cancel_reason})" if ticket.cancel_reason else ""
    return f"{ticket.moved_by or 'the staff'} cancelled it{reason}{', when it was started' if ticket.wasted else ''}"


def _spell(lines: Sequence[Line]) -> str:
    return ", ".join(f"{line.quantity} {line.item}" for line in lines)
