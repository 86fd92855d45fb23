"""The RPCs of DepartmentService, from the message to the database and back."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from structlog.testing import capture_logs

from departments import transactions
from departments.app import DepartmentApp
from departments.domain.placing import Placement
from departments.rpc.limits import Limits
from departments.transactions import TicketOrError
from generated.restaurant import v1
from infra.db.database import Database
from tests.departments.department_servers import in_memory, open_database, place_request, served
from tests.support.department_factories import BAR, new_id

ACCEPTED, OUT_OF_STOCK, NOT_ON_MENU = v1.Outcome.ACCEPTED, v1.Outcome.OUT_OF_STOCK, v1.Outcome.NOT_ON_MENU
NO_TICKET, HELD, QUEUED = v1.TicketState.UNSPECIFIED, v1.TicketState.HELD, v1.TicketState.QUEUED
PREPARING, CANCELLED = v1.TicketState.PREPARING, v1.TicketState.CANCELLED
UNKNOWN_STATE = 77


def verb(name: str) -> v1.Verb:
    return v1.Verb.from_string(name)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(BAR, tmp_path) as database:
        yield database


@pytest_asyncio.fixture
async def department(database: Database) -> DepartmentApp:
    department = DepartmentApp(BAR, database)
    await department.open()
    return department


@pytest_asyncio.fixture
async def stub(department: DepartmentApp) -> AsyncIterator[v1.DepartmentServiceStub]:
    async with in_memory(department) as channel:
        yield v1.DepartmentServiceStub(channel)


@pytest_asyncio.fixture
async def served_stub(department: DepartmentApp) -> AsyncIterator[v1.DepartmentServiceStub]:
    async with served(department, Limits(orders_per_batch=3, tickets_per_page=2)) as channel:
        yield v1.DepartmentServiceStub(channel)


def in_state(name: str) -> v1.TicketState:
    return v1.TicketState.from_string(name)


def step(order_id: str, name: str, expected: str, step_id: str = "", **more: Any) -> v1.MoveTicketRequest:
    """A request of the staff for a step; `step_id` is new unless it is given."""
    return v1.MoveTicketRequest(order_id, verb(name), in_state(expected), step_id or new_id(), **more)


async def figures(stub: v1.DepartmentServiceStub, item: str = "coffee") -> tuple[int, int, int, int]:
    menu = await stub.get_menu(v1.GetMenuRequest())
    (found,) = [each for each in menu.items if each.id == item]
    return found.received, found.on_hand, found.held, found.sold


async def test_the_menu_has_prices_titles_and_stock(stub: v1.DepartmentServiceStub) -> None:
    menu = await stub.get_menu(v1.GetMenuRequest())
    assert (menu.name, menu.titles) == ("bar", {"en": "Bar", "ko": "바", "es": "Bar"})
    assert [(item.id, item.titles["ko"], item.price, item.on_hand) for item in menu.items] == [
        ("coffee", "커피", 350, 10),
        ("soda", "소다", 300, 5),
        ("beer", "맥주", 550, 0),
    ]


async def test_the_menu_s_revision_grows_with_every_change(stub: v1.DepartmentServiceStub) -> None:
    before = (await stub.get_menu(v1.GetMenuRequest())).revision
    await stub.place_orders(place_request((new_id(), [("coffee", 1)])))
    assert (await stub.get_menu(v1.GetMenuRequest())).revision > before


async def test_the_response_to_a_batch_of_orders_is_in_columns(stub: v1.DepartmentServiceStub) -> None:
    batch = place_request(
        (new_id(), [("coffee", 2), ("soda", 9)]), (new_id(), [("beer", 1)]), (new_id(), [("tea", 1), ("soda", 5)])
    )
    for _ in range(2):  # sent again, it gets the same response
        placed = await stub.place_orders(batch)
        assert placed.states == [QUEUED, NO_TICKET, QUEUED]
        assert placed.line_counts == [2, 1, 2]
        assert placed.outcomes == [ACCEPTED, OUT_OF_STOCK, OUT_OF_STOCK, NOT_ON_MENU, ACCEPTED]
        assert placed.available == [0, 5, 0, 0, 0]
        assert placed.unit_prices == [350, 0, 0, 0, 300]
        assert await figures(stub) == (10, 8, 0, 2)


def numbered(number: int, batch: v1.PlaceOrdersRequest) -> v1.StreamOrdersRequest:
    """The same orders, as a stream's batch."""
    return v1.StreamOrdersRequest(
        number,
        batch.order_ids,
        batch.tables,
        batch.holds,
        batch.line_counts,
        batch.items,
        batch.quantities,
        batch.notes,
    )


