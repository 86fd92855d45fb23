"""The audit's rules: what is wrong with an order, with a ticket, or with an item's stock.

An order is compared with its tickets and with the responses that its client received. The functions are pure: they are
given what was read, and read nothing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from departments.domain import tickets
from departments.domain.stock import Stock
from departments.domain.tickets import TAKEN, Ticket, TicketLine, TicketState
from gateway.domain.lines import Line, Outcome
from gateway.domain.order import Order, Policy, Status


class Column(StrEnum):
    """A column of the audit's table. Each but those in `HARMLESS` names a promise that was broken."""

    LOST = "lost"
    DOUBLED = "doubled"
    OVERSOLD = "oversold"
    HALF = "half"
    STOCK_LAW = "stock law"
    UNFOLLOWED = "unfollowed"
    UNDECIDED = "undecided"
    WITHDRAWN = "withdrawn"


HARMLESS = frozenset({Column.UNDECIDED, Column.WITHDRAWN})
"""Columns that are not wrong: an order that waits for a department, and one whose gateway has still to read that the
staff cancelled its ticket, or a line of it."""


_OF_STAFF = frozenset({Column.WITHDRAWN, Column.UNFOLLOWED})


class Finding(NamedTuple):
    """Something that is not as promised. `subject` is an order's id, or "department item"."""

    column: Column
    subject: str
    reason: str


class AcknowledgedLine(msgspec.Struct):
    """A line, as a client received it."""

    outcome: Outcome


class AcknowledgedOrder(msgspec.Struct):
    """A response about an order, as a client received it."""

    status: Status
    lines: list[AcknowledgedLine]


class Taken(NamedTuple):
    """How many of an item are held, sold and wasted."""

    held: int
    sold: int
    wasted: int


def check_order(
    order: Order, share: Mapping[str, Ticket | None], has_passed: Callable[[str, Ticket], bool]
) -> Iterator[Finding]:
    """Compare an order with its tickets; `share` has an entry for each of its departments that could be read.

    `has_passed` returns whether the gateway had followed a department's ticket to where it is, before the order was
    read.
    """
    if order.owed:
        goals = ", ".join(f"{department} {goal}" for department, goal in sorted(order.owed.items()))
        placed = datetime.fromtimestamp(order.created_at_ms / 1000, UTC).isoformat(timespec="seconds")
        yield Finding(Column.UNDECIDED, order.order_id, f"still owed: {goals}; placed {placed}")
        if order.policy is Policy.ALL_OR_NOTHING:
            return  # until the decision is acknowledged, its tickets may be in any state between held and settled
    half = order.policy is Policy.ALL_OR_NOTHING and _is_half(order, share)
    if half:
        states = ", ".join(f"{name} {_state(ticket)}" for name, ticket in share.items())
        yield Finding(Column.HALF, order.order_id, f"it is all or nothing and {order.status}, but: {states}")
    for department, lines in order.shares.items():
        if department in order.owed:
            continue
        if any(line.outcome is Outcome.PENDING for line in lines):
            yield Finding(Column.LOST, order.order_id, f"{department} is pending, and is not asked any more")
        elif department in share:
            ticket = share[department]
            is_passed = ticket is not None and has_passed(department, ticket)
            for column, reason in _compare(order.table or "", lines, ticket, is_passed=is_passed):
                if column in _OF_STAFF or not half:
                    yield Finding(column, order.order_id, f"{department}: {reason}")


