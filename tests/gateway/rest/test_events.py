"""`GET /events` over the whole app: what a client gets, and from where it goes on."""

import pytest

from gateway.domain.lines import TicketState
from tests.support.event_stream import follow
from tests.support.fake_watches import MENU
from tests.support.orders import new_id
from tests.support.rest_app import MAX_STREAMS, Served, problem
from tests.support.waiting import eventually, until


async def test_a_new_client_gets_all_that_is_known_and_then_a_tick(served: Served) -> None:
    served.watches["bar"].menu = MENU
    served.watches["bar"].change("o1", number=217)
    served.watches["kitchen"].set_stock("pizza", 3)
    async with follow(served.app) as client:
        screen = await client.up_to_date()
        assert client.status == 200
        assert client.headers["content-type"].startswith("text/event-stream")
        assert client.headers["cache-control"] == "no-store"
        assert client.body.startswith(b"retry: 1000\n\n")
        assert screen.received[0].kind == "reset"
        assert screen.received[-1].kind == "tick"
        assert screen.tickets["bar", "o1"]["number"] == 217
        assert screen.stock["kitchen", "pizza"]["on_hand"] == 3
        assert screen.menus["bar"]["late_seconds"] == 600
        assert {name: each["state"] for name, each in screen.departments.items()} == dict.fromkeys(
            ("bar", "kitchen", "bakery"), "open"
        )
        assert screen.ticks[0]["departments"] == {"bar": 1, "kitchen": 1, "bakery": 0}
        assert screen.ticks[0]["now_ms"]


async def test_a_ticket_looks_as_in_rest(served: Served) -> None:
    ticket = served.watches["bar"].change("o1", TicketState.PREPARING, started_at_ms=1_700_000_000_000, moved_by="Ada")
    async with follow(served.app) as client:
        screen = await client.up_to_date()
        assert screen.tickets["bar", "o1"] == {
            "department": "bar",
            "order_id": "o1",
            "number": None,
            "table": "7",
            "source": "gateway",
            "state": "preparing",
            "placed_at": screen.tickets["bar", "o1"]["placed_at"],
            "started_at": "2023-11-14T22:13:20.000Z",
            "ready_at": None,
            "served_at": None,
            "cancelled_at": None,
            "moved_by": "Ada",
            "moved_at": None,
            "cancel_reason": None,
            "wasted": False,
            "revision": ticket.revision,
            "lines": [
                {
                    "item": "coffee",
                    "quantity": 2,
                    "note": "",
                    "allergy": False,
                    "made": False,
                    "outcome": "accepted",
                    "unit_price": 350,
                    "cancel_reason": None,
                }
            ],
        }


async def test_changes_follow_as_they_happen_with_ids(served: Served) -> None:
    async with follow(served.app) as client:
        before = (await client.up_to_date()).last_id
        served.watches["bar"].change("o1")
        await client.until(lambda screen: screen.tickets)
        served.watches["bar"].change("o1", TicketState.SERVED)
        screen = await client.until(lambda screen: screen.tickets["bar", "o1"]["state"] == "served")
        assert screen.last_id not in ("", "0", before)
        assert len(screen.resets) == 1


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_client_goes_on_after_the_id_that_it_sends(served: Served, by: str) -> None:
    bar = served.watches["bar"]
    bar.change("seen")
    async with follow(served.app) as client:
        last_id = (await client.up_to_date()).last_id
    bar.change("missed")
    bar.change("seen-too", TicketState.READY)
    target, headers = ("/events", {"last_event_id": last_id}) if by == "header" else (f"/events?after={last_id}", {})
    async with follow(served.app, target, **headers) as client:
        screen = await client.up_to_date()
        assert screen.resets == []
        assert set(screen.tickets) == {("bar", "missed"), ("bar", "seen-too")}


async def test_the_header_counts_before_the_query(served: Served) -> None:
    async with follow(served.app) as client:
        first = (await client.up_to_date()).last_id
        served.watches["bar"].change("o1")
        last_id = (await client.until(lambda screen: screen.tickets)).last_id
    async with follow(served.app, f"/events?after={first}", last_event_id=last_id) as client:
        assert (await client.up_to_date()).tickets == {}


@pytest.mark.parametrize("last_id", ["", "0", "nonsense", "bar.00000000.1", "bar.x.-1", f"bar.x.{10**30}", "~" * 5000])
async def test_an_id_of_another_time_leads_to_a_reset(served: Served, last_id: str) -> None:
    served.watches["bar"].change("o1")
    async with follow(served.app, last_event_id=last_id) as client:
        screen = await client.up_to_date()
        assert screen.resets == [["bakery", "bar", "kitchen"]]
        assert ("bar", "o1") in screen.tickets