async def test_the_responses_on_a_stream_have_the_numbers_of_their_batches(stub: v1.DepartmentServiceStub) -> None:
    known = place_request((new_id(), [("coffee", 2), ("beer", 1)]))
    first = await stub.place_orders(known)
    batches = [numbered(8, known), numbered(7, place_request((new_id(), [("soda", 5)]), hold=True))]
    responses = {response.number: response async for response in stub.stream_orders(batches)}
    assert responses.keys() == {7, 8}
    again, held = responses[8], responses[7]
    assert (again.states, again.line_counts, again.outcomes) == (first.states, first.line_counts, first.outcomes)
    assert (again.available, again.unit_prices) == (first.available, first.unit_prices)
    assert (held.status, held.states, held.outcomes) == (0, [HELD], [ACCEPTED])


async def test_an_invalid_batch_gets_a_status_and_the_stream_goes_on(
    served_stub: v1.DepartmentServiceStub,
) -> None:
    taken = new_id()
    await served_stub.place_orders(place_request((taken, [("coffee", 1)])))
    batches = [
        numbered(1, place_request((new_id(), [("coffee", 0)]))),
        numbered(2, place_request((taken, [("coffee", 2)]))),
        numbered(3, place_request((new_id(), [("coffee", 1)]))),
    ]
    responses = {response.number: response async for response in served_stub.stream_orders(batches)}
    statuses = {number: Status(response.status) for number, response in responses.items()}
    assert statuses == {1: Status.INVALID_ARGUMENT, 2: Status.ALREADY_EXISTS, 3: Status.OK}
    assert responses[1].message.startswith("quantities[0]: 0 is not allowed")
    assert responses[2].message.startswith(f"order {taken} is known here")
    assert await figures(served_stub) == (10, 8, 0, 2)


async def test_a_batch_that_cannot_be_written_is_unavailable_and_the_stream_goes_on(
    database: Database, served_stub: v1.DepartmentServiceStub
) -> None:
    batch = place_request((new_id(), [("coffee", 1)]))

    async def batches() -> AsyncIterator[v1.StreamOrdersRequest]:
        await break_writing(database)
        yield numbered(1, batch)
        await refused.wait()
        yield numbered(2, batch)

    refused = asyncio.Event()
    responses = []
    async for response in served_stub.stream_orders(batches()):
        responses.append((response.number, Status(response.status), response.message))
        refused.set()
    reason = "the database is out of order: attempt to write a readonly database"
    assert responses == [(1, Status.UNAVAILABLE, reason), (2, Status.OK, "")]


async def test_a_fault_in_a_batch_is_internal_and_its_reason_is_only_logged(
    department: DepartmentApp, served_stub: v1.DepartmentServiceStub
) -> None:
    async def fail(placements: Sequence[Placement]) -> list[TicketOrError]:
        raise ValueError("a secret")

    department.place = fail  # type: ignore[method-assign]  # nothing that can be asked leads to a fault
    with capture_logs() as logs:
        (response,) = [
            response
            async for response in served_stub.stream_orders([numbered(1, place_request((new_id(), [("soda", 1)])))])
        ]
    assert (Status(response.status), response.message) == (
        Status.INTERNAL,
        "a fault in this server; it has been logged",
    )
    assert [entry["event"] for entry in logs] == ["a batch failed"]


async def test_what_is_held_is_sold_when_confirmed(stub: v1.DepartmentServiceStub) -> None:
    order_id = new_id()
    assert (await stub.place_orders(place_request((order_id, [("coffee", 3)]), hold=True))).states == [HELD]
    assert await figures(stub) == (10, 7, 3, 0)
    for _ in range(2):
        batch = (await stub.confirm_orders(v1.ConfirmOrdersRequest([order_id], [1]))).tickets
        assert batch is not None
        assert (batch.states, batch.line_counts, batch.outcomes) == ([QUEUED], [1], [ACCEPTED])
        assert await figures(stub) == (10, 7, 0, 3)