def check_response(
    order: Order | None,
    order_id: str,
    response: AcknowledgedOrder,
    *,
    cancelled: bool,
    withdrawn: Collection[int] = (),
) -> Iterator[Finding]:
    """Compare an order with a response that its client received; `order` is None where the journal does not have it.

    `cancelled`: the client requested a cancel. `withdrawn`: the numbers of the lines that the staff cancelled.
    """
    if order is None:
        yield Finding(Column.LOST, order_id, f"it was acknowledged as {response.status}, and is not in the journal")
        return
    if order.owed or (response.status is Status.PENDING and order.policy is Policy.ALL_OR_NOTHING):
        return  # not decided yet; nothing is promised before the decision
    if len(response.lines) != len(order.lines):
        yield Finding(
            Column.LOST, order_id, f"{len(response.lines)} lines were acknowledged, it has {len(order.lines)}"
        )
        return
    for number, (then, now) in enumerate(zip(response.lines, order.lines, strict=True)):
        if then.outcome is now.outcome or then.outcome is Outcome.PENDING:
            continue
        reason = f"line {number} was acknowledged as {then.outcome}, and is {now.outcome}"
        may_be_cancelled = cancelled or number in withdrawn
        if then.outcome is Outcome.ACCEPTED and not (may_be_cancelled and now.outcome is Outcome.CANCELLED):
            yield Finding(Column.LOST, order_id, reason)
        elif now.outcome is Outcome.ACCEPTED and then.outcome not in (Outcome.EXPIRED, Outcome.REJECTED):
            # An earlier call may have placed what the gateway gave up; the department's ticket counts.
            yield Finding(Column.DOUBLED, order_id, reason)


def withdrawn_lines(order: Order, share: Mapping[str, Ticket | None]) -> set[int]:
    """Return the numbers of an order's lines that the staff cancelled, alone or with their ticket."""
    places = Counter[str]()
    found = set()
    for number, line in enumerate(order.lines):
        place, ticket = places[line.department], share.get(line.department)
        places[line.department] += 1
        if ticket is not None and (ticket.withdrawn or place in _cancelled_alone(ticket)):
            found.add(number)
    return found


def _cancelled_alone(ticket: Ticket) -> dict[int, str]:
    """Return the reasons of the single lines that the staff cancelled, by their places in the ticket."""
    return {each.line: each.reason for each in ticket.cancelled_lines}


def _is_half(order: Order, share: Mapping[str, Ticket | None]) -> bool:
    """Return whether a finished all-or-nothing order is made in part, or is still held at a department.

    What the staff cancelled, a ticket or a line of it, counts neither as made nor as missing.
    """
    if any(ticket is not None and ticket.state is TicketState.HELD for ticket in share.values()):
        return True
    withdrawn = {name for name, ticket in share.items() if ticket is not None and ticket.withdrawn}
    left_out = withdrawn_lines(order, share)
    outcomes = {line.outcome is Outcome.ACCEPTED for number, line in enumerate(order.lines) if number not in left_out}
    if len(outcomes) > 1:
        return True
    for department, ticket in share.items():
        if department in withdrawn:
            continue
        is_made = was_made = ticket is not None and ticket.state in TAKEN
        if any(line.outcome is Outcome.ACCEPTED for line in order.shares[department]):
            if not was_made:
                return True
        elif is_made:
            return True
    return False


def _compare(
    table: str, lines: Sequence[Line], ticket: Ticket | None, *, is_passed: bool
) -> Iterator[tuple[Column, str]]:
    """Compare a finished share with its ticket."""
    accepted = [line for line in lines if line.outcome is Outcome.ACCEPTED]
    if ticket is None or not ticket.lines:
        if accepted:
            yield Column.LOST, f"{_spell(accepted)} was accepted, and there is {_state(ticket)}"
        return
    if ticket.table != table:
        yield Column.LOST, f"the order is for table {table!r}, the ticket for {ticket.table!r}"
    asked, written = _wishes(lines), _wishes(ticket.lines)
    if asked != written:
        more = sum(line.quantity for line in ticket.lines) > sum(line.quantity for line in lines)
        yield Column.DOUBLED if more else Column.LOST, f"the order asks for {asked}, the ticket for {written}"
    elif ticket.state is TicketState.HELD:
        yield Column.LOST, "it is held, and no decision about it is owed"
    elif ticket.state is TicketState.CANCELLED:
        if accepted and ticket.withdrawn:
            column = Column.UNFOLLOWED if is_passed else Column.WITHDRAWN
            yield column, f"{_spell(accepted)} was accepted, and {_withdrawal(ticket)}"
        elif accepted:
            yield Column.LOST, f"{_spell(accepted)} was accepted, and the gateway has cancelled it"
    else:
        yield from _compare_lines(lines, ticket, is_passed=is_passed)


