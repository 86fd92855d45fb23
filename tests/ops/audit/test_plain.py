"""What the audit passes over as plainly right is what its rules find nothing about."""

import dataclasses
import itertools
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from departments import slices as ticket_slices
from departments.domain import tickets as of_department
from departments.domain.tickets import Ticket, TicketLine, TicketSource, TicketState
from departments.rows import read_ticket
from departments.schema import tickets
from gateway.domain import lines as of_gateway
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy
from gateway.orders import slices as order_slices
from gateway.orders.tables import COLUMNS, read_row
from gateway.orders.ticket_states import KnownState
from ops.audit.following import Followed, check_state
from ops.audit.plain import is_plainly_right
from ops.audit.rules import Column, Finding, check_order, check_ticket

ORDER_ID = "018f0000-0000-7000-8000-000000000001"
REVISION = 7


class Case:
    """An order with two lines at the bar and one at the kitchen, whose tickets are served; the parts can be changed."""

    def __init__(self) -> None:
        self.order: dict[str, Any] = {
            "seq": 1, "order_id": ORDER_ID, "policy": "best_effort", "number": 1, "placed_for": "7", "currency": "EUR",
            "quotes": '{"bar":[1,2]}', "status": "accepted", "owed": None, "response_recorded": 1, "created_at_ms": 1,
            "owner": 1, "epoch": 1,
        }  # fmt: skip
        self.asked = {name: _line("unit_price", "expected_price", "allergy", item=name) for name in ("tea", "rum")}
        self.asked["pie"] = _line("unit_price", item="pie")
        self.made = {name: dict(line) for name, line in self.asked.items()}
        for name, department in (("tea", "bar"), ("rum", "bar"), ("pie", "kitchen")):
            self.asked[name]["department"] = department
        self.tickets = {name: _ticket() for name in ("bar", "kitchen")}
        self.known = {name: KnownState(REVISION, of_gateway.TicketState.SERVED) for name in self.tickets}

    def rows(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Return the order's row, and its tickets' by department."""
        order = {"lines": _json(list(self.asked.values()))} | self.order
        of_each = {"bar": ["tea", "rum"], "kitchen": ["pie"], "bakery": ["tea"]}
        rows = {}
        for name, ticket in self.tickets.items():
            lines = _json([self.made[item] for item in of_each[name] if item in self.made])
            rows[name] = _row(list(tickets.c)[1:], {"lines": lines} | ticket)
        return _row(COLUMNS, order), rows


def _line(*names: str, **values: Any) -> dict[str, Any]:
    chosen = {"unit_price": 300, "expected_price": 300, "allergy": True}
    return {"quantity": 1, "note": "", "outcome": "accepted"} | {name: chosen[name] for name in names} | values


def _ticket() -> dict[str, Any]:
    zeros = dict.fromkeys(("epoch", "withdrawn", "wasted", "started_at_ms", "ready_at_ms", "served_at_ms"), 0)
    return zeros | {
        "order_id": ORDER_ID, "placed_for": "7", "state": "served", "placed_at_ms": 1, "revision": REVISION,
        "source": "gateway", "moved_by": "Ana", "moved_at_ms": 5, "cancel_reason": "", "cancelled_at_ms": 0,
        "number": 1, "cancelled_lines": "",
    }  # fmt: skip


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _row(columns: Any, values: Mapping[str, Any]) -> list[Any]:
    return [values[column.name] for column in columns]


Change = Callable[[Case], object]


def _set(part: str, **values: Any) -> Change:
    """Return a change of the order, of the bar's ticket, or of a line, which may be `asked` or `made`."""
    where, _, item = part.partition(" ")

    def change(case: Case) -> None:
        target = {"order": case.order, "ticket": case.tickets.get("bar", {})}.get(where)
        (target if target is not None else getattr(case, where).get(item, {})).update(values)

    return change


def _cancel_line(case: Case) -> None:
    """Let the staff cancel a line of the bar's."""
    case.made.get("tea", {}).update(outcome="cancelled")
    case.tickets.get("bar", {}).update(cancelled_lines='[{"line":0,"reason":"no tea","wasted":true}]')


OUTCOMES = sorted({*of_department.Outcome, *of_gateway.Outcome, "eaten"})
CHANGES: list[Change] = [
    *(_set("asked tea", outcome=str(outcome)) for outcome in OUTCOMES),
    *(_set("asked pie", outcome=str(outcome)) for outcome in OUTCOMES),
    *(_set("made tea", outcome=str(outcome)) for outcome in OUTCOMES),
    *(_set("ticket", state=str(state)) for state in (*TicketState, "plated")),
    *(_set("ticket", state="cancelled", withdrawn=1, wasted=wasted) for wasted in (0, 1)),
    *(_set("ticket", source=source) for source in (*map(str, TicketSource), "phone")),
    *(_set("ticket", moved_at_ms=0, revision=revision) for revision in (REVISION, REVISION + 1)),
    *(_set("ticket", revision=revision) for revision in (REVISION - 1, REVISION + 1)),
    *(_set("ticket", placed_for=table) for table in ("", "8")),
    *(_set("ticket", lines=lines) for lines in ("[]", "[", "null")),
    *(_set("order", placed_for=table) for table in (None, "", "8")),
    *(_set("order", policy=policy) for policy in (*map(str, Policy), "some")),
    *(_set("order", owed=owed) for owed in ("{}", '{"bar":"place"}', '{"bar":"cancel"}', "[")),
    *(_set("order", lines=lines) for lines in ("[]", "[", "null")),
    _set("order", quotes="[]"),
    _set("order", quotes=None),
    _set("order", currency="EURO"),
    _set("order", response_recorded=0),
    *(_set(f"{side} tea", unit_price=price) for side in ("asked", "made") for price in (0, 200, "300")),
    _set("asked tea", unit_price=None),
    _set("made tea", made=True, available=3),
    *(_set(f"{side} rum", expected_price=price) for side in ("asked", "made") for price in (None, 200)),
    *(_set(f"{side} rum", allergy=False) for side in ("asked", "made")),
    *(_set(f"{side} rum", quantity=2) for side in ("asked", "made")),
    *(_set(f"{side} pie", note="hot") for side in ("asked", "made")),
    *(_set(f"{side} pie", item="tart") for side in ("asked", "made")),
    _cancel_line,
    _set("asked tea", department="bakery"),
    lambda case: case.tickets.pop("bar", None),
    lambda case: case.tickets.update(bakery=_ticket()),
    lambda case: case.made.pop("rum", None),
    lambda case: case.asked.pop("rum", None),
    lambda case: case.known.pop("bar", None),
    lambda case: case.known.update(bar=KnownState(REVISION + 1, of_gateway.TicketState.READY)),
    lambda case: case.known.update(bar=KnownState(REVISION - 1, of_gateway.TicketState.SERVED)),
    lambda case: case.known.update(bar=KnownState(REVISION, of_gateway.TicketState.READY)),
]
"""Everything that the rules look at, changed to what may be wrong with it, and to what may be right."""


def test_an_order_that_is_right_is_passed_over() -> None:
    assert _is_passed_over(Case())
    assert _findings(Case()) == []


@pytest.mark.parametrize("followed", [False, True])
def test_an_order_of_which_a_line_was_cancelled_is_left_to_the_rules(*, followed: bool) -> None:
    case = Case()
    _cancel_line(case)
    if followed:
        _set("asked tea", outcome="cancelled", unit_price=None)(case)
    assert not _is_passed_over(case)
    assert [finding.column for finding in _findings(case)] == ([] if followed else [Column.UNFOLLOWED])


def test_nothing_is_passed_over_about_which_the_rules_find_something() -> None:
    """Any two changes at once, in both orders."""
    passed_over = 0
    for changes in itertools.product(CHANGES, repeat=2):
        case = Case()
        for change in changes:
            change(case)
        if _is_passed_over(case):
            passed_over += 1
            assert _findings(case) == [], (case.rows(), case.known)
    assert passed_over > len(CHANGES), "most orders with a change that is harmless"


def _is_passed_over(case: Case) -> bool:
    order, rows = case.rows()
    by_id = {name: {ORDER_ID: row} for name, row in rows.items()}
    return is_plainly_right(ORDER_ID, order, by_id, {name: {ORDER_ID: known} for name, known in case.known.items()})


def _findings(case: Case) -> list[Finding]:
    """Return what the rules find, all of whose records have to be readable; the gateway has followed everything."""
    order_row, ticket_rows = case.rows()
    order = read_row(order_row)
    assert isinstance(order, Order), order
    assert order.response_recorded
    share: dict[str, Ticket | None] = dict.fromkeys(order.shares)
    found: list[Finding] = []
    followed = Followed(dict.fromkeys(("bar", "kitchen", "bakery"), 100), frozenset())
    for name, row in ticket_rows.items():
        ticket = read_ticket(row)
        assert isinstance(ticket, Ticket), ticket
        assert ticket.source is TicketSource.GATEWAY
        share[name] = ticket
        found += check_ticket(name, ticket, order)
        if ticket.moved_at_ms:
            found += check_state(followed, name, ticket, case.known.get(name))
    return found + list(check_order(order, share, followed.has_passed))


@pytest.mark.parametrize(
    ("part", "whole", "narrower"),
    [(order_slices.AcceptedLine, Line, {"unit_price": int}), (ticket_slices.MadeLine, TicketLine, {})],
)
def test_a_line_that_is_passed_over_has_every_field_that_a_line_has(
    part: type[msgspec.Struct], whole: type[Any], narrower: dict[str, type]
) -> None:
    """So a value that makes a record unreadable makes it unreadable here."""
    of_whole = typing.get_type_hints(whole)
    of_part = typing.get_type_hints(part)
    accepted = typing.Literal["accepted"]
    assert of_part == {name: of_whole[name] for name in of_whole} | {"outcome": accepted} | narrower
    defaults = {field.name: field.default for field in dataclasses.fields(whole)}
    for field in msgspec.structs.fields(part):
        assert field.required or field.default == defaults[field.name]