async def test_what_is_queued_is_held_again_when_suspended_and_a_late_confirm_changes_nothing(
    stub: v1.DepartmentServiceStub,
) -> None:
    order_id, started = new_id(), new_id()
    await stub.place_orders(place_request((order_id, [("coffee", 3)]), (started, [("coffee", 1)])))
    await stub.move_ticket(step(started, "START", "QUEUED"))
    for _ in range(2):
        suspended = (await stub.suspend_orders(v1.SuspendOrdersRequest([order_id, started], [2, 2]))).tickets
        assert suspended is not None
        assert (suspended.states, suspended.line_counts) == ([HELD, PREPARING], [1, 1])
        assert await figures(stub) == (10, 6, 3, 1)
    for epoch, state, expected in ((1, HELD, (10, 6, 3, 1)), (3, QUEUED, (10, 6, 0, 4))):
        confirmed = (await stub.confirm_orders(v1.ConfirmOrdersRequest([order_id], [epoch]))).tickets
        assert confirmed is not None
        assert confirmed.states == [state]
        assert await figures(stub) == expected


async def test_what_is_held_goes_back_when_cancelled(stub: v1.DepartmentServiceStub) -> None:
    order_id, unknown = new_id(), new_id()
    await stub.place_orders(place_request((order_id, [("coffee", 3)]), hold=True))
    batch = (await stub.cancel_orders(v1.CancelOrdersRequest([order_id, unknown]))).tickets
    assert batch is not None
    assert (batch.states, batch.line_counts) == ([CANCELLED, CANCELLED], [1, 0])
    assert await figures(stub) == (10, 10, 0, 0)
    late = await stub.place_orders(place_request((unknown, [("coffee", 1)])))
    assert (late.states, late.line_counts, late.outcomes) == ([CANCELLED], [0], [])


async def test_a_late_copy_of_a_refused_cancel_is_told_by_its_epoch(stub: v1.DepartmentServiceStub) -> None:
    order_id = new_id()
    await stub.place_orders(place_request((order_id, [("coffee", 3)])))
    await stub.move_ticket(step(order_id, "START", "QUEUED"))
    states = []
    for epoch in (2, 2, 3):
        cancelled = (await stub.cancel_orders(v1.CancelOrdersRequest([order_id], [epoch]))).tickets
        assert cancelled is not None
        states += cancelled.states
        if states == [PREPARING]:
            await stub.move_ticket(step(order_id, "RECALL", "PREPARING"))
    assert states == [PREPARING, QUEUED, CANCELLED]


async def test_tickets_are_listed_by_revision_with_all_their_lines(stub: v1.DepartmentServiceStub) -> None:
    first, second = new_id(), new_id()
    await stub.place_orders(place_request((first, [("coffee", 1), ("tea", 1)]), (second, [("soda", 1)])))
    listed = await stub.list_tickets(v1.ListTicketsRequest())
    assert [ticket.order_id for ticket in listed.tickets] == [first, second]
    ticket = listed.tickets[0]
    assert (ticket.table, ticket.state) == ("7", QUEUED)
    assert [(line.item, line.quantity, line.outcome, line.unit_price) for line in ticket.lines] == [
        ("coffee", 1, ACCEPTED, 350),
        ("tea", 1, NOT_ON_MENU, 0),
    ]
    assert ticket.placed_at_ms > 1_700_000_000_000
    assert listed.revision >= listed.tickets[1].revision > ticket.revision
    assert (await stub.list_tickets(v1.ListTicketsRequest(after_revision=listed.revision))).tickets == []


async def test_tickets_are_listed_by_state_and_page(served_stub: v1.DepartmentServiceStub) -> None:
    ids = [new_id() for _ in range(5)]
    for order_id in ids:
        await served_stub.place_orders(place_request((order_id, [("coffee", 1)])))
    await served_stub.move_ticket(step(ids[0], "START", "QUEUED"))
    for limit, expected in ((0, 2), (1, 1), (500, 2)):  # a page holds two at most
        page = await served_stub.list_tickets(v1.ListTicketsRequest(limit=limit))
        assert [ticket.order_id for ticket in page.tickets] == ids[1 : 1 + expected]
    started = await served_stub.list_tickets(
        v1.ListTicketsRequest(states=[v1.TicketState.from_string("PREPARING"), v1.TicketState.from_string("SERVED")])
    )
    assert [ticket.order_id for ticket in started.tickets] == ids[:1]


