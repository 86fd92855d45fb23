import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from departments.domain.placing import Placement, RequestedLine, tombstone, write_ticket
from departments.domain.stock import Stock
from departments.domain.tickets import Outcome, TicketLine, TicketState
from tests.support.department_factories import BAR, coffees, full_stock, new_id, obeys_the_law, order, small_menu

requested_lines = st.builds(
    RequestedLine,
    st.sampled_from(["coffee", "soda", "beer", "tea"]),
    st.integers(1, 8),
    st.text(max_size=3),
    st.sampled_from([None, None, 0, 100, 101]),
)
orders = st.builds(
    Placement, st.uuids().map(str), st.lists(requested_lines, min_size=1, max_size=4), st.just("7"), st.booleans()
)


def test_what_is_on_hand_is_accepted_at_the_menus_price() -> None:
    stock = full_stock()
    ticket = write_ticket(Placement(new_id(), [RequestedLine("coffee", 2, "no sugar")], table="7"), BAR, stock, 1234)
    assert ticket.lines == [TicketLine("coffee", 2, "no sugar", Outcome.ACCEPTED, unit_price=350)]
    assert (ticket.state, ticket.table, ticket.placed_at_ms) == (TicketState.QUEUED, "7", 1234)
    assert stock["coffee"] == Stock("coffee", 10, 8, 0, 2)


def test_an_order_that_is_not_decided_yet_is_held() -> None:
    stock = full_stock()
    assert write_ticket(coffees(2, hold=True), BAR, stock, 1).state is TicketState.HELD
    assert stock["coffee"] == Stock("coffee", 10, 8, 2, 0)


def test_what_is_short_is_out_of_stock_with_the_number_that_is_left() -> None:
    stock = full_stock()
    ticket = write_ticket(order(("soda", 6)), BAR, stock, 1)
    assert ticket.lines == [TicketLine("soda", 6, "", Outcome.OUT_OF_STOCK, unit_price=0, available=5)]
    assert stock == full_stock()


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("expected", [0, 349, 351])
def test_a_price_that_its_client_did_not_see_takes_nothing_and_returns_the_price(expected: int, hold: bool) -> None:
    stock = full_stock()
    ticket = write_ticket(Placement(new_id(), [RequestedLine("coffee", 2, "hot", expected)], hold=hold), BAR, stock, 1)
    changed = TicketLine("coffee", 2, "hot", Outcome.PRICE_CHANGED, unit_price=350, expected_price=expected)
    assert (ticket.lines, ticket.state) == ([changed], TicketState.NONE)
    assert stock == full_stock()


def test_a_price_that_its_client_saw_is_accepted() -> None:
    stock = full_stock()
    ticket = write_ticket(
        Placement(new_id(), [RequestedLine("coffee", 2, expected_price=350), RequestedLine("soda", 1)]), BAR, stock, 1
    )
    assert [line.outcome for line in ticket.lines] == [Outcome.ACCEPTED] * 2
    assert [line.expected_price for line in ticket.lines] == [350, None]
    assert (stock["coffee"].sold, stock["soda"].sold) == (2, 1)


def test_a_changed_price_is_reported_before_a_lack_of_stock() -> None:
    ticket = write_ticket(
        Placement(new_id(), [RequestedLine("soda", 6, expected_price=1), RequestedLine("tea", 1, "", 1)]),
        BAR,
        full_stock(),
        1,
    )
    assert [(line.outcome, line.unit_price, line.available) for line in ticket.lines] == [
        (Outcome.PRICE_CHANGED, 300, 0),
        (Outcome.NOT_ON_MENU, 0, 0),
    ]


def test_an_item_that_is_off_sale_takes_nothing_whatever_its_price_and_stock_are() -> None:
    stock = full_stock()
    stock["coffee"].off_sale = True
    lines = [RequestedLine("coffee", 1), RequestedLine("coffee", 99), RequestedLine("coffee", 1, expected_price=1)]
    ticket = write_ticket(Placement(new_id(), [*lines, RequestedLine("soda", 1)]), BAR, stock, 1)
    off_sale = (Outcome.OFF_SALE, 0, 0)
    assert [(line.outcome, line.unit_price, line.available) for line in ticket.lines] == [
        *[off_sale] * 3,
        (Outcome.ACCEPTED, 300, 0),
    ]
    assert stock["coffee"] == Stock("coffee", 10, 10, 0, 0, off_sale=True)


def test_any_quantity_of_an_unlimited_item_is_accepted() -> None:
    stock = full_stock()
    stock["beer"].unlimited = True
    ticket = write_ticket(order(("beer", 900), ("beer", 1), hold=True), BAR, stock, 1)
    assert [line.outcome for line in ticket.lines] == [Outcome.ACCEPTED] * 2
    assert stock["beer"] == Stock("beer", 901, 0, 901, 0, unlimited=True)


def test_a_ticket_keeps_the_allergies_of_its_lines_and_the_orders_number() -> None:
    lines = [RequestedLine("coffee", 1, allergy=True), RequestedLine("tea", 1, allergy=True), RequestedLine("soda", 1)]
    ticket = write_ticket(Placement(new_id(), lines, number=117), BAR, full_stock(), 1)
    assert ([line.allergy for line in ticket.lines], ticket.number) == ([True, True, False], 117)


