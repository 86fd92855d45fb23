"""`/events`: what happens in the restaurant, as server-sent events."""

import random
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Annotated, Any, cast
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import HeaderParameter, QueryParameter
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.access.access import Access
from gateway.domain.access import Action, Target
from gateway.domain.errors import FieldNotAllowed
from gateway.orders.service import OrderService
from gateway.rest.fast_path import GO_ON
from gateway.rest.operations import PROBLEM
from gateway.rest.problem_schemas import Problem
from gateway.rest.requester import Requester
from gateway.tickets.events import Events
from gateway.tickets.log import PIECE_BYTES, Public, Wanted
from gateway.tickets.positions import read_id
from gateway.tickets.readers import Reading
from gateway.tickets.waking import Waking
from gateway.tickets.watching import LiveDepartments
from infra.http.response import ChunkWriter, bound_buffers, call_when_lost, chunked

EVENT_STREAM = "text/event-stream"

RETRY_MS = 1000
"""After how long a client connects again when its connection breaks."""

MOST_ORDERS = 20
"""Orders that a guest follows beside the menu."""

LEAVING_MS = 500, 3000
"""After how long when this gateway stops: at random between these, so that not all connect at the same moment."""

Follow = Callable[[], Reading]
Revocable = Callable[[Callable[[], None]], Callable[[], object]]

EXAMPLE = Example(
    summary="A pizza is started",
    value="retry: 1000\n\n"
    'id: 0\nevent: reset\ndata: {"departments":["kitchen"]}\n\n'
    "id: kitchen.5f3a91c2.17\n"
    'event: ticket\ndata: {"department":"kitchen","order_id":"8e03978e-40d5-43dd-bc93-6894a57f9324","number":217,'
    '"table":"7","source":"gateway","state":"preparing","placed_at":"2026-05-01T12:00:00.000Z",'
    '"started_at":"2026-05-01T12:01:10.000Z","ready_at":null,"served_at":null,"cancelled_at":null,'
    '"moved_by":"Ada","moved_at":"2026-05-01T12:01:10.000Z","cancel_reason":null,"wasted":false,'
    '"revision":17,"lines":[{"item":"pizza","quantity":1,"note":"no olives","allergy":false,"made":false,'
    '"outcome":"accepted","unit_price":1100,"cancel_reason":null}]}\n\n'
    "id: kitchen.5f3a91c2.17\n"
    'event: tick\ndata: {"now":"2026-05-01T12:01:12.000Z","now_ms":1777636872000,"departments":{"kitchen":17}}\n\n',
)