async def test_tickets_are_read_by_pages_of_a_snapshot_and_then_by_changes_until_a_restore(
    database: Database, served_stub: v1.DepartmentServiceStub
) -> None:
    ids = [new_id() for _ in range(3)]
    for order_id in ids:
        await served_stub.place_orders(place_request((order_id, [("coffee", 1)])))
    incarnation = (await served_stub.get_menu(v1.GetMenuRequest())).incarnation
    first = await served_stub.list_tickets(v1.ListTicketsRequest())
    assert [ticket.order_id for ticket in first.tickets] == ids[:2]
    assert (first.incarnation, first.reset) == (incarnation, False)
    assert first.snapshot_revision > first.revision
    last = await served_stub.list_tickets(
        v1.ListTicketsRequest(first.revision, incarnation=incarnation, snapshot_revision=first.snapshot_revision)
    )
    assert [ticket.order_id for ticket in last.tickets] == ids[2:]
    assert (last.revision, last.snapshot_revision) == (first.snapshot_revision, 0)
    await served_stub.move_ticket(step(ids[0], "START", "QUEUED"))
    after = v1.ListTicketsRequest(last.revision, incarnation=incarnation)
    assert [ticket.order_id for ticket in (await served_stub.list_tickets(after)).tickets] == ids[:1]
    await database.write(transactions.renew_incarnations)
    anew = await served_stub.list_tickets(after)
    assert ([ticket.order_id for ticket in anew.tickets], anew.reset) == (ids[1:], True)
    assert anew.incarnation != incarnation


async def test_staff_move_a_ticket(stub: v1.DepartmentServiceStub) -> None:
    order_id = new_id()
    await stub.place_orders(place_request((order_id, [("coffee", 1)])))
    moved = (await stub.move_ticket(step(order_id, "START", "QUEUED", moved_by="Ana"))).ticket
    assert moved is not None
    assert (moved.order_id, moved.state, moved.moved_by) == (order_id, PREPARING, "Ana")
    assert moved.moved_at_ms >= moved.placed_at_ms
    recall = step(order_id, "RECALL", "PREPARING")
    back = (await stub.move_ticket(recall)).ticket
    assert back is not None
    assert back.state == QUEUED
    assert back.revision > moved.revision
    assert (await stub.move_ticket(recall)).ticket == back


async def test_what_the_staff_waste_is_on_the_menu_and_on_the_ticket(stub: v1.DepartmentServiceStub) -> None:
    order_id = new_id()
    await stub.place_orders(place_request((order_id, [("coffee", 2)])))
    await stub.move_ticket(step(order_id, "START", "QUEUED"))
    cancel = step(order_id, "CANCEL", "PREPARING", moved_by="Ana", reason="it fell down")
    wasted = (await stub.move_ticket(cancel)).ticket
    assert wasted is not None
    assert (wasted.state, wasted.wasted, wasted.cancel_reason) == (CANCELLED, True, "it fell down")
    coffee, *_ = (await stub.get_menu(v1.GetMenuRequest())).items
    assert (coffee.received, coffee.on_hand, coffee.held, coffee.sold, coffee.wasted) == (10, 8, 0, 0, 2)


async def test_an_order_in_other_letters_of_the_same_text_is_the_same_order(stub: v1.DepartmentServiceStub) -> None:
    order_id = new_id()
    for form in ("NFC", "NFD"):
        batch = place_request((order_id, [("coffee", 1)]))
        batch.notes, batch.tables = [unicodedata.normalize(form, "얼음 없이")], [unicodedata.normalize(form, "테라스")]
        assert (await stub.place_orders(batch)).outcomes == [ACCEPTED]
    (ticket,) = (await stub.list_tickets(v1.ListTicketsRequest())).tickets
    assert (ticket.table, ticket.lines[0].note) == ("테라스", "얼음 없이")
    assert await figures(stub) == (10, 9, 0, 1)


async def test_calls_at_once_share_transactions_and_each_gets_its_own_response(
    department: DepartmentApp, stub: v1.DepartmentServiceStub
) -> None:
    ids = [new_id() for _ in range(40)]
    before = (await department.stock_levels()).revision
    responses = await asyncio.gather(
        *(stub.place_orders(place_request((order_id, [("coffee", 1)]))) for order_id in ids)
    )
    outcomes = [int(outcome) for response in responses for outcome in response.outcomes]
    assert sorted(outcomes) == [ACCEPTED] * 10 + [OUT_OF_STOCK] * 30
    assert await figures(stub) == (10, 0, 0, 10)
    assert (await department.stock_levels()).revision == before + 40