async def test_a_client_of_one_department_gets_nothing_of_others(served: Served) -> None:
    order = await served.order("bar coffee", "kitchen pizza")
    served.watches["bar"].change("o1")
    async with follow(served.app, "/events?departments=bar") as client:
        await client.up_to_date()
        served.watches["kitchen"].change(order.json()["order_id"])
        served.watches["bar"].change("o2")
        screen = await client.until(lambda screen: ("bar", "o2") in screen.tickets)
        assert {department for department, _ in screen.tickets} == {"bar"}
        assert set(screen.departments) == {"bar"}
        assert screen.ticks[0]["departments"] == {"bar": 1}
        assert screen.resets == [["bar"]]
        assert screen.orders == {}


async def test_a_guest_sees_what_can_be_had_and_nothing_that_counts_orders(served: Served) -> None:
    bar = served.watches["bar"]
    bar.menu = MENU
    bar.set_stock("coffee", 3)
    bar.change("o1")
    async with follow(served.app, "/events?menu=true", authorization="") as client:
        screen = await client.up_to_date()
        assert screen.items == {("bar", "coffee"): (3, True)}
        assert screen.menus["bar"]["items"][0]["id"] == "coffee"
        assert screen.departments["bar"]["state"] == "open"
        bar.change("o2")
        bar.set_stock("coffee", 2)
        screen = await client.until(lambda screen: screen.items["bar", "coffee"] == (2, True))
        assert {event.kind for event in screen.received} <= {"reset", "item", "menu", "department", "tick"}
        assert {event.id for event in screen.received} == {"0"}
        assert screen.ticks[0]["departments"] == {}


async def test_a_guest_follows_menu_and_orders_on_one_connection(served: Served) -> None:
    bar = served.watches["bar"]
    bar.set_stock("coffee", 3)
    first, second = [(await served.order("bar coffee")).json()["order_id"] for _ in range(2)]
    other = (await served.order("bar coffee")).json()["order_id"]
    async with follow(served.app, f"/events?menu=true&orders={first},{second}", authorization="") as client:
        screen = await client.up_to_date()
        assert set(screen.orders) == {first, second}
        assert ("bar", "coffee") in screen.items
        assert screen.received[-1].kind == "tick", "everything has arrived"
        for order_id in (other, second):
            await served.client.delete(f"/orders/{order_id}")
            bar.change(order_id, TicketState.CANCELLED)
        bar.set_stock("coffee", 1)
        screen = await client.until(lambda screen: screen.orders[second]["status"] == "cancelled")
        await client.until(lambda screen: screen.items["bar", "coffee"] == (1, True))
        assert set(screen.orders) == {first, second}
        assert len(screen.ticks) == 1
    assert served.live.events.followers == 0


@pytest.mark.parametrize("orders", ["", "7", ",".join([new_id() for _ in range(21)])])
async def test_orders_beside_the_menu_are_up_to_20_ids(served: Served, orders: str) -> None:
    assert problem(await served.client.get(f"/events?menu=true&orders={orders}"), 400)["field"] == "orders"
    assert problem(await served.client.get(f"/events?orders={new_id()}"), 400)["field"] == "orders"


async def test_an_order_beside_the_menu_has_to_exist(served: Served) -> None:
    problem(await served.client.get(f"/events?menu=true&orders={new_id()}"), 404)


async def test_the_menu_is_followed_alone(served: Served) -> None:
    assert problem(await served.client.get("/events?menu=true&departments=bar"), 400)["field"] == "menu"


async def test_an_order_follows_its_tickets(served: Served) -> None:
    order = (await served.order("bar coffee")).json()
    async with follow(served.app) as client:
        await client.up_to_date()
        served.watches["bar"].change(order["order_id"])
        screen = await client.until(lambda screen: screen.orders)
        shown = (await served.client.get(f"/orders/{order['order_id']}")).json()
        assert screen.orders == {order["order_id"]: shown}
        kinds = [event.kind for event in screen.received]
        assert kinds.index("ticket") < kinds.index("order")


async def test_an_order_follows_the_cancel_of_a_line(served: Served) -> None:
    order_id = (await served.order("bar coffee", "bar soda")).json()["order_id"]
    async with follow(served.app, f"/events?order={order_id}") as client:
        await client.up_to_date()
        await served.restaurant.watches["bar"].cancel_line(order_id, 1, "none left")

        async def is_recorded() -> bool:
            found = (await served.client.get(f"/orders/{order_id}")).json()
            return bool(found["total"] == 350)

        await eventually(is_recorded, "the order says so")
        served.watches["bar"].change(order_id)
        screen = await client.until(lambda screen: screen.orders[order_id]["total"] == 350)
        assert screen.orders[order_id] == (await served.client.get(f"/orders/{order_id}")).json()
        line = screen.orders[order_id]["lines"][1]
        assert (line["outcome"], line["progress"]) == ("cancelled", "withdrawn")
        assert line["reason"] == "bar has withdrawn it: none left"


