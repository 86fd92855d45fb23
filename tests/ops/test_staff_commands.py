"""What the staff's commands print, without a gateway; tests/e2e/test_staff.py has them with one."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from ops.refusals import Refused
from ops.staff.find import find_line
from ops.staff.show import lines_of, name_of
from ops.staff.tables import Json, age, columns, cut, date_and_clock, one_line, table
from ops.staff.tick import places
from ops.staff.watch import MOST_KEPT, Event, Printer
from tests.support.processes import environment, free_ports, run

LINE: Json = {"item": "pizza", "quantity": 1, "note": "", "allergy": False, "made": False, "outcome": "accepted"}
TICKET: Json = {
    "department": "bar",
    "order_id": "01a225e2-7418-7096-a0e1-12ddc6144989",
    "number": 147,
    "table": "7",
    "state": "queued",
    "moved_by": None,
    "cancel_reason": None,
    "revision": 17,
    "lines": [LINE],
}
ORDER: Json = {
    "order_id": TICKET["order_id"],
    "number": 147,
    "table": "7",
    "status": "accepted",
    "progress": "preparing",
}
STOCK: Json = {
    "department": "bar",
    "item": "latte",
    "on_hand": 9,
    "sold": 4,
    "on_sale": True,
    "unlimited": False,
    "revision": 5,
}


# Tables.


def test_a_table_is_as_wide_as_its_texts_and_numbers_are_to_the_right() -> None:
    assert table(("ITEM", "ON HAND"), [("latte", 9), ("tea", 120)], None) == [
        "ITEM   ON HAND",
        "latte        9",
        "tea        120",
    ]


def test_a_column_of_numbers_is_to_the_right_also_where_a_row_has_a_word() -> None:
    assert table(("ITEM", "ON HAND"), [("latte", 9), ("water", "any")], None)[1:] == [
        "latte        9",
        "water      any",
    ]


def test_the_date_and_the_time_of_a_change_are_those_of_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    try:
        assert date_and_clock("2026-11-29T23:30:00.000Z") == "2026-11-30 08:30:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_last_column_is_cut_to_the_terminal() -> None:
    lines = table(("TICKET", "LINES"), [(147, "1 pizza, 2 pasta, 3 meat")], 20)
    assert lines == ["TICKET  LINES", "   147  1 pizza, 2 …"]
    assert max(map(columns, lines)) == 20


def test_wide_characters_take_two_columns() -> None:
    assert columns("커피") == 4
    assert columns("cafe\u0301") == 4
    assert cut("커피 두 잔", 6) == "커피 …"
    assert table(("A", "B"), [("커피", "x"), ("tea", "y")], None)[1:] == ["커피  x", "tea   y"]


def test_nothing_in_a_ticket_moves_the_cursor() -> None:
    assert one_line("no\x1b[2J\nnuts") == "no [2J nuts"
    assert table(("A",), [("x\ny",)], None) == ["A", "x y"]


def test_an_age_is_in_minutes_and_hours() -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    ages = [age((now - timedelta(minutes=minutes)).isoformat(), now) for minutes in (-1, 0, 59, 65)]
    assert ages == ["0 min", "0 min", "59 min", "1 h 05 min"]


# Tickets.


def test_a_ticket_is_called_by_its_number_or_by_the_end_of_its_order_s_id() -> None:
    assert name_of(TICKET) == "147"
    assert name_of({**TICKET, "number": None}) == "c6144989"


def test_lines_show_allergies_notes_and_what_is_made_and_leave_out_what_was_refused() -> None:
    lines = [
        {**LINE, "allergy": True, "note": "no nuts"},
        {**LINE, "item": "pasta", "quantity": 2, "made": True},
        {**LINE, "item": "meat", "outcome": "out_of_stock"},
    ]
    assert lines_of({**TICKET, "lines": lines}) == "1 pizza ALLERGY (no nuts), 2 pasta ✓"


def test_lines_that_were_cancelled_since_are_shown_with_why() -> None:
    cancelled = {**LINE, "made": True, "note": "no nuts", "outcome": "cancelled", "cancel_reason": "no\ndough"}
    silent = {**cancelled, "item": "pasta", "quantity": 2, "cancel_reason": None}
    assert lines_of({**TICKET, "lines": [cancelled, LINE, silent]}) == (
        "1 pizza CANCELLED (no\ndough), 1 pizza, 2 pasta CANCELLED"
    )
    assert table(("LINES",), [(lines_of({**TICKET, "lines": [cancelled]}),)], None)[1] == "1 pizza CANCELLED (no dough)"


# Lines that are ticked off.

MADE_HERE = {
    **TICKET,
    "lines": [
        {**LINE, "item": "pizza"},
        {**LINE, "item": "meat", "outcome": "out_of_stock"},
        {**LINE, "item": "pasta"},
        {**LINE, "item": "pasta", "note": "no cheese"},
    ],
}


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["pizza"], [0]), (["4", "1"], [3, 0]), (["all"], [0, 2, 3]), (["pizza", "1", "all"], [0, 2, 3])],
)
def test_a_line_is_named_by_its_item_its_place_or_all(names: list[str], expected: list[int]) -> None:
    assert places(MADE_HERE, names) == expected


@pytest.mark.parametrize(
    ("name", "how_many"), [("pasta", "several lines"), ("meat", "no line"), ("2", "no line"), ("0", "no line")]
)
def test_a_name_of_no_line_or_of_several_is_refused_with_those_that_there_are(name: str, how_many: str) -> None:
    with pytest.raises(Refused, match=f"147 at bar has {how_many} {name}: it has 1 pizza, 3 pasta, 4 pasta"):
        places(MADE_HERE, [name])


@pytest.mark.parametrize(("name", "expected"), [("pizza", 0), ("1", 0), ("3", 2), ("4", 3)])
def test_the_line_to_cancel_is_named_by_its_item_or_its_place(name: str, expected: int) -> None:
    assert find_line(MADE_HERE, name) == expected


@pytest.mark.parametrize("name", ["pasta", "meat", "2", "0", "5", "all", "", "²"])
def test_a_line_to_cancel_is_one_that_is_to_be_made_and_one_alone(name: str) -> None:
    with pytest.raises(Refused, match=r"^147 at bar has (no|several) lines? .*: it has 1 pizza, 3 pasta, 4 pasta$"):
        find_line(MADE_HERE, name)


def test_of_a_ticket_without_a_line_to_make_none_is_found() -> None:
    with pytest.raises(Refused, match=r"^147 at bar has no line pizza: it has none to make$"):
        find_line({**TICKET, "lines": [{**LINE, "outcome": "cancelled"}]}, "pizza")


# Events.


@pytest.fixture
def printer() -> Printer:
    """One that is up to date with one ticket and one item."""
    printer = Printer()
    state = {"name": "bar", "state": "open", "since": "2026-05-01T12:00:00.000Z"}
    for kind, data in (
        ("reset", {"departments": ["bar"]}),
        ("ticket", TICKET),
        ("stock", STOCK),
        ("department", state),
    ):
        assert printer.line(Event(kind, data, "")) == ""
    tick = {"now": "2026-05-01T12:00:00.000Z", "departments": {"bar": 1}}
    assert printer.line(Event("tick", tick, "")).endswith("  following bar (open): 1 open tickets")
    assert printer.line(Event("tick", tick, "")) == ""
    return printer


CHANGED = {"revision": 18}


@pytest.mark.parametrize(
    ("kind", "data", "line"),
    [
        (
            "ticket",
            {**TICKET, **CHANGED, "state": "preparing", "moved_by": "Ada"},
            "147 table 7  queued → preparing by Ada  1 pizza",
        ),
        ("ticket", {**TICKET, **CHANGED, "lines": [{**LINE, "made": True}]}, "147 table 7  queued  1 pizza ✓"),
        (
            "ticket",
            {**TICKET, **CHANGED, "state": "cancelled", "cancel_reason": "no oven"},
            "queued → cancelled: no oven  1 pizza",
        ),
        (
            "ticket",
            {
                **TICKET,
                **CHANGED,
                "moved_by": "Ada",
                "lines": [LINE, {**LINE, "item": "pasta", "outcome": "cancelled", "cancel_reason": "no dough"}],
            },
            "147 table 7  queued by Ada  1 pizza, 1 pasta CANCELLED (no dough)",
        ),
        ("ticket", {**TICKET, "order_id": "new", "table": None, "number": 148}, "ticket  bar 148  queued  1 pizza"),
        ("stock", {**STOCK, **CHANGED, "on_hand": 33}, "stock   bar latte  33 on hand (+24)"),
        ("stock", {**STOCK, **CHANGED, "on_sale": False}, "stock   bar latte  9 on hand, OFF SALE"),
        ("stock", {**STOCK, **CHANGED, "unlimited": True}, "stock   bar latte  any quantity, 4 sold"),
        ("order", ORDER, "order   147 table 7  accepted, preparing"),
        ("order", {**ORDER, "number": None, "progress": None}, "order   c6144989 table 7  accepted"),
        ("menu", {"department": "bar", "items": [1, 2]}, "menu    bar  2 items"),
        (
            "department",
            {"name": "bar", "state": "unreachable", "since": "2026-05-01T12:00:00.000Z"},
            "department  bar  unreachable since ",
        ),
    ],
)
def test_a_change_is_a_line(printer: Printer, kind: str, data: Json, line: str) -> None:
    assert line in printer.line(Event(kind, data, ""))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("ticket", TICKET),
        ("stock", STOCK),
        ("order", ORDER),
        ("menu", {"department": "bar", "items": [1]}),
        ("department", {"name": "bar", "state": "open", "since": "2026-05-01T12:00:00.000Z"}),
    ],
)
def test_a_state_that_comes_again_is_no_line(printer: Printer, kind: str, data: Json) -> None:
    printer.line(Event(kind, data, ""))
    assert printer.line(Event(kind, data, "")) == ""


def test_after_a_reset_only_what_changed_meanwhile_is_a_line(printer: Printer) -> None:
    """Of a gateway that has restarted: what a department has comes anew, and the others go on."""
    gone = {**TICKET, "order_id": "gone", "number": 150, "revision": 3}
    assert printer.line(Event("ticket", gone, ""))
    assert printer.line(Event("reset", {"departments": ["bar"]}, "")) == ""
    assert printer.line(Event("ticket", TICKET, "")) == printer.line(Event("stock", STOCK, "")) == ""
    elsewhere = {**TICKET, "department": "kitchen"}
    assert printer.line(Event("ticket", elsewhere, "")).endswith("kitchen 147 table 7  queued  1 pizza")
    moved = {**TICKET, **CHANGED, "state": "ready", "moved_by": "Ada"}
    assert "queued → ready by Ada" in printer.line(Event("ticket", moved, ""))
    assert "8 on hand (-1)" in printer.line(Event("stock", {**STOCK, **CHANGED, "on_hand": 8}, ""))
    tick = {"now": "2026-05-01T12:00:00.000Z", "departments": {"bar": 18}}
    assert printer.line(Event("tick", tick, "")).endswith("  following bar (open): 2 open tickets")


def test_an_item_that_is_put_back_on_sale_is_said_to_be(printer: Printer) -> None:
    printer.line(Event("stock", {**STOCK, "on_sale": False}, ""))
    assert printer.line(Event("stock", STOCK, "")).endswith("stock   bar latte  9 on hand, on sale again")


def test_what_is_kept_of_closed_tickets_and_orders_is_bounded(printer: Printer) -> None:
    for number in range(MOST_KEPT + 10):
        printer.line(Event("ticket", {**TICKET, "order_id": str(number), "state": "served"}, ""))
        printer.line(Event("order", {**ORDER, "order_id": str(number)}, ""))
    assert printer.line(Event("ticket", TICKET, "")) == ""  # an open one
    assert printer.line(Event("ticket", {**TICKET, "order_id": "0", "state": "served"}, ""))
    assert printer.line(Event("order", {**ORDER, "order_id": "0"}, ""))


def test_an_event_of_a_kind_that_is_not_known_is_no_line(printer: Printer) -> None:
    assert printer.line(Event("weather", {"sun": True}, "")) == ""


# Errors.


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["tickets", "--url", "ftp://x"],
            "'ftp://x' is no URL of a gateway: expected one such as http://127.0.0.1:8000",
        ),
        (["stock", "bar", "latte", "24"], "'24' is no change of the stock: expected one such as +24, -2 or = 12"),
        (["move", "147", "start", "--line", "pizza"], "--line goes with cancel only, not with start"),
        (["stock", "bar", "latte", "+1", "--expected", "3"], "--expected goes with = only, which is a count"),
        (["stock", "bar", "latte", "=1", "--reason", "waste"], "--reason waste does not go with =: that is a count"),
    ],
)
def test_a_command_that_means_nothing_is_one_line_and_exit_code_2(arguments: list[str], error: str) -> None:
    done = run(["-m", "ops", *arguments], environment())
    assert (done.code, done.stdout, done.stderr) == (2, "", f"ops: {error}\n")


def test_a_gateway_that_is_not_there_is_one_line_and_exit_code_2() -> None:
    (port,) = free_ports(1)
    for settings in ({"URL": f"http://127.0.0.1:{port}/"}, {"GATEWAY_PORT": port}):
        done = run(["-m", "ops", "tickets"], environment(**settings))
        assert (done.code, done.stdout) == (2, "")
        assert done.stderr.startswith(f"ops: the gateway at http://127.0.0.1:{port} cannot be reached: ")
        assert done.stderr.count("\n") == 1
