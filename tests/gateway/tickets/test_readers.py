"""What readers get: the log, its pieces, and from where a reader goes on."""

import json
from typing import Any

import pytest

from gateway.domain.lines import TicketState
from gateway.domain.order import Order
from gateway.domain.tickets import Position
from gateway.rest.event_json import event_json
from gateway.tickets.events import Events
from gateway.tickets.log import MOST_ORDERS, PIECE_BYTES, Wanted
from gateway.tickets.positions import read_id
from gateway.tickets.readers import Reading
from gateway.tickets.store import MOST_CLOSED, Picture
from tests.support.event_stream import Parser, Screen
from tests.support.fake_watches import live_stock, live_ticket, page, snapshot
from tests.support.order_path import Hands
from tests.support.orders import order

ALL = Wanted()
BAR = Wanted(frozenset({"bar"}))


class Restaurant:
    """The events of a bar and a kitchen, whose pages a test makes."""

    def __init__(self) -> None:
        self.pictures = {name: Picture(name) for name in ("bar", "kitchen")}
        self.clock = Hands()
        self.encoded: list[Any] = []
        self.asked_for: set[str] = set()
        self.events = Events(self.pictures, self._encode, self.clock.pair, most=100)
        self.events.on_changed_orders = self.asked_for.update
        self.enter(snapshot(0))
        self.enter(snapshot(0, department="kitchen"))

    def enter(self, change: Any) -> None:
        picture = self.pictures[change.department]
        self.events.enter(picture, picture.apply(change))

    def _encode(self, state: Any) -> bytes:
        self.encoded.append(state)
        return event_json(state)


class Client:
    """A client that reads when a test says so."""

    def __init__(self, restaurant: Restaurant, wanted: Wanted = ALL, last_id: str = "") -> None:
        self.reading: Reading = restaurant.events.follow(wanted, read_id(last_id))
        self.screen = Screen()
        self.parser = Parser()
        self.pieces: list[bytes] = []

    def read(self) -> Screen:
        while piece := self.reading.next():
            self.pieces.append(piece)
            self.screen.take(self.parser.feed(piece))
        return self.screen


@pytest.fixture
def restaurant() -> Restaurant:
    return Restaurant()


def states(screen: Screen) -> dict[str, str]:
    return {order_id: ticket["state"] for (_, order_id), ticket in screen.tickets.items()}


def test_a_state_is_encoded_once_for_all_readers_and_the_bytes_are_shared(restaurant: Restaurant) -> None:
    clients = [Client(restaurant) for _ in range(5)]
    for client in clients:
        client.read()
    restaurant.encoded.clear()
    restaurant.enter(page(1, live_ticket("o1", 1)))
    pieces = [client.reading.next() for client in clients]
    assert len(restaurant.encoded) == 1
    assert all(piece is pieces[0] for piece in pieces)


def test_a_reader_that_is_slow_skips_states_that_newer_ones_have_replaced(restaurant: Restaurant) -> None:
    client = Client(restaurant)
    client.read()
    for revision in range(1, 500):
        restaurant.enter(page(revision, live_ticket("o1", revision, moved_by=f"n{revision}")))
    screen = client.read()
    assert [event.data["moved_by"] for event in screen.received if event.kind == "ticket"] == ["n499"]
    assert screen.resets == [["bar", "kitchen"]]


def test_the_log_keeps_the_latest_states_only(restaurant: Restaurant) -> None:
    for revision in range(1, 5000):
        restaurant.enter(page(revision, live_ticket("o1", revision)))
    assert len(restaurant.events.log._entries) < 1000


def test_a_long_beginning_comes_in_pieces_and_has_an_id_at_its_end_only(restaurant: Restaurant) -> None:
    restaurant.enter(page(500, *(live_ticket(f"o{number}", number) for number in range(1, 501))))
    client = Client(restaurant)
    screen = client.read()
    assert len(screen.tickets) == 500
    assert len(client.pieces) > 3
    assert max(map(len, client.pieces)) < PIECE_BYTES + 2000
    assert [event.id for event in screen.received[:-2]] == ["0"] * (len(screen.received) - 2)
    assert screen.last_id == restaurant.events.log.id
    assert [event.kind for event in screen.received].index("tick") == len(screen.received) - 1


