"""Bugs of the cancel of one line: at the department, and in the order that follows it."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from departments import archiving, staff_transactions, step_tables
from departments.archiving import Sums
from departments.domain.steps import Step
from departments.domain.tickets import Ticket, TicketLine, TicketState, Verb
from departments.rpc import convert_changes
from gateway.domain.lines import Outcome
from gateway.domain.order import Order
from gateway.domain.tickets import Position
from gateway.orders import ticket_states
from gateway.orders.ticket_states import Unsettled, Withdrawal
from generated.restaurant import v1
from tests.simulation.seams import and_with_it, plant


@plant("a-cancelled-line-is-not-put-back", staff_transactions, "_take_out_of_sold", "watched")
def take_whole_tickets_out(
    original: Callable[..., None], connection: sa.Connection, lines: Sequence[TicketLine], step: Step
) -> None:
    """A line that is cancelled before its ticket is started stays sold."""
    if not step.cancels_line or step.wastes:
        original(connection, lines, step)


@plant("a-line-cancelled-while-preparing-is-put-back", staff_transactions, "_take_out_of_sold", "archived")
def put_wasted_lines_back(
    original: Callable[..., None], connection: sa.Connection, lines: Sequence[TicketLine], step: Step
) -> None:
    """A line that is cancelled while its ticket is prepared is on hand again."""
    original(connection, lines, replace(step, before=TicketState.QUEUED) if step.cancels_line else step)


@plant("a-repeated-cancel-of-a-line-is-taken-again", step_tables, "read_step", "watched")
def read_no_cancel_of_a_line(
    original: Callable[..., Step | None], connection: sa.Connection, order_id: str, step_id: str
) -> Step | None:
    """The cancel of a line that the staff send again is taken again."""
    step = original(connection, order_id, step_id)
    return None if step is not None and step.verb is Verb.CANCEL_LINE else step


@and_with_it("a-repeated-cancel-of-a-line-is-taken-again", step_tables, "record_step")
def record_under_another_id(
    original: Callable[..., None], connection: sa.Connection, ticket: Ticket, step: Step
) -> None:
    """The second record gets an id of its own."""
    query = sa.text("SELECT 1 FROM steps WHERE order_id = :order_id AND step_id = :step_id")
    known = connection.execute(query, {"order_id": step.order_id, "step_id": step.step_id}).one_or_none()
    original(connection, ticket, step if known is None else replace(step, step_id=uuid.uuid4().hex))


@and_with_it("a-repeated-cancel-of-a-line-is-taken-again", Ticket, "is_last_accepted")
def is_last_whatever_it_is(original: object, self: Ticket, line: int) -> bool:
    """A line that is cancelled already can be cancelled."""
    return self.accepted() == [self._line(line)]


@plant("a-line-that-was-refused-is-cancelled", Ticket, "is_last_accepted", "hard")
def is_last_of_all_lines(original: object, self: Ticket, line: int) -> bool:
    """A line that took nothing from the stock is put back when it is cancelled."""
    return self.accepted() == [self._line(line)]


@plant("a-ticket-without-lines-stays-open", Ticket, "is_last_accepted", "watched")
def is_never_the_last(original: Callable[..., bool], self: Ticket, line: int) -> bool:
    """A ticket stays open when its last line is cancelled."""
    original(self, line)
    return False


@plant("a-cancelled-line-does-not-reach-the-order", Order, "withdraw_lines", "watched")
def withdraw_no_lines(original: object, self: Order, department: str, staff_reasons: Mapping[int, str]) -> bool:
    """An order says for ever that a line that the staff have cancelled will be made."""
    return department not in self.owed


@plant("a-cancelled-line-ends-the-departments-share", Order, "withdraw_lines", "watched")
def withdraw_the_share(
    original: Callable[..., bool], self: Order, department: str, staff_reasons: Mapping[int, str]
) -> bool:
    """With one line, an order cancels what else the department makes."""
    return original(self, department, dict.fromkeys(range(len(self.shares[department])), ""))


@plant("cancelled-lines-that-a-crash-left-are-forgotten", ticket_states, "read_start", "archived", 19)
def read_whole_withdrawals(
    original: Callable[..., tuple[dict[str, Position], list[Withdrawal]]], connection: sa.Connection
) -> tuple[dict[str, Position], list[Withdrawal]]:
    """A gateway that starts never records the cancels of single lines that it had followed before."""
    positions, unsettled = original(connection)
    query = "SELECT order_id, department FROM ticket_states WHERE withdrawn = 0 AND cancelled_lines <> ''"
    lines = {(order_id, department) for order_id, department in connection.execute(sa.text(query))}
    return positions, [each for each in unsettled if each not in lines]


@plant("a-line-that-is-cancelled-meanwhile-counts-as-recorded", ticket_states, "settle", "archived", 11)
def settle_whatever_there_is(
    original: Callable[..., bool], connection: sa.Connection, withdrawal: Withdrawal, found: Unsettled
) -> bool:
    """A second line that is cancelled while the first is recorded counts as recorded with it."""
    now = ticket_states.read_unsettled(connection, withdrawal)
    return original(connection, withdrawal, found if now is None else now)


@plant("cancelled-lines-not-shown", convert_changes, "changed_tickets", "watched")
def changed_tickets_without_cancelled_lines(
    original: Callable[..., v1.ChangedTickets], tickets: Sequence[Ticket]
) -> v1.ChangedTickets:
    """A watcher does not learn why a line was cancelled."""
    message = original(tickets)
    message.cancelled_lines, message.line_cancel_reasons = [], []
    return message


@plant("a-restored-department-is-not-asked-about-a-line", Order, "ask_again", "restored", 2)
def ask_nothing(original: object, self: Order, department: str, cancelled: Collection[int]) -> bool:
    """An order shows a line as cancelled that the restored department makes."""
    shown = [place for place, line in enumerate(self.shares[department]) if line.outcome is Outcome.CANCELLED]
    return department not in self.owed and not set(shown) <= set(cancelled)


@plant("wasted-lines-not-kept-of-archived-tickets", archiving, "sums_of", "archived")
def sums_of_whole_tickets(original: Callable[..., Sums], closed: Sequence[Ticket]) -> Sums:
    """What was wasted of an archived ticket's lines is forgotten."""
    sums = original(closed)
    for ticket in closed:
        for line in ticket.wasted_lines():
            sums.wasted[line.item] -= line.quantity
    return sums


@plant("the-cancel-of-a-line-counts-as-a-start", Ticket, "step", "echo")
def step_and_start_again(original: Callable[..., None], self: Ticket, verb: Verb, at_ms: int) -> None:
    """A ticket of which a line is cancelled while it is prepared was started then."""
    original(self, verb, at_ms)
    if verb is Verb.CANCEL_LINE and self.state is TicketState.PREPARING:
        self.started_at_ms = at_ms