def check_ticket(department: str, ticket: Ticket, order: Order | None) -> Iterator[Finding]:
    """Find a ticket that no order asked for. A cancelled one whose order is gone is right: nothing is made of it."""
    if order is None and ticket.state is TicketState.CANCELLED:
        return
    if order is None or department not in order.shares:
        reason = f"{department} has a ticket, {ticket.state}, that no order in the journal asks for"
        yield Finding(Column.DOUBLED, ticket.order_id, reason)


def check_again(order_id: str, what: str) -> Finding:
    """Return the finding that what was archived is there again; a restored backup is from before it was archived."""
    return Finding(Column.DOUBLED, order_id, f"{what} again that was archived")


def check_item(
    subject: str, stock: Stock | None, on_record: Taken, received: int | None, *, all_read: bool
) -> Iterator[Finding]:
    """Prove the stock law for an item, and compare its stock with what its tickets and the staff have taken.

    `stock` is None where the department has none of it on record. `received`: what the staff's changes add up to, None
    for an item that has been unlimited. `all_read`: every ticket could be read; otherwise the stock may show more than
    the tickets.
    """
    if stock is None:
        yield Finding(Column.STOCK_LAW, subject, "there are tickets for it, and no stock")
        return
    figures = Taken(stock.held, stock.sold, stock.wasted)
    if stock.received != stock.on_hand + sum(figures) or min(stock.on_hand, *figures) < 0:
        yield Finding(Column.STOCK_LAW, subject, f"{stock}")
    if received not in (None, stock.received):
        yield Finding(Column.STOCK_LAW, subject, f"{stock.received} received; by the changes on record {received}")
    pairs = zip(figures, on_record, strict=True)
    if not all(figure == counted if all_read else figure >= counted for figure, counted in pairs):
        reason = "held {}, sold {}, wasted {}; by the tickets and waste on record {}, {}, {}"
        reason = reason.format(*figures, *on_record)
        yield Finding(Column.STOCK_LAW, subject, reason)


def _compare_lines(lines: Sequence[Line], ticket: Ticket, *, is_passed: bool) -> Iterator[tuple[Column, str]]:
    cancelled = _cancelled_alone(ticket)
    for place, (line, made) in enumerate(zip(lines, ticket.lines, strict=True)):
        is_made = ticket.state in TAKEN and made.outcome is tickets.Outcome.ACCEPTED
        if line.outcome is Outcome.ACCEPTED and place in cancelled:
            reason = f" ({cancelled[place]})" if cancelled[place] else ""
            column = Column.UNFOLLOWED if is_passed else Column.WITHDRAWN
            yield column, f"{_spell([line])} was accepted, and the staff cancelled it{reason}"
        elif line.outcome is Outcome.ACCEPTED and not is_made:
            yield Column.LOST, f"{_spell([line])} was accepted, and the ticket says {made.outcome}, {ticket.state}"
        elif line.outcome is not Outcome.ACCEPTED and is_made:
            yield Column.DOUBLED, f"{_spell([line])} is {line.outcome}, and is being made all the same"
        elif is_made and line.unit_price != made.unit_price:
            yield Column.LOST, f"{_spell([line])} was accepted at {line.unit_price}, the ticket says {made.unit_price}"
        elif is_made and line.expected_price not in (None, made.unit_price):
            reason = f"is being made at {made.unit_price}, and its client agreed to {line.expected_price} only"
            yield Column.DOUBLED, f"{_spell([line])} {reason}"


def _wishes(lines: "Sequence[Line] | Sequence[TicketLine]") -> list[tuple[object, ...]]:
    """Return what lines ask for."""
    return [(line.item, line.quantity, line.note, line.expected_price, line.allergy) for line in lines]


def _state(ticket: Ticket | None) -> str:
    if ticket is None:
        return "no ticket"
    return ticket.state.value if ticket.lines else "a tombstone"


def _withdrawal(ticket: Ticket) -> str:
    reason = f" ({ticket.cancel_reason})" if ticket.cancel_reason else ""
    return f"{ticket.moved_by or 'the staff'} cancelled it{reason}{', when it was started' if ticket.wasted else ''}"


def _spell(lines: Sequence[Line]) -> str:
    return ", ".join(f"{line.quantity} {line.item}" for line in lines)