def test_no_tick_says_that_a_reader_is_up_to_date_before_it_is(restaurant: Restaurant) -> None:
    restaurant.enter(page(500, *(live_ticket(f"o{number}", number) for number in range(1, 501))))
    client = Client(restaurant)
    assert b"event: tick\n" not in client.reading.next()
    restaurant.events.tick_all()
    assert b"event: tick\n" not in client.reading.next()
    assert client.read().ticks


def step(order_id: str, revision: int) -> Any:
    return page(revision, live_ticket(order_id, revision, TicketState.PREPARING, moved_by="Ana", moved_at_ms=9))


def flooded(restaurant: Restaurant) -> Client:
    """Return a client that has received the first piece of many orders."""
    client = Client(restaurant)
    client.read()
    restaurant.enter(page(500, *(live_ticket(f"o{number}", number) for number in range(1, 501))))
    client.screen.take(client.parser.feed(client.reading.next()))
    return client


def test_a_step_of_the_staff_overtakes_a_flood_of_orders_and_comes_once(restaurant: Restaurant) -> None:
    client = flooded(restaurant)
    restaurant.enter(step("o400", 501))
    known = client.screen.last_id
    client.screen.take(client.parser.feed(client.reading.next()))
    screen = client.screen
    assert states(screen)["o400"] == "preparing"
    assert screen.last_id == known  # what was entered before it is still to come
    screen = client.read()
    assert len(screen.tickets) == 500
    assert states(screen)["o400"] == "preparing"
    steps = [event for event in screen.received if event.kind == "ticket" and event.data["order_id"] == "o400"]
    assert len(steps) == 1
    assert screen.last_id == restaurant.events.log.id


def test_a_piece_that_is_kept_never_takes_a_step_back(restaurant: Restaurant) -> None:
    clients = [flooded(restaurant)]
    clients += [Client(restaurant)]
    pieces = [client.reading.next() for client in clients]  # kept for others, with the ticket before its step
    for client, piece in zip(clients, pieces, strict=True):
        client.screen.take(client.parser.feed(piece))
    late = flooded(restaurant)
    restaurant.enter(step("o450", 501))
    for client in (*clients, late):
        assert states(client.read())["o450"] == "preparing"
        shown = [each.data["state"] for each in client.screen.received if each.kind == "ticket"]
        assert shown.count("preparing") == 1


async def test_a_reader_that_pauses_gets_steps_and_nothing_else(restaurant: Restaurant) -> None:
    client = flooded(restaurant)
    client.reading.pause(0.05)
    assert client.reading.next() == b""
    restaurant.enter(step("o400", 501))
    assert client.reading.next().count(b"event: ticket") == 1
    assert client.reading.next() == b""
    assert (await client.reading.read()).count(b"event: ticket") > 1


def test_a_reader_goes_on_after_its_id(restaurant: Restaurant) -> None:
    restaurant.enter(page(1, live_ticket("seen", 1), live_stock(revision=1)))
    last_id = Client(restaurant).read().last_id
    restaurant.enter(page(2, live_ticket("new", 2)))
    screen = Client(restaurant, last_id=last_id).read()
    assert screen.resets == []
    assert list(states(screen)) == ["new"]
    assert screen.stock == {}


def test_an_id_from_within_a_page_leads_to_the_whole_page_again(restaurant: Restaurant) -> None:
    """The ids of two gateways, whose pages were cut elsewhere: a batch's stock has the batch's last revision."""
    other = Restaurant()
    other.enter(page(2, live_ticket("o1", 1), live_ticket("o2", 2)))
    last_id = Client(other).read().last_id
    restaurant.enter(page(3, live_ticket("o1", 1), live_ticket("o2", 2), live_ticket("o3", 3), live_stock(revision=3)))
    screen = Client(restaurant, last_id=last_id).read()
    assert screen.resets == []
    assert set(states(screen)) == {"o3"}
    assert screen.stock["bar", "coffee"]["revision"] == 3