async def test_a_guest_sees_its_order_and_nothing_of_others(served: Served) -> None:
    order = (await served.order("bar coffee")).json()
    other = (await served.order("bar coffee")).json()
    async with follow(served.app, f"/events?order={order['order_id']}") as client:
        screen = await client.up_to_date()
        assert screen.orders == {order["order_id"]: order}
        served.watches["bar"].change(other["order_id"])
        await served.client.delete(f"/orders/{order['order_id']}")
        served.watches["bar"].change(order["order_id"], TicketState.CANCELLED)
        screen = await client.until(lambda screen: screen.orders[order["order_id"]]["status"] == "cancelled")
        assert {event.kind for event in screen.received} == {"order", "tick"}
        assert {tick["departments"] == {} for tick in screen.ticks} == {True}
        assert other["order_id"].encode() not in client.body
        assert b"id: " not in client.body


async def test_an_order_that_does_not_exist_cannot_be_followed(served: Served) -> None:
    problem(await served.client.get(f"/events?order={new_id()}"), 404)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("departments=cellar", "departments"),
        ("departments=", "departments"),
        ("departments=bar,cellar", "departments"),
        ("order=7", "order"),
        ("departments=bar&order=8e03978e-40d5-43dd-bc93-6894a57f9324", "departments"),
        ("department=bar", "department"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(served: Served, query: str, field: str) -> None:
    assert problem(await served.client.get(f"/events?{query}"), 400)["field"] == field


async def test_no_more_clients_than_allowed_follow(served: Served) -> None:
    clients = [follow(served.app) for _ in range(MAX_STREAMS)]
    opened = [await each.__aenter__() for each in clients]
    for client in opened:
        await client.up_to_date()
    response = await served.client.get("/events")
    assert problem(response, 503)["title"] == "Too many clients follow the events"
    assert response.headers["retry-after"]
    assert (await served.order("bar coffee")).status_code == 201
    for each in clients:
        await each.__aexit__(None, None, None)
    async with follow(served.app) as client:
        await client.up_to_date()


async def test_a_client_that_leaves_leaves_nothing_behind(served: Served) -> None:
    async with follow(served.app) as client:
        await client.up_to_date()
        assert served.live.events.followers == 1
    assert served.live.events.followers == 0


async def test_a_gateway_that_stops_ends_the_streams_at_once(served: Served) -> None:
    async with follow(served.app) as client:
        await client.up_to_date()
        served.live.events.end()
        await until(lambda: client.is_complete)
        assert client.parser.retry is not None
        assert 500 <= client.parser.retry <= 3000
    async with follow(served.app) as client:
        await until(lambda: client.is_complete)
        assert client.screen.received == []


async def test_head_ends_at_once(served: Served) -> None:
    async with follow(served.app, method="HEAD") as client:
        await until(lambda: client.is_complete)
        assert (client.status, client.body) == (200, b"")


async def test_a_department_that_goes_away_is_reported_with_since_when(served: Served) -> None:
    bar = served.watches["bar"]
    async with follow(served.app) as client:
        heard = (await client.up_to_date()).departments["bar"]["since"]
        bar.go_away()
        await until(lambda: len(bar.calls) > 2)
        served.restaurant.clock.now += 2
        screen = await client.until(lambda screen: screen.departments["bar"]["state"] == "unreachable")
        assert screen.departments["bar"]["since"] == heard
        bar.revision += 1
        bar.come_back()
        bar.change("o1")
        await client.until(lambda screen: ("bar", "o1") in screen.tickets)
        screen = await client.until(lambda screen: screen.departments["bar"]["state"] == "open")
        assert len(screen.resets) == 1


async def test_a_department_that_was_restored_is_reset_alone(served: Served) -> None:
    bar = served.watches["bar"]
    bar.change("lost")
    served.watches["kitchen"].change("kept")
    async with follow(served.app) as client:
        await client.up_to_date()
        bar.go_away()
        await until(lambda: bar.open == 0)
        bar.incarnation, bar.tickets, bar.revision = "second", {}, 0
        bar.come_back()
        bar.change("o1")
        screen = await client.until(lambda screen: ("bar", "o1") in screen.tickets)
        assert set(screen.tickets) == {("bar", "o1"), ("kitchen", "kept")}
        assert screen.resets[1:] == [["bar"]]