class EventStream(ASGIResponse):
    """A response that goes on until its client leaves or the gateway stops."""

    _should_set_content_length = False

    def __init__(self, live: LiveDepartments, follow: Follow, revocable: Revocable) -> None:
        """`follow` returns the client's place in the events; it is called once the response has begun.

        `revocable` calls a function when the client's right to follow ends; it returns a function that stops this.
        """
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Connection": "close"}
        super().__init__(headers=headers, media_type=EVENT_STREAM)
        self._live = live
        self._follow = follow
        self._revocable = revocable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Begin the response; `_go_on` sends the events."""
        await self.start_response(send)
        if cast("Any", scope)["method"] == "HEAD":
            await _send(send, b"", more_body=False)
            return
        bound_buffers(scope)
        await _send(send, b"retry: %d\n\n" % RETRY_MS)
        cast("dict[str, Any]", scope)[GO_ON] = partial(
            _go_on, self._live.events, self._live.known, self._follow, self._revocable
        )


@get(
    "/events",
    operation_id="followEvents",
    summary="Follow what happens",
    tags=["events"],
    media_type=EVENT_STREAM,
    responses={
        200: ResponseSpec(
            str,
            description="Server-sent events that go on: `ticket`, `stock`, `menu`, `order`, `department`, `tick`, "
            "`reset`, `item`, `number`. The data of each is JSON: the whole state, as its REST resource has it.",
            media_type=EVENT_STREAM,
            generate_examples=False,
            examples=[EXAMPLE],
        ),
        400: PROBLEM,
        404: ResponseSpec(
            Problem,
            description="There is no such order.",
            media_type="application/problem+json",
            generate_examples=False,
        ),
        503: ResponseSpec(
            Problem,
            description="Too many clients follow the events, or the journal cannot be read.",
            media_type="application/problem+json",
            generate_examples=False,
        ),
    },
    action=Action.EVENT_FOLLOW,
)
async def get_events(
    live: NamedDependency[LiveDepartments],
    service: NamedDependency[OrderService],
    requester: NamedDependency[Requester],
    access: NamedDependency[Access],
    departments: Annotated[
        str | None,
        QueryParameter(
            description="Only these departments, separated by commas, and no orders.",
            examples=[Example(summary="Two stations", value="bar,kitchen")],
        ),
    ] = None,
    order: Annotated[UUID | None, QueryParameter(description="Only this order, and nothing of any other.")] = None,
    menu: Annotated[
        bool,
        QueryParameter(description="Only the menus and how much can be had: `item`, `menu`, `department`. For guests."),
    ] = False,
    orders: Annotated[
        str | None,
        QueryParameter(description=f"With `menu`: these orders as well, at most {MOST_ORDERS}, separated by commas."),
    ] = None,
    board: Annotated[
        bool, QueryParameter(description="Only the tickets' numbers and how far they are: `number`, `department`.")
    ] = False,
    after: Annotated[
        str | None,
        QueryParameter(description="The id of the last event that was received; `Last-Event-ID` counts before it."),
    ] = None,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(name="Last-Event-ID", description="The same, as browsers send it when they connect again."),
    ] = None,
) -> EventStream:
    """Return events as they happen, beginning with all that is known or, after the id of an event, with what is new.

    A `tick` follows as soon as all has been sent, and then every 5 seconds: a client that misses it is out of date.
    """
    if order is not None and departments is not None:
        raise FieldNotAllowed("departments", departments, "expected either departments or order")
    if menu and not (order is None and departments is None):
        raise FieldNotAllowed("menu", "true", "expected it without departments and order")
    if board and (menu or order is not None or departments is not None):
        raise FieldNotAllowed("board", "true", "expected it without menu, departments and order")
    if orders is not None and not menu:
        raise FieldNotAllowed("orders", orders, "expected it with menu=true")
    own = [] if orders is None else _order_ids(orders)
    named = None if departments is None else _departments(departments, live.names)
    if menu:
        _check_guest_right(requester, own)
    elif board:
        requester.check(Action.BOARD_OPEN, Target())
    else:
        _check_right(requester, order, named, live.names)
    revocable = partial(access.end_when_revoked, requester.caller)
    live.events.check_room()
    if menu:
        found = [await service.find(order_id) for order_id in own]
        return EventStream(live, partial(live.events.follow_as_guest, found), revocable)
    if order is not None:
        return EventStream(live, partial(live.events.follow_order, await service.find(str(order))), revocable)
    if board:
        return EventStream(live, partial(live.events.follow, Wanted(public=Public.BOARD), {}), revocable)
    known = read_id(last_event_id or after or "")
    return EventStream(live, partial(live.events.follow, Wanted(named), known), revocable)


def _order_ids(text: str) -> list[str]:
    """Return the orders that a query names, each once; raises FieldNotAllowed."""
    try:
        found = {str(UUID(part)): None for part in text.split(",")}
    except ValueError:
        found = {}
    if not 0 < len(found) <= MOST_ORDERS:
        raise FieldNotAllowed("orders", text[:100], f"expected 1 to {MOST_ORDERS} UUIDs, separated by commas")
    return list(found)


def _check_guest_right(requester: Requester, order_ids: Collection[str]) -> None:
    """Raise SignInNeeded or NotAllowed unless the caller may follow the menu and these orders."""
    requester.check(Action.MENU_READ, Target())
    for order_id in order_ids:
        requester.check(Action.EVENT_FOLLOW, Target(order_id=order_id))


def _check_right(
    requester: Requester, order: UUID | None, named: frozenset[str] | None, known: Collection[str]
) -> None:
    """Raise SignInNeeded or NotAllowed unless the caller may follow all that a request asks for."""
    if order is not None:
        requester.check(Action.EVENT_FOLLOW, Target(order_id=str(order)))
    for name in known if named is None else named:
        if order is None:
            requester.check(Action.EVENT_FOLLOW, Target(department=name))
    if order is None and named is None:  # all departments, and orders as well
        requester.check(Action.ORDER_LIST, Target())


def _departments(text: str, known: Collection[str]) -> frozenset[str]:
    """Return the departments that a query names; raises FieldNotAllowed."""
    names = frozenset(text.split(","))
    if not names <= set(known):
        raise FieldNotAllowed("departments", text, f"expected some of {', '.join(sorted(known))}, separated by commas")
    return names


async def _go_on(
    events: Events,
    known: Callable[[], Awaitable[None]],
    follow: Follow,
    revocable: Revocable,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Send the events, until the client or the gateway leaves."""
    if not events.is_ending:
        await known()
        reading = follow()
        del known, follow  # they would be kept for each client, as long as it follows
        if cycle := chunked(send):
            reading.sink = _Sink(cycle, events.waking)
        forget = call_when_lost(scope, receive, reading.end)
        stop = revocable(reading.end)
        del revocable
        try:
            while await _send_next(reading, events.waking, send):
                pass
        finally:
            forget()
            stop()
            events.unfollow(reading)
    await _send(send, b"retry: %d\n\n" % random.randint(*LEAVING_MS), more_body=False)  # noqa: S311 - jitter


class _Sink(ChunkWriter):
    """Gives a client its events where uvicorn's own object of the request can be written to."""

    __slots__ = ("_waking",)

    def __init__(self, cycle: RequestResponseCycle, waking: Waking) -> None:
        super().__init__(cycle)
        self._waking = waking

    def deliver(self, reading: Reading, content: bytes) -> bool:
        """Write to the client, unless it has left or does not read."""
        began = time.perf_counter()
        if not self.write(content):
            return False
        _note_sent(reading, self._waking, content, began)
        return True


async def _send_next(reading: Reading, waking: Waking, send: Send) -> bool:
    """Send what the client gets next, and keep nothing of it; return False where the reading has ended."""
    content = await reading.read()
    if not content:
        return False
    began = time.perf_counter()
    await send({"type": "http.response.body", "body": content, "more_body": True})
    _note_sent(reading, waking, content, began)
    return True


def _note_sent(reading: Reading, waking: Waking, content: bytes, began: float) -> None:
    """Note how long it took to send to one client, and let it pause where it has much to catch up with."""
    waking.note_sent(time.perf_counter() - began)
    if len(content) >= PIECE_BYTES:
        reading.pause(waking.pause_behind())


async def _send(send: Send, body: bytes, *, more_body: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more_body})