def test_an_id_that_is_ahead_of_this_gateway_misses_nothing(restaurant: Restaurant) -> None:
    other = Restaurant()
    other.enter(page(5, live_ticket("o1", 5)))
    last_id = Client(other).read().last_id
    client = Client(restaurant, last_id=last_id)
    assert client.read().resets == []
    restaurant.enter(page(7, live_ticket("o1", 5), live_ticket("o2", 7)))
    assert "o2" in states(client.read())


def test_an_id_of_another_incarnation_resets_that_department_alone(restaurant: Restaurant) -> None:
    restaurant.enter(page(1, live_ticket("bar", 1)))
    restaurant.enter(page(1, live_ticket("kitchen", 1, department="kitchen"), department="kitchen"))
    last_id = Client(restaurant).read().last_id
    restaurant.enter(snapshot(1, live_ticket("other", 1), incarnation="second"))
    screen = Client(restaurant, last_id=last_id).read()
    assert screen.resets == [["bar"]]
    assert set(screen.tickets) == {("bar", "other")}


def test_an_id_that_is_older_than_what_is_kept_leads_to_a_reset(restaurant: Restaurant) -> None:
    last_id = Client(restaurant).read().last_id
    closed = [live_ticket(f"o{number}", number, TicketState.SERVED) for number in range(1, MOST_CLOSED + 2)]
    restaurant.enter(page(MOST_CLOSED + 1, *closed))
    screen = Client(restaurant, last_id=last_id).read()
    assert screen.resets == [["bar"]]
    assert len(screen.tickets) == MOST_CLOSED


def test_a_reader_that_falls_behind_what_is_kept_begins_anew(restaurant: Restaurant) -> None:
    client = Client(restaurant)
    restaurant.enter(page(1, live_ticket("o1", 1)))
    client.read()
    closed = [live_ticket(f"o{number}", number + 1, TicketState.SERVED) for number in range(1, MOST_CLOSED + 2)]
    restaurant.enter(page(MOST_CLOSED + 2, *closed))
    screen = client.read()
    assert screen.resets == [["bar", "kitchen"]] * 2
    assert ("bar", "o1") not in screen.tickets
    assert len(screen.tickets) == MOST_CLOSED


def test_a_reader_that_is_up_to_date_is_not_reset_by_what_is_dropped(restaurant: Restaurant) -> None:
    client = Client(restaurant)
    for number in range(1, 3 * MOST_CLOSED):
        restaurant.enter(page(number, live_ticket(f"o{number}", number, TicketState.SERVED)))
        client.read()
    assert client.screen.resets == [["bar", "kitchen"]]


def test_a_reset_has_an_id_that_stands_for_nothing_until_all_has_arrived(restaurant: Restaurant) -> None:
    client = Client(restaurant)
    client.read()
    many = [live_ticket(f"o{number}", number) for number in range(1, 501)]
    restaurant.enter(snapshot(500, *many, incarnation="second"))
    client.screen.take(client.parser.feed(client.reading.next()))
    assert client.screen.resets[-1] == ["bar"]
    assert client.screen.last_id == "0"
    assert client.read().last_id == restaurant.events.log.id


def test_a_filter_shows_its_departments_only(restaurant: Restaurant) -> None:
    client = Client(restaurant, BAR)
    restaurant.enter(page(1, live_ticket("kitchen", 1, department="kitchen"), department="kitchen"))
    restaurant.enter(page(1, live_ticket("bar", 1)))
    screen = client.read()
    assert set(screen.tickets) == {("bar", "bar")}
    assert screen.resets == [["bar"]]
    assert set(screen.ticks[0]["departments"]) == {"bar"}


def test_an_order_is_entered_once_while_it_stays_as_it_is(restaurant: Restaurant) -> None:
    client = Client(restaurant)
    client.read()
    asked = order("bar coffee")
    restaurant.events.enter_order(asked)
    restaurant.events.enter_order(asked)
    assert [event.kind for event in client.read().received].count("order") == 1
    asked.lines[0].cancel()
    restaurant.events.enter_order(asked)
    assert [event.kind for event in client.read().received].count("order") == 2