def test_an_order_that_is_sent_again_matches_with_another_number_and_not_with_another_allergy() -> None:
    placement = Placement(new_id(), [RequestedLine("coffee", 1, allergy=True)], number=117)
    ticket = write_ticket(placement, BAR, full_stock(), 1)
    assert Placement(placement.order_id, [RequestedLine("coffee", 1, allergy=True)]).matches(ticket)
    assert not Placement(placement.order_id, [RequestedLine("coffee", 1)], number=117).matches(ticket)


def test_an_item_that_is_not_on_the_menu_is_not_on_menu() -> None:
    assert write_ticket(order(("tea", 1)), BAR, full_stock(), 1).lines == [
        TicketLine("tea", 1, "", Outcome.NOT_ON_MENU)
    ]


def test_titles_are_for_the_counter_an_order_names_items_by_id() -> None:
    ticket = write_ticket(order(("Coffee", 1), ("커피", 1)), BAR, full_stock(), 1)
    assert {line.outcome for line in ticket.lines} == {Outcome.NOT_ON_MENU}


def test_lines_of_one_order_share_the_stock_in_their_order() -> None:
    ticket = write_ticket(order(("soda", 3), ("soda", 3), ("soda", 2)), BAR, full_stock(), 1)
    assert [(line.outcome, line.available) for line in ticket.lines] == [
        (Outcome.ACCEPTED, 0),
        (Outcome.OUT_OF_STOCK, 2),
        (Outcome.ACCEPTED, 0),
    ]


def test_an_order_of_which_nothing_is_accepted_has_nothing_to_make() -> None:
    for hold in (True, False):
        assert write_ticket(order(("beer", 1), ("tea", 1), hold=hold), BAR, full_stock(), 1).state is TicketState.NONE


def test_a_ticket_matches_the_order_with_the_same_lines_and_no_other() -> None:
    placement = Placement(new_id(), [RequestedLine("coffee", 1, "hot"), RequestedLine("tea", 2)])
    ticket = write_ticket(placement, BAR, full_stock(), 1)
    assert placement.matches(ticket)
    for other in (
        [RequestedLine("coffee", 1, "hot")],
        [RequestedLine("tea", 2), RequestedLine("coffee", 1, "hot")],
        [RequestedLine("coffee", 2, "hot"), RequestedLine("tea", 2)],
        [RequestedLine("coffee", 1, "cold"), RequestedLine("tea", 2)],
        [RequestedLine("soda", 1, "hot"), RequestedLine("tea", 2)],
        [RequestedLine("coffee", 1, "hot", 350), RequestedLine("tea", 2)],
        [RequestedLine("coffee", 1, "hot"), RequestedLine("tea", 2, "", 0)],
    ):
        assert not Placement(placement.order_id, other).matches(ticket)


def test_a_tombstone_matches_any_order() -> None:
    placement = coffees(1)
    assert placement.matches(tombstone(placement.order_id, 1))


@given(st.lists(orders, max_size=12))
def test_stock_and_tickets_agree_whatever_is_ordered(placements: list[Placement]) -> None:
    menu = small_menu(coffee=10, soda=5, beer=0)
    stock = full_stock(menu)
    tickets = [write_ticket(placement, menu, stock, 1) for placement in placements]
    assert obeys_the_law(stock.values())
    for item, item_stock in stock.items():
        for state, figure in ((TicketState.HELD, item_stock.held), (TicketState.QUEUED, item_stock.sold)):
            lines = [line for ticket in tickets if ticket.state is state for line in ticket.accepted()]
            assert figure == sum(line.quantity for line in lines if line.item == item)


@given(orders, st.integers(0, 10), st.integers(0, 10))
def test_every_line_is_decided_from_the_stock_as_it_is(placement: Placement, coffee: int, soda: int) -> None:
    menu = small_menu(coffee=coffee, soda=soda, beer=0)
    stock = full_stock(menu)
    ticket = write_ticket(placement, menu, stock, 1)
    left = {item.id: item.stock for item in menu.items.values()}
    for requested, line in zip(placement.lines, ticket.lines, strict=True):
        assert (line.item, line.quantity, line.note) == (requested.item, requested.quantity, requested.note)
        assert line.expected_price == requested.expected_price
        if requested.item not in left:
            assert (line.outcome, line.available, line.unit_price) == (Outcome.NOT_ON_MENU, 0, 0)
        elif requested.expected_price not in (None, 100):
            assert (line.outcome, line.available, line.unit_price) == (Outcome.PRICE_CHANGED, 0, 100)
        elif requested.quantity <= left[requested.item]:
            assert (line.outcome, line.available, line.unit_price) == (Outcome.ACCEPTED, 0, 100)
            left[requested.item] -= requested.quantity
        else:
            assert (line.outcome, line.available, line.unit_price) == (Outcome.OUT_OF_STOCK, left[requested.item], 0)


@given(orders)
def test_the_same_order_with_the_same_stock_gets_the_same_ticket(placement: Placement) -> None:
    stock = full_stock()
    assert write_ticket(placement, BAR, copy.deepcopy(stock), 1) == write_ticket(placement, BAR, stock, 1)
    assert placement.matches(write_ticket(placement, BAR, stock, 1))