# --- refusals, as a client of the program sees them ---


async def refusal(call: Any) -> GRPCError:
    with pytest.raises(GRPCError) as error:
        await call
    return error.value


async def test_an_order_id_with_other_lines_is_already_exists(served_stub: v1.DepartmentServiceStub) -> None:
    order_id = new_id()
    await served_stub.place_orders(place_request((order_id, [("coffee", 1)])))
    error = await refusal(served_stub.place_orders(place_request((order_id, [("coffee", 2)]))))
    assert error.status is Status.ALREADY_EXISTS
    assert error.details == [ErrorInfo(reason="OrderIdTaken", domain="comanda", metadata={"order_id": order_id})]
    assert await figures(served_stub) == (10, 9, 0, 1)


async def test_an_unknown_order_is_not_found(served_stub: v1.DepartmentServiceStub) -> None:
    order_id = new_id()
    error = await refusal(served_stub.move_ticket(step(order_id, "START", "QUEUED")))
    assert (error.status, error.message) == (Status.NOT_FOUND, f"order {order_id} is not known here")


async def test_a_step_that_is_not_allowed_is_failed_precondition(served_stub: v1.DepartmentServiceStub) -> None:
    order_id = new_id()
    await served_stub.place_orders(place_request((order_id, [("coffee", 1)])))
    error = await refusal(served_stub.move_ticket(step(order_id, "SERVE", "QUEUED")))
    assert error.status is Status.FAILED_PRECONDITION
    assert (
        error.message == f"ticket {order_id} is queued: serve is not allowed, expected start or cancel or cancel_line"
    )


async def test_a_step_from_a_state_that_the_ticket_has_left_names_who_moved_it(
    served_stub: v1.DepartmentServiceStub,
) -> None:
    order_id = new_id()
    await served_stub.place_orders(place_request((order_id, [("coffee", 1)])))
    moved = (await served_stub.move_ticket(step(order_id, "START", "QUEUED", moved_by="Ana"))).ticket
    assert moved is not None
    error = await refusal(served_stub.move_ticket(step(order_id, "START", "QUEUED", moved_by="Bo")))
    assert error.status is Status.FAILED_PRECONDITION
    info, failure = error.details
    assert (info.reason, dict(info.metadata)) == (
        "StepConflict",
        {
            "order_id": order_id,
            "state": "preparing",
            "expected_state": "queued",
            "moved_by": "Ana",
            "moved_at_ms": str(moved.moved_at_ms),
        },
    )
    assert isinstance(failure, PreconditionFailure)
    assert [(each.type, each.subject) for each in failure.violations] == [("TICKET_STATE", f"tickets/{order_id}")]


async def test_a_ticket_with_unknown_values_fails_its_own_batch_only(
    database: Database, served_stub: v1.DepartmentServiceStub
) -> None:
    strange, other = place_request((new_id(), [("coffee", 1)])), place_request((new_id(), [("coffee", 1)]))
    await served_stub.place_orders(strange)
    await database.write(lambda connection: connection.exec_driver_sql("UPDATE tickets SET state = 'plated'").rowcount)
    with capture_logs() as logs:
        responses = {
            response.number: Status(response.status)
            async for response in served_stub.stream_orders([numbered(1, strange), numbered(2, other)])
        }
        assert (await refusal(served_stub.place_orders(strange))).status is Status.RESOURCE_EXHAUSTED
        listed = await served_stub.list_tickets(v1.ListTicketsRequest())
    assert responses == {1: Status.RESOURCE_EXHAUSTED, 2: Status.OK}
    assert [ticket.order_id for ticket in listed.tickets] == other.order_ids
    logged = [(entry["order_id"], entry["unreadable"]) for entry in logs if "cannot be read" in entry["event"]]
    assert logged == [(strange.order_ids[0], 1)]  # once, however often it is met


