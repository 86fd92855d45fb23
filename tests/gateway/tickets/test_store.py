"""What is kept of a department, and since when it is complete."""

from dataclasses import replace

from gateway.domain.lines import TicketState
from gateway.domain.tickets import Position
from gateway.tickets.store import MOST_CLOSED, Picture
from tests.support.fake_watches import MENU, live_stock, live_ticket, page, snapshot


def picture() -> Picture:
    return Picture("bar")


def test_a_snapshot_is_the_picture() -> None:
    bar = picture()
    changes = bar.apply(snapshot(7, live_ticket("o1", 3), live_stock(), MENU))
    assert changes.is_reset
    assert bar.position == Position("first", 7)
    assert set(bar.open) == {"o1"}
    assert bar.stock["coffee"].on_hand == 10
    assert bar.menu is MENU


def test_a_snapshot_in_pages_replaces_the_picture_with_its_last_page() -> None:
    bar = picture()
    bar.apply(snapshot(7, live_ticket("old", 3)))
    assert not bar.apply(snapshot(9, live_ticket("o1", 8), MENU, incarnation="second", more=True)).is_reset
    assert (set(bar.open), bar.position) == ({"old"}, Position("first", 7))
    changes = bar.apply(page(9, live_ticket("o2", 9), incarnation="second"))
    assert changes.is_reset
    assert [ticket.order_id for ticket in changes.tickets] == ["o1", "o2"]
    assert changes.menu is MENU
    assert bar.position == Position("second", 9)


def test_a_snapshot_that_breaks_off_is_forgotten() -> None:
    bar = picture()
    bar.apply(snapshot(7, live_ticket("old", 3)))
    bar.apply(snapshot(9, live_ticket("o1", 8), more=True))
    bar.forget_incomplete()
    changes = bar.apply(page(8, live_ticket("o2", 8)))
    assert not changes.is_reset
    assert set(bar.open) == {"old", "o2"}


def test_a_ticket_moves_between_open_and_closed() -> None:
    bar = picture()
    bar.apply(snapshot(1, live_ticket("o1", 1)))
    bar.apply(page(2, live_ticket("o1", 2, TicketState.SERVED)))
    assert (set(bar.open), set(bar.closed)) == (set(), {"o1"})
    bar.apply(page(3, live_ticket("o1", 3, TicketState.READY)))
    assert (set(bar.open), set(bar.closed)) == ({"o1"}, set())


def test_a_state_that_is_known_is_no_change() -> None:
    bar = picture()
    bar.apply(snapshot(2, live_ticket("o1", 2)))
    assert list(bar.apply(page(3, live_ticket("o1", 2))).tickets) == []


def test_a_step_is_taken_in_before_the_changes_to_there() -> None:
    bar = picture()
    bar.apply(snapshot(2, live_ticket("o1", 2)))
    steps = page(9, live_ticket("o1", 9, TicketState.PREPARING), live_ticket("o2", 8, TicketState.PREPARING))
    assert [ticket.order_id for ticket in bar.apply_steps(steps).tickets] == ["o1", "o2"]
    assert bar.position == Position("first", 2)
    changes = bar.apply(page(9, live_ticket("o3", 7), *steps.tickets))
    assert [ticket.order_id for ticket in changes.tickets] == ["o3"]
    assert set(bar.open) == {"o1", "o2", "o3"}


def test_a_step_in_another_incarnation_or_before_a_snapshot_is_left_to_the_watch() -> None:
    bar = picture()
    assert bar.apply_steps(page(9, live_ticket("o1", 9))).tickets == ()
    bar.apply(snapshot(2))
    assert bar.apply_steps(page(9, live_ticket("o1", 9), incarnation="second")).tickets == ()
    assert bar.open == {}


def test_a_menu_that_is_known_is_no_change() -> None:
    bar = picture()
    bar.apply(snapshot(2, MENU))
    assert bar.apply(page(2, replace(MENU))).menu is None
    assert bar.apply(page(2, replace(MENU, late_seconds=7))).menu is not None


def test_tombstones_and_refused_orders_are_not_shown() -> None:
    bar = picture()
    bar.apply(snapshot(1, live_ticket("o1", 1, TicketState.CANCELLED, lines=[])))
    changes = bar.apply(page(3, live_ticket("o2", 2, TicketState.NONE), live_ticket("o3", 3, lines=[])))
    assert list(changes.tickets) == []
    assert bar.ticket("o1") is bar.ticket("o2") is bar.ticket("o3") is None


def test_only_the_last_closed_tickets_are_kept_and_what_is_dropped_is_named() -> None:
    bar = picture()
    bar.apply(snapshot(0))
    closed = [live_ticket(f"o{number}", number, TicketState.SERVED) for number in range(1, MOST_CLOSED + 3)]
    changes = bar.apply(page(MOST_CLOSED + 2, *closed))
    assert changes.dropped == ["o1", "o2"]
    assert len(bar.closed) == MOST_CLOSED
    assert bar.complete_since == 2


def test_a_snapshot_is_complete_since_the_first_ticket_that_closed_of_those_it_has() -> None:
    bar = picture()
    bar.apply(snapshot(9, live_ticket("o1", 1), live_ticket("o2", 5, TicketState.SERVED)))
    assert bar.complete_since == 5
    bar.apply(snapshot(9, live_ticket("o1", 1)))
    assert bar.complete_since == 0
