import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from departments.domain.errors import InvalidRequest, OrderIdTaken, OrderNotFound
from departments.domain.placing import Placement, RequestedLine
from departments.domain.positions import Position, TicketPage
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.text import compose
from departments.domain.tickets import (
    NOT_FOR_STAFF,
    Decision,
    Outcome,
    Ticket,
    TicketLine,
    TicketSource,
    TicketState,
    Verb,
)
from departments.rpc import convert, convert_staff
from departments.rpc.limits import Limits
from departments.transactions import StockLevels
from generated.restaurant import v1
from tests.support.department_factories import BAR, full_stock, new_id

LIMITS = Limits(
    lines_per_order=3, quantity=10, price=500, note_length=5, table_length=4, item_length=6, orders_per_batch=4
)
FIRST, SECOND = "0197a7a6-0000-7000-8000-000000000001", "0197a7a6-0000-7000-8000-000000000002"

texts = (
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
    .map(compose)
    .map(lambda text: text[:5])
)
placements = st.builds(
    Placement,
    st.uuids().map(str),
    st.lists(
        st.builds(
            RequestedLine,
            texts.filter(bool),
            st.integers(1, 10),
            texts,
            st.none() | st.integers(0, 500),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    texts.map(lambda text: text[:4]),
    st.booleans(),
    number=st.integers(0, 999_999_999),
)


def request(**changes: Any) -> v1.PlaceOrdersRequest:
    """Two orders, of one line and of two, with some columns changed."""
    columns: dict[str, Any] = {
        "order_ids": [FIRST, SECOND],
        "tables": ["7", ""],
        "holds": [False, True],
        "line_counts": [1, 2],
        "items": ["coffee", "soda", "tea"],
        "quantities": [1, 2, 10],
        "notes": ["", "hot", "12345"],
    }
    return v1.PlaceOrdersRequest(**columns | changes)


def in_columns(orders: list[Placement]) -> v1.PlaceOrdersRequest:
    lines = [line for order in orders for line in order.lines]
    return v1.PlaceOrdersRequest(
        order_ids=[order.order_id for order in orders],
        tables=[order.table for order in orders],
        holds=[order.hold for order in orders],
        line_counts=[len(order.lines) for order in orders],
        items=[line.item for line in lines],
        quantities=[line.quantity for line in lines],
        notes=[line.note for line in lines],
        expected_prices=[-1 if line.expected_price is None else line.expected_price for line in lines],
        allergies=[line.allergy for line in lines],
        numbers=[order.number for order in orders],
    )


def step(**changes: Any) -> v1.MoveTicketRequest:
    """A request of the staff for a step, with some fields changed."""
    fields: dict[str, Any] = {
        "order_id": FIRST,
        "verb": verb_named("START"),
        "expected_state": state_named(TicketState.QUEUED),
        "step_id": "step 1",
    }
    return v1.MoveTicketRequest(**fields | changes)


def verb_named(verb: str) -> v1.Verb:
    return v1.Verb.from_string(verb)


def state_named(state: TicketState) -> v1.TicketState:
    return v1.TicketState.from_string(state.name)


def test_columns_become_orders() -> None:
    assert convert.placements(request(), LIMITS) == [
        Placement(FIRST, [RequestedLine("coffee", 1)], "7", False),
        Placement(SECOND, [RequestedLine("soda", 2, "hot"), RequestedLine("tea", 10, "12345")], "", True),
    ]


def test_a_line_states_the_price_that_its_client_saw_or_none() -> None:
    first, second = convert.placements(request(expected_prices=[-1, 0, 500]), LIMITS)
    assert [line.expected_price for line in [*first.lines, *second.lines]] == [None, 0, 500]


def test_allergies_and_numbers_are_read_where_their_columns_are_there() -> None:
    first, second = convert.placements(request(allergies=[False, True, False], numbers=[117, 0]), LIMITS)
    assert [line.allergy for line in [*first.lines, *second.lines]] == [False, True, False]
    assert [line.expected_price for line in [*first.lines, *second.lines]] == [None] * 3
    assert (first.number, second.number) == (117, 0)


@given(st.lists(placements, min_size=1, max_size=4))
def test_orders_are_the_same_after_encoding_and_decoding(orders: list[Placement]) -> None:
    sent = v1.PlaceOrdersRequest().parse(bytes(in_columns(orders)))
    assert convert.placements(sent, LIMITS) == orders


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"tables": ["7"]}, "tables", "there are 1, but 2 order_ids; the columns must be of equal length"),
        ({"tables": []}, "tables", "there are 0, but 2 order_ids; the columns must be of equal length"),
        ({"holds": [True] * 3}, "holds", "there are 3, but 2 order_ids; the columns must be of equal length"),
        ({"line_counts": [3]}, "line_counts", "there are 1, but 2 order_ids; the columns must be of equal length"),
        ({"quantities": [1, 2]}, "quantities", "there are 2, but 3 items; the columns must be of equal length"),
        ({"notes": [""] * 4}, "notes", "there are 4, but 3 items; the columns must be of equal length"),
        ({"expected_prices": [1]}, "expected_prices", "there are 1, but 3 items; the columns must be of equal length"),
        (
            {"expected_prices": [-1, -2, -1]},
            "expected_prices[1]",
            "-2 is not allowed: 0 to 500 is allowed, or -1 for none",
        ),
        (
            {"expected_prices": [501, 0, 0]},
            "expected_prices[0]",
            "501 is not allowed: 0 to 500 is allowed, or -1 for none",
        ),
        ({"allergies": [True]}, "allergies", "there are 1, but 3 items; the columns must be of equal length"),
        ({"numbers": [1]}, "numbers", "there are 1, but 2 order_ids; the columns must be of equal length"),
        ({"numbers": [1, 10**9]}, "numbers[1]", "1000000000 is not allowed: at most 999999999 is"),
        ({"items": ["tea"]}, "quantities", "there are 3, but 1 items; the columns must be of equal length"),
        ({"line_counts": [1, 1]}, "line_counts", "they add up to 2, but there are 3 items"),
        ({"line_counts": [2**32 - 1, 3]}, "line_counts", "they add up to 4294967298, but there are 3 items"),
        ({"line_counts": [0, 3]}, "line_counts[0]", "0 is not allowed: 1 to 3 is allowed"),
        ({"line_counts": [3, 0]}, "line_counts[1]", "0 is not allowed: 1 to 3 is allowed"),
        ({"order_ids": ["", SECOND]}, "order_ids[0]", "'' is not allowed: a UUID in lower case is expected"),
        (
            {"order_ids": [FIRST, SECOND.upper()]},
            "order_ids[1]",
            f"'{SECOND.upper()}' is not allowed: a UUID in lower case is expected",
        ),
        ({"quantities": [1, 0, 1]}, "quantities[1]", "0 is not allowed: 1 to 10 is allowed"),
        ({"quantities": [11, 1, 1]}, "quantities[0]", "11 is not allowed: 1 to 10 is allowed"),
        ({"quantities": [1, 1, 2**32 - 1]}, "quantities[2]", "4294967295 is not allowed: 1 to 10 is allowed"),
        ({"tables": ["", "12345"]}, "tables[1]", "'12345' is not allowed: 0 to 4 characters are allowed"),
        ({"tables": ["a\0b", ""]}, "tables[0]", r"'a\x00b' is not allowed: a NUL character is not"),
        ({"items": ["tea", "", "tea"]}, "items[1]", "'' is not allowed: 1 to 6 characters are allowed"),
        ({"items": ["1234567", "", ""]}, "items[0]", "'1234567' is not allowed: 1 to 6 characters are allowed"),
        ({"items": ["tea", "tea", "\0"]}, "items[2]", r"'\x00' is not allowed: a NUL character is not"),
        ({"notes": ["", "", "123456"]}, "notes[2]", "'123456' is not allowed: 0 to 5 characters are allowed"),
        ({"notes": ["", "\0", ""]}, "notes[1]", r"'\x00' is not allowed: a NUL character is not"),
    ],
)
def test_an_invalid_batch_is_refused_by_field_and_place(changes: dict[str, list[Any]], field: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        convert.placements(request(**changes), LIMITS)
    assert (refusal.value.field, refusal.value.description) == (field, reason)


@pytest.mark.parametrize(
    "text",
    [
        "0197a7a6000070008000000000000001",
        "{0197a7a6-0000-7000-8000-000000000001}",
        "urn:uuid:0197a7a6-0000-7000-8000-000000000001",
        "0197a7a6-0000-7000-8000-00000000000g",
        " 0197a7a6-0000-7000-8000-000000000001",
        "0197a7a6-0000-7000-8000-000000000001\n",
        "0197a7a6-0000-7000-8000-000000000001\0",
        "\u0660197a7a6-0000-7000-8000-000000000001",  # a zero of another script
        "order 66",
    ],
)
def test_an_id_that_is_no_canonical_uuid_is_refused_everywhere(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^order_ids\[1\]: .*a UUID in lower case is expected$"):
        convert.placements(request(order_ids=[FIRST, text]), LIMITS)
    with pytest.raises(InvalidRequest, match=r"^order_ids\[1\]: .*a UUID in lower case is expected$"):
        convert.order_ids([FIRST, text], LIMITS)
    with pytest.raises(InvalidRequest, match=r"^order_ids\[1\]: .*a UUID in lower case is expected$"):
        convert.decisions(v1.ConfirmOrdersRequest([FIRST, text], [1, 1]), LIMITS)
    with pytest.raises(InvalidRequest, match=r"^order_id: .*a UUID in lower case is expected$"):
        convert_staff.move(step(order_id=text), LIMITS)


def test_a_long_value_is_quoted_in_part() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        convert.placements(request(notes=["", "", "x" * 100_000]), LIMITS)
    assert refusal.value.description == f"'{'x' * 56}... is not allowed: 0 to 5 characters are allowed"


def test_an_empty_batch_is_refused() -> None:
    for read in (
        lambda: convert.placements(v1.PlaceOrdersRequest(), LIMITS),
        lambda: convert.order_ids([], LIMITS),
        lambda: convert.decisions(v1.SuspendOrdersRequest(), LIMITS),
    ):
        with pytest.raises(InvalidRequest, match=r"^order_ids: there are 0; 1 to 4 are allowed$"):
            read()


def test_a_batch_of_too_many_orders_is_refused() -> None:
    ids = [new_id() for _ in range(5)]
    columns: dict[str, list[Any]] = {"tables": [""] * 5, "holds": [False] * 5, "line_counts": [1] * 5}
    lines: dict[str, list[Any]] = {"items": ["tea"] * 5, "quantities": [1] * 5, "notes": [""] * 5}
    for read in (
        lambda: convert.placements(request(order_ids=ids, **columns, **lines), LIMITS),
        lambda: convert.order_ids(ids, LIMITS),
        lambda: convert.decisions(v1.SuspendOrdersRequest(ids, [1] * 5), LIMITS),
    ):
        with pytest.raises(InvalidRequest, match=r"^order_ids: there are 5; 1 to 4 are allowed$"):
            read()


def test_a_batch_of_as_many_orders_as_allowed_is_read() -> None:
    ids = [new_id() for _ in range(4)]
    assert convert.order_ids(ids, LIMITS) == ids


@pytest.mark.parametrize("kind", [v1.ConfirmOrdersRequest, v1.SuspendOrdersRequest])
def test_columns_become_decisions(kind: Any) -> None:
    sent = kind().parse(bytes(kind([FIRST, SECOND, FIRST], [0, 2**63 - 1, 7])))
    assert convert.decisions(sent, LIMITS) == [Decision(FIRST, 0), Decision(SECOND, 2**63 - 1), Decision(FIRST, 7)]


@pytest.mark.parametrize("kind", [v1.ConfirmOrdersRequest, v1.SuspendOrdersRequest])
@pytest.mark.parametrize(
    ("epochs", "field", "reason"),
    [
        ([], "epochs", "there are 0, but 2 order_ids; the columns must be of equal length"),
        ([1, 2, 3], "epochs", "there are 3, but 2 order_ids; the columns must be of equal length"),
        ([1, 2**63], "epochs[1]", f"{2**63} is not allowed: at most {2**63 - 1} is"),
        ([2**64 - 1, 1], "epochs[0]", f"{2**64 - 1} is not allowed: at most {2**63 - 1} is"),
    ],
)
def test_invalid_decisions_are_refused_by_field_and_place(
    kind: Any, epochs: list[int], field: str, reason: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        convert.decisions(kind([FIRST, SECOND], epochs), LIMITS)
    assert (refusal.value.field, refusal.value.description) == (field, reason)


def test_an_order_of_too_many_lines_is_refused() -> None:
    lines: dict[str, list[Any]] = {"items": ["tea"] * 5, "quantities": [1] * 5, "notes": [""] * 5}
    with pytest.raises(InvalidRequest, match=r"^line_counts\[1\]: 4 is not allowed: 1 to 3 is allowed$"):
        convert.placements(request(line_counts=[1, 4], **lines), LIMITS)


# --- responses ---


def tickets() -> list[Ticket]:
    lines = [
        TicketLine("coffee", 2, "hot", Outcome.ACCEPTED, unit_price=350),
        TicketLine("soda", 9, "", Outcome.OUT_OF_STOCK, available=5),
        TicketLine("tea", 1, "", Outcome.NOT_ON_MENU),
    ]
    return [
        Ticket(FIRST, "7", TicketState.HELD, lines, 1234, 5),
        Ticket(SECOND, "", TicketState.CANCELLED, [], 1235, 6),
        Ticket(new_id(), "", TicketState.NONE, lines[2:], 1236, 7),
    ]


COLUMNS = {
    "states": [v1.TicketState.HELD, v1.TicketState.CANCELLED, v1.TicketState.UNSPECIFIED],
    "line_counts": [3, 0, 1],
    "outcomes": [v1.Outcome.ACCEPTED, v1.Outcome.OUT_OF_STOCK, v1.Outcome.NOT_ON_MENU, v1.Outcome.NOT_ON_MENU],
    "available": [0, 5, 0, 0],
    "unit_prices": [350, 0, 0, 0],
}


def test_tickets_become_columns() -> None:
    placed, batch = convert.place_response(tickets()), convert.ticket_batch(tickets())
    for name, column in COLUMNS.items():
        assert getattr(placed, name) == column
        assert getattr(batch, name) == column


def test_columns_are_the_same_after_encoding_and_decoding() -> None:
    placed = v1.PlaceOrdersResponse().parse(bytes(convert.place_response(tickets())))
    batch = v1.TicketBatch().parse(bytes(convert.ticket_batch(tickets())))
    for name, column in COLUMNS.items():
        assert list(getattr(placed, name)) == column
        assert list(getattr(batch, name)) == column


def test_a_result_that_is_an_error_is_raised_for_its_batch() -> None:
    for error in (OrderIdTaken(FIRST), OrderNotFound(FIRST)):
        for write in (convert.place_response, convert.ticket_batch):
            with pytest.raises(type(error), match=FIRST):
                write([tickets()[0], error, tickets()[1]])


def test_a_ticket_is_written_whole_for_the_staff() -> None:
    written = v1.Ticket().parse(bytes(convert.ticket_message(tickets()[0])))
    assert written == v1.Ticket(
        order_id=FIRST,
        table="7",
        state=v1.TicketState.from_string("HELD"),
        lines=[
            v1.TicketLine("coffee", 2, "hot", v1.Outcome.from_string("ACCEPTED"), 350),
            v1.TicketLine("soda", 9, "", v1.Outcome.from_string("OUT_OF_STOCK"), 0),
            v1.TicketLine("tea", 1, "", v1.Outcome.from_string("NOT_ON_MENU"), 0),
        ],
        placed_at_ms=1234,
        revision=5,
        source=v1.TicketSource.from_string("GATEWAY"),
    )


def test_a_ticket_has_who_cancelled_it_when_and_why_and_that_it_is_wasted() -> None:
    own = Ticket(
        FIRST,
        "7",
        TicketState.CANCELLED,
        [],
        1234,
        5,
        source=TicketSource.COUNTER,
        moved_by="Ana",
        moved_at_ms=99,
        cancel_reason="it fell down",
        withdrawn=True,
        wasted=True,
    )
    written = v1.Ticket().parse(bytes(convert.ticket_message(own)))
    assert (written.source.name, written.moved_by, written.moved_at_ms) == ("COUNTER", "Ana", 99)
    assert (written.cancel_reason, written.wasted) == ("it fell down", True)


def test_a_ticket_has_the_times_of_its_steps() -> None:
    own = Ticket(FIRST, "", TicketState.CANCELLED, [], 1, 5)
    own.started_at_ms, own.ready_at_ms, own.served_at_ms, own.cancelled_at_ms = 2, 3, 4, 5
    written = v1.Ticket().parse(bytes(convert.ticket_message(own)))
    assert (written.started_at_ms, written.ready_at_ms, written.served_at_ms, written.cancelled_at_ms) == (2, 3, 4, 5)


def test_a_page_is_written_with_its_position() -> None:
    written = v1.ListTicketsResponse().parse(
        bytes(convert.list_response(TicketPage(tickets()[:1], 5, "name", True, 9)))
    )
    assert [ticket.order_id for ticket in written.tickets] == [FIRST]
    assert (written.revision, written.incarnation, written.reset, written.snapshot_revision) == (5, "name", True, 9)


def test_a_menu_is_written_with_its_stock_in_the_menus_order() -> None:
    stock = full_stock() | {"coffee": Stock("coffee", 10, 2, 1, 5, 2), "old": Stock("old", 1, 1, 0, 0)}
    written = v1.GetMenuResponse().parse(bytes(convert.menu_response(BAR, StockLevels(stock, 42, "name"))))
    assert (written.name, written.titles, written.revision) == ("bar", {"en": "Bar", "ko": "바", "es": "Bar"}, 42)
    assert written.incarnation == "name"
    assert [item.id for item in written.items] == ["coffee", "soda", "beer"]
    assert (written.late_seconds, written.very_late_seconds) == (300, 600)
    kind: dict[str, Any] = {"category": "hot drinks", "prep_seconds": 60}
    titles = {"en": "Coffee", "ko": "커피", "es": "Café"}
    assert written.items[0] == v1.MenuItem("coffee", titles, 350, 10, 2, 1, 5, 2, **kind)
    kind = {"category": "beer", "prep_seconds": 30}
    titles = {"en": "Beer", "ko": "맥주", "es": "Cerveza"}
    assert written.items[2] == v1.MenuItem("beer", titles, 550, 0, 0, 0, 0, **kind)


def test_what_is_off_sale_or_unlimited_is_so_on_the_menu() -> None:
    stock = full_stock()
    stock["coffee"].off_sale, stock["beer"].unlimited = True, True
    written = convert.menu_response(BAR, StockLevels(stock, 42, "name"))
    assert [item.off_sale for item in written.items] == [True, False, False]
    assert [item.unlimited for item in written.items] == [False, False, True]


# --- enums of domain and protos ---


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_value_in_the_protos(outcome: Outcome) -> None:
    ticket = Ticket(FIRST, "", TicketState.QUEUED, [TicketLine("tea", 1, "", outcome)], 1)
    assert convert.ticket_message(ticket).lines[0].outcome.name == outcome.name


@pytest.mark.parametrize("state", TicketState)
def test_every_state_has_a_value_in_the_protos_and_can_be_requested(state: TicketState) -> None:
    member = convert.ticket_message(Ticket(FIRST, "", state, [], 1)).state
    assert member.name == ("UNSPECIFIED" if state is TicketState.NONE else state.name)
    assert convert.states(v1.ListTicketsRequest(states=[member])) == {state}


def test_every_value_in_the_protos_has_a_meaning() -> None:
    assert {member.name for member in v1.Outcome} - {"UNSPECIFIED"} == {outcome.name for outcome in Outcome}
    assert {member.name for member in v1.TicketState} - {"UNSPECIFIED"} == {
        state.name for state in TicketState if state.value != "none"
    }
    assert {member.name for member in v1.TicketSource} - {"UNSPECIFIED"} == {source.name for source in TicketSource}
    assert {member.name for member in v1.Verb} - {"UNSPECIFIED"} == {verb.name for verb in Verb} - {
        "CONFIRM",
        "SUSPEND",
    }


def test_no_states_request_all() -> None:
    assert convert.states(v1.ListTicketsRequest()) == frozenset()


def test_an_unknown_state_is_refused() -> None:
    asked = v1.ListTicketsRequest().parse(bytes([0x12, 2, 1, 77]))  # states = [held, 77]
    with pytest.raises(InvalidRequest, match=r"^states\[1\]: .*77.* is not allowed: that is not a ticket state$"):
        convert.states(asked)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in NOT_FOR_STAFF])
def test_every_step_of_the_staff_can_be_requested(verb: Verb) -> None:
    assert convert_staff.move(step(verb=v1.Verb.from_string(verb.name)), LIMITS).verb is verb


@pytest.mark.parametrize("number", [0, 7, 77])
def test_an_unknown_step_is_refused(number: int) -> None:
    asked = v1.MoveTicketRequest().parse(bytes(step()) + bytes([0x10, number]))
    with pytest.raises(InvalidRequest) as refusal:
        convert_staff.move(asked, LIMITS)
    assert str(refusal.value) == (
        f"verb: {number} is not allowed: expected one of cancel, start, finish, serve, recall, cancel_line"
    )


def test_a_step_is_read_whole() -> None:
    sent = v1.MoveTicketRequest().parse(bytes(step(verb=verb_named("CANCEL"), moved_by="Ana", reason="it fell down")))
    assert convert_staff.move(sent, LIMITS) == Move(
        FIRST, Verb.CANCEL, TicketState.QUEUED, "step 1", "Ana", "it fell down"
    )
    assert convert_staff.move(step(), LIMITS) == Move(FIRST, Verb.START, TicketState.QUEUED, "step 1")


@pytest.mark.parametrize("line", [0, 1, 2**32 - 1])
def test_the_cancel_of_a_line_is_read_with_its_place(line: int) -> None:
    asked = step(verb=verb_named("CANCEL_LINE"), reason="it fell down", line=line)
    sent = v1.MoveTicketRequest().parse(bytes(asked))
    assert convert_staff.move(sent, LIMITS) == Move(
        FIRST, Verb.CANCEL_LINE, TicketState.QUEUED, "step 1", "", "it fell down", line
    )


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        (
            {"expected_state": v1.TicketState(0)},
            "expected_state",
            "0 is not allowed: expected the state from which the",
        ),
        ({"step_id": ""}, "step_id", "'' is not allowed: 1 to 64 characters are allowed"),
        ({"step_id": "s" * 65}, "step_id", f"'{'s' * 56}... is not allowed: 1 to 64 characters are allowed"),
        ({"step_id": "\0"}, "step_id", r"'\x00' is not allowed: a NUL character is not"),
        ({"moved_by": "A" * 65}, "moved_by", f"'{'A' * 56}... is not allowed: 0 to 64 characters are allowed"),
        ({"moved_by": "\0"}, "moved_by", r"'\x00' is not allowed: a NUL character is not"),
        ({"reason": "late"}, "reason", "'late' is not allowed: only a cancel has a reason, not start"),
        ({"verb": 5, "reason": "r" * 201}, "reason", f"'{'r' * 56}... is not allowed: 0 to 200 characters are allowed"),
        ({"verb": 6, "reason": "r" * 201}, "reason", f"'{'r' * 56}... is not allowed: 0 to 200 characters are allowed"),
        ({"line": 1}, "line", "1 is not allowed: only cancel_line has a line, not start"),
        ({"verb": 5, "line": 2}, "line", "2 is not allowed: only cancel_line has a line, not cancel"),
        ({"verb": 5, "reason": "\0"}, "reason", r"'\x00' is not allowed: a NUL character is not"),
    ],
)
def test_an_invalid_step_is_refused_by_its_field(changes: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        convert_staff.move(step(**changes), LIMITS)
    assert refusal.value.field == field
    assert refusal.value.description.startswith(reason)


@pytest.mark.parametrize("number", [7, 77])
def test_an_unknown_expected_state_is_refused(number: int) -> None:
    with pytest.raises(InvalidRequest, match=rf"^expected_state: {number} is not allowed: expected the state from"):
        convert_staff.move(v1.MoveTicketRequest().parse(bytes(step()) + bytes([0x18, number])), LIMITS)


# --- positions ---


def test_a_position_is_read() -> None:
    assert convert.position(v1.ListTicketsRequest()) == Position()
    asked = v1.ListTicketsRequest(after_revision=2**63 - 1, incarnation="name", snapshot_revision=2**63 - 1)
    assert convert.position(asked) == Position(2**63 - 1, "name", 2**63 - 1)


@pytest.mark.parametrize("field", ["after_revision", "snapshot_revision"])
def test_a_revision_that_no_database_reaches_is_refused(field: str) -> None:
    asked = v1.ListTicketsRequest()
    setattr(asked, field, 2**63)
    with pytest.raises(InvalidRequest, match=rf"^{field}: 9223372036854775808 is not allowed: at most 9223372036854"):
        convert.position(asked)


def test_a_snapshot_that_is_older_than_what_was_read_of_it_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^snapshot_revision: 6 is not allowed: it is at least after_revision, 7"):
        convert.position(v1.ListTicketsRequest(after_revision=7, snapshot_revision=6))


def test_states_are_for_snapshots_only() -> None:
    held = [state_named(TicketState.HELD)]
    for after, snapshot in ((0, 0), (0, 7), (7, 7)):
        asked = v1.ListTicketsRequest(after_revision=after, states=held, snapshot_revision=snapshot)
        assert convert.states(asked) == {TicketState.HELD}
    with pytest.raises(
        InvalidRequest, match=r"^states: they are not allowed with after_revision alone: .*snapshot_rev"
    ):
        convert.states(v1.ListTicketsRequest(after_revision=7, states=held))


# --- one form of text ---

NFD_COFFEE, COFFEE = unicodedata.normalize("NFD", "커피"), "커피"


def test_text_is_read_composed_and_its_length_counted_so() -> None:
    assert len(NFD_COFFEE) > len(COFFEE) == 2
    decomposed = request(
        items=[NFD_COFFEE * 3, "soda", "tea"], notes=[NFD_COFFEE * 2, "hot", "Café"], tables=[NFD_COFFEE * 2, ""]
    )
    first, second = convert.placements(decomposed, LIMITS)
    assert first == Placement(FIRST, [RequestedLine(COFFEE * 3, 1, COFFEE * 2)], COFFEE * 2, False)
    assert second.lines[1].note == "Caf\u00e9"
    with pytest.raises(
        InvalidRequest, match=r"^notes\[0\]: '커피커피커피' is not allowed: 0 to 5 characters are allowed$"
    ):
        convert.placements(request(notes=[NFD_COFFEE * 3, "", ""]), LIMITS)


def test_a_step_is_read_composed() -> None:
    read = convert_staff.move(
        step(verb=verb_named("CANCEL"), step_id=NFD_COFFEE, moved_by=NFD_COFFEE, reason=NFD_COFFEE), LIMITS
    )
    assert (read.step_id, read.moved_by, read.reason) == (COFFEE, COFFEE, COFFEE)
    assert convert_staff.move(step(moved_by=unicodedata.normalize("NFD", "가" * 64)), LIMITS).moved_by == "가" * 64