def test_orders_are_asked_for_only_while_somebody_wants_them(restaurant: Restaurant) -> None:
    restaurant.enter(page(1, live_ticket("o1", 1)))
    assert restaurant.asked_for == set()
    bar = Client(restaurant, BAR)
    restaurant.enter(page(2, live_ticket("o2", 2)))
    assert restaurant.asked_for == set()
    followed = order("bar coffee")
    reading = restaurant.events.follow_order(followed)
    restaurant.enter(page(4, live_ticket("o3", 3), live_ticket(followed.order_id, 4)))
    assert restaurant.asked_for == {followed.order_id}
    restaurant.events.unfollow(reading)
    restaurant.events.unfollow(bar.reading)
    Client(restaurant)
    restaurant.enter(page(5, live_ticket("o5", 5)))
    assert "o5" in restaurant.asked_for


def test_a_reader_that_comes_back_gets_the_orders_that_changed(restaurant: Restaurant) -> None:
    client = Client(restaurant)
    last_id = client.read().last_id
    restaurant.events.unfollow(client.reading)
    restaurant.enter(page(1, live_ticket("o1", 1)))
    restaurant.asked_for.clear()
    Client(restaurant, last_id=last_id)
    assert restaurant.asked_for == {"o1"}


def test_a_reader_that_missed_an_order_alone_gets_it(restaurant: Restaurant) -> None:
    leaving = Client(restaurant)
    staying = Client(restaurant)
    restaurant.events.tick_all()
    last_id = leaving.read().last_id
    restaurant.clock.now += 600
    restaurant.events.tick_all()
    asked = order("bar coffee")
    restaurant.events.enter_order(asked)
    assert asked.order_id in staying.read().orders
    assert set(Client(restaurant, last_id=last_id).read().orders) == {asked.order_id}


def test_a_new_reader_gets_no_old_orders(restaurant: Restaurant) -> None:
    Client(restaurant)
    restaurant.events.enter_order(order("bar coffee"))
    assert Client(restaurant).read().orders == {}


def test_orders_are_bounded_and_a_reader_behind_them_begins_anew(restaurant: Restaurant) -> None:
    behind = Client(restaurant)
    behind.read()
    for _ in range(MOST_ORDERS + 1):
        restaurant.events.enter_order(order("bar coffee"))
    assert len(restaurant.events.log._orders) == MOST_ORDERS
    assert len(behind.read().resets) == 2


def test_a_client_of_one_order_gets_its_latest_state_only() -> None:
    restaurant = Restaurant()
    followed: Order = order("bar coffee")
    reading = restaurant.events.follow_order(followed)
    restaurant.events.enter_order(followed)
    restaurant.events.enter_order(order("bar coffee"))
    followed.lines[0].cancel()
    restaurant.events.enter_order(followed)
    events = Parser().feed(reading.next())
    assert [event.kind for event in events] == ["order", "tick"]
    assert events[0].data["lines"][0]["outcome"] == "cancelled"
    assert events[1].data["departments"] == {}
    assert reading.next() == b""
    restaurant.events.tick_all()
    assert b"event: tick\n" in reading.next()


async def test_a_reading_that_has_ended_returns_nothing(restaurant: Restaurant) -> None:
    client = Client(restaurant)
    restaurant.events.end()
    assert await client.reading.read() == b""


def test_data_has_no_line_breaks(restaurant: Restaurant) -> None:
    client = Client(restaurant)
    restaurant.enter(page(1, live_ticket("o1", 1, cancel_reason="two\nlines\r\nand\u2028more")))
    screen = client.read()
    assert json.loads(json.dumps(screen.tickets["bar", "o1"]["cancel_reason"])) == "two\nlines\r\nand\u2028more"


def test_positions_are_those_of_the_departments(restaurant: Restaurant) -> None:
    restaurant.enter(page(3, live_ticket("o1", 3)))
    assert restaurant.pictures["bar"].position == Position("first", 3)
    assert read_id(restaurant.events.log.id)["bar"][1] == 3