@pytest.mark.parametrize(
    ("rpc", "request_", "field"),
    [
        ("place_orders", v1.PlaceOrdersRequest(), "order_ids"),
        ("place_orders", place_request(*((new_id(), [("coffee", 1)]) for _ in range(4))), "order_ids"),
        ("place_orders", place_request((new_id(), [("coffee", 0)])), "quantities[0]"),
        ("place_orders", place_request((new_id(), [])), "line_counts[0]"),
        ("confirm_orders", v1.ConfirmOrdersRequest(), "order_ids"),
        ("confirm_orders", v1.ConfirmOrdersRequest([new_id(), "66"], [1, 1]), "order_ids[1]"),
        ("confirm_orders", v1.ConfirmOrdersRequest([new_id()]), "epochs"),
        ("confirm_orders", v1.ConfirmOrdersRequest([new_id()], [2**63]), "epochs[0]"),
        ("suspend_orders", v1.SuspendOrdersRequest(), "order_ids"),
        ("suspend_orders", v1.SuspendOrdersRequest([new_id()], [1, 2]), "epochs"),
        ("suspend_orders", v1.SuspendOrdersRequest([new_id(), new_id()], [1, 2**64 - 1]), "epochs[1]"),
        ("cancel_orders", v1.CancelOrdersRequest(["66"]), "order_ids[0]"),
        ("cancel_orders", v1.CancelOrdersRequest([new_id()] * 4), "order_ids"),
        ("cancel_orders", v1.CancelOrdersRequest([new_id()], [1, 2]), "epochs"),
        ("cancel_orders", v1.CancelOrdersRequest([new_id()], [2**63 - 1]), "epochs[0]"),
        ("list_tickets", v1.ListTicketsRequest(after_revision=2**64 - 1), "after_revision"),
        ("list_tickets", v1.ListTicketsRequest().parse(bytes([0x12, 1, UNKNOWN_STATE])), "states[0]"),
        (
            "list_tickets",
            v1.ListTicketsRequest(after_revision=1, states=[v1.TicketState.from_string("HELD")]),
            "states",
        ),
        ("list_tickets", v1.ListTicketsRequest(after_revision=2, snapshot_revision=1), "snapshot_revision"),
        ("move_ticket", step("a\0b", "START", "QUEUED"), "order_id"),
        ("move_ticket", v1.MoveTicketRequest(new_id()), "verb"),
        ("move_ticket", v1.MoveTicketRequest(new_id(), verb("START"), step_id="a"), "expected_state"),
        ("move_ticket", v1.MoveTicketRequest(new_id(), verb("START"), in_state("QUEUED")), "step_id"),
        ("move_ticket", step(new_id(), "START", "QUEUED", reason="why"), "reason"),
        ("move_ticket", step(new_id(), "CANCEL", "QUEUED", reason="r" * 201), "reason"),
        ("move_ticket", step(new_id(), "START", "QUEUED", moved_by="A" * 65), "moved_by"),
    ],
)
async def test_an_invalid_request_is_invalid_argument_and_names_the_field(
    served_stub: v1.DepartmentServiceStub, rpc: str, request_: Any, field: str
) -> None:
    error = await refusal(getattr(served_stub, rpc)(request_))
    assert error.status is Status.INVALID_ARGUMENT
    (details,) = error.details
    assert isinstance(details, BadRequest)
    assert [violation.field for violation in details.field_violations] == [field]
    assert (await served_stub.list_tickets(v1.ListTicketsRequest())).tickets == []


async def break_writing(database: Database) -> None:
    """Make the next write fail, as a disk that is read-only would."""
    await database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))


async def test_a_database_that_cannot_be_written_is_unavailable_and_nothing_is_lost(
    database: Database, served_stub: v1.DepartmentServiceStub
) -> None:
    batch = place_request((new_id(), [("coffee", 1)]))
    await break_writing(database)
    error = await refusal(served_stub.place_orders(batch))
    assert error.status is Status.UNAVAILABLE
    assert error.message == "the database is out of order: attempt to write a readonly database"
    assert [type(detail) for detail in error.details] == [RetryInfo]
    assert (await served_stub.place_orders(batch)).outcomes == [ACCEPTED]
    assert await figures(served_stub) == (10, 9, 0, 1)


async def test_a_department_knows_whether_its_database_can_be_written(
    department: DepartmentApp, database: Database
) -> None:
    assert await department.is_writable()
    await break_writing(database)
    assert not await department.is_writable()
    assert await department.is_writable()


async def test_a_failing_transaction_fails_the_calls_of_its_batch_only(
    database: Database, stub: v1.DepartmentServiceStub
) -> None:
    await break_writing(database)
    calls = [stub.place_orders(place_request((new_id(), [("soda", 1)]))) for _ in range(2)]
    responses = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(response, Exception) for response in responses)
    assert (await stub.place_orders(place_request((new_id(), [("soda", 1)])))).outcomes == [ACCEPTED]
