"""The gateway's client against the real service of a department."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from structlog.testing import capture_logs

from gateway.department_client.client import (
    CallPolicy,
    Deferred,
    DepartmentCallError,
    DepartmentClient,
    IdTaken,
    Refused,
    Unreachable,
)
from gateway.domain.order import Goal, Line, LineResult, Order, Outcome, TicketResult, TicketState
from infra.grpc.peer_guard import WatchedChannel
from tests.contract.floors import HOST, SHORT, Floor, free_port
from tests.gateway.fakes import order, until

COFFEE = LineResult(Outcome.ACCEPTED, 0, 350)
SODA = LineResult(Outcome.ACCEPTED, 0, 300)
NO_BEER = LineResult(Outcome.OUT_OF_STOCK, 0, 0)
NO_WINE = LineResult(Outcome.NOT_ON_MENU, 0, 0)
ABOUT_THE_CALLER = (Status.UNAUTHENTICATED, Status.PERMISSION_DENIED)
"""What a department says to every call where a setting is wrong."""


def refuse(status: Status, times: int | None = None) -> Callable[[], None]:
    """Fail every call, or the first few."""
    left = times

    def fail() -> None:
        nonlocal left
        if left is None:
            raise GRPCError(status, "as the test asks")
        if left > 0:
            left -= 1
            raise GRPCError(status, "as the test asks")

    return fail


# What can be asked.


async def test_an_order_is_placed_with_an_answer_for_each_line(bar: Floor) -> None:
    asked = order("bar coffee 2", "kitchen pizza", "bar beer", "bar wine", "bar soda 6", "bar soda 5")
    asked.lines[0].note = "뜨겁게"
    answer = await bar.department().ask(Goal.PLACE, asked)
    assert answer == TicketResult(
        TicketState.QUEUED, [COFFEE, NO_BEER, NO_WINE, LineResult(Outcome.OUT_OF_STOCK, 5, 0), SODA]
    )
    stock = await bar.stock()
    assert (stock["coffee"].on_hand, stock["coffee"].sold) == (8, 2)


async def test_an_order_of_which_nothing_can_be_had_has_no_ticket(bar: Floor) -> None:
    assert await bar.department().ask(Goal.PLACE, order("bar beer")) == TicketResult(TicketState.NONE, [NO_BEER])


async def test_an_order_is_held_then_confirmed(bar: Floor) -> None:
    department, asked = bar.department(), order("bar coffee 3")
    assert await department.ask(Goal.HOLD, asked) == TicketResult(TicketState.HELD, [COFFEE])
    assert (await bar.stock())["coffee"].held == 3
    for _ in range(2):
        assert await department.ask(Goal.CONFIRM, asked) == TicketResult(TicketState.QUEUED, [COFFEE])
    assert (await bar.stock())["coffee"].sold == 3


async def test_an_order_is_held_then_cancelled(bar: Floor) -> None:
    department, asked = bar.department(), order("bar coffee 3")
    await department.ask(Goal.HOLD, asked)
    for _ in range(2):
        assert await department.ask(Goal.CANCEL, asked) == TicketResult(TicketState.CANCELLED, [COFFEE])
    assert (await bar.stock())["coffee"].on_hand == 10


async def test_a_cancel_leaves_a_tombstone_that_refuses_a_late_place(bar: Floor) -> None:
    department, asked = bar.department(), order("bar coffee")
    tombstone = TicketResult(TicketState.CANCELLED, [])
    assert await department.ask(Goal.CANCEL, asked) == tombstone
    assert await department.ask(Goal.PLACE, asked) == tombstone
    assert (await bar.stock())["coffee"].on_hand == 10


async def test_what_has_been_started_is_not_taken_back(bar: Floor) -> None:
    department, asked = bar.department(), order("bar coffee")
    await department.ask(Goal.PLACE, asked)
    await bar.start(asked.order_id)
    assert await department.ask(Goal.CANCEL, asked) == TicketResult(TicketState.PREPARING, [COFFEE])
    assert await department.ask(Goal.PLACE, asked) == TicketResult(TicketState.PREPARING, [COFFEE])


async def test_the_same_order_again_gets_the_same_answer(bar: Floor) -> None:
    department, asked = bar.department(), order("bar soda 4", "bar beer")
    first = await department.ask(Goal.PLACE, asked)
    assert [await department.ask(Goal.PLACE, asked) for _ in range(3)] == [first] * 3
    assert (await bar.stock())["soda"].on_hand == 1


@pytest.mark.parametrize("goal", [Goal.CONFIRM, Goal.SUSPEND, Goal.CANCEL])
async def test_what_was_never_placed_leaves_a_tombstone(bar: Floor, goal: Goal) -> None:
    asked = order("bar coffee")
    assert await bar.department().ask(goal, asked) == TicketResult(TicketState.CANCELLED, [])
    assert await bar.department().ask(Goal.PLACE, asked) == TicketResult(TicketState.CANCELLED, [])


async def test_what_is_asked_carries_the_epoch_under_which_it_was_asked(bar: Floor) -> None:
    department, asked = bar.department(), order("bar coffee")
    await department.ask(Goal.PLACE, asked)
    asked.epoch = 2
    suspension = department.ask(Goal.SUSPEND, asked)
    asked.epoch = 5  # decided before the call leaves
    assert await suspension == TicketResult(TicketState.HELD, [COFFEE])
    asked.epoch = 3
    assert await department.ask(Goal.CONFIRM, asked) == TicketResult(TicketState.QUEUED, [COFFEE])


# In company.


async def test_many_orders_go_in_few_calls(full_bar: Floor) -> None:
    department = full_bar.department()
    answers = await asyncio.gather(*(department.ask(Goal.PLACE, order("bar coffee")) for _ in range(300)))
    assert answers == [TicketResult(TicketState.QUEUED, [COFFEE])] * 300
    sizes = full_bar.wire.sizes("place")
    assert sum(sizes) == 300
    assert len(sizes) <= 3
    assert department.orders_per_call == 300 / len(sizes)


async def test_sixty_four_guests_who_order_again_and_again_share_their_calls(full_bar: Floor) -> None:
    department = full_bar.department()

    async def guest() -> None:
        for _ in range(8):
            await department.ask(Goal.PLACE, order("bar coffee"))

    await asyncio.gather(*(guest() for _ in range(64)))
    assert department.orders_per_call > 4
    assert full_bar.wire.most_under_way <= 2
    assert (await full_bar.stock())["coffee"].sold == 512


async def test_nobody_has_called_yet(bar: Floor) -> None:
    assert bar.department().orders_per_call == 0


async def test_a_call_carries_no_more_than_it_may_and_no_more_are_made_at_once(full_bar: Floor) -> None:
    department = full_bar.department(CallPolicy(calls_in_flight=3, orders_per_call=16))
    await asyncio.gather(*(department.ask(Goal.PLACE, order("bar coffee")) for _ in range(100)))
    sizes = full_bar.wire.sizes("place")
    assert max(sizes) == 16
    assert sum(sizes) == 100
    assert full_bar.wire.most_under_way == 3


async def test_answers_find_their_orders_whatever_their_lines(full_bar: Floor) -> None:
    department = full_bar.department()
    wishes = ["bar coffee", "bar wine", "bar soda"]
    asked = [order(*wishes[: number % 3 + 1]) for number in range(60)]
    answers = await asyncio.gather(*(department.ask(Goal.PLACE, each) for each in asked))
    for number, answer in enumerate(answers):
        assert answer.lines == [COFFEE, NO_WINE, SODA][: number % 3 + 1]


async def test_goals_do_not_wait_for_each_other(full_bar: Floor) -> None:
    department = full_bar.department()
    held = order("bar coffee")
    await department.ask(Goal.HOLD, held)
    full_bar.wire.way.clear()
    placing = [department.ask(Goal.PLACE, order("bar coffee")) for _ in range(3)]
    confirming = department.ask(Goal.CONFIRM, held)
    await until(lambda: {name for name, _ in full_bar.wire.calls} == {"place", "confirm"})
    full_bar.wire.way.set()
    await asyncio.gather(confirming, *placing)


# A poison order.


async def test_an_order_whose_id_is_taken_is_refused_alone(full_bar: Floor) -> None:
    department = full_bar.department()
    taken = order("bar coffee")
    await department.ask(Goal.PLACE, taken)
    batch = [order("bar soda") for _ in range(9)]
    batch.insert(4, order("bar soda 2", order_id=taken.order_id))
    answers = await asyncio.gather(*(department.ask(Goal.PLACE, each) for each in batch), return_exceptions=True)
    assert [type(answer) for answer in answers] == [TicketResult] * 4 + [IdTaken] + [TicketResult] * 5
    assert str(answers[4]).startswith(f"bar refused it: order {taken.order_id} is known here with other lines")
    assert (await full_bar.stock())["soda"].sold == 9
    assert department.is_reachable


def _too_many(asked: Order) -> None:
    asked.lines[0].quantity = 1_000_000


def _too_wordy(asked: Order) -> None:
    asked.lines[0].note = "x" * 500


def _nameless(asked: Order) -> None:
    asked.lines[0].item = ""


def _nul(asked: Order) -> None:
    asked.table = "a\0b"


def _no_uuid(asked: Order) -> None:
    asked.order_id = "7"


def _too_long(asked: Order) -> None:
    asked.shares["bar"].extend(Line("bar", "soda") for _ in range(60))


@pytest.mark.parametrize("spoil", [_too_many, _too_wordy, _nameless, _nul, _no_uuid, _too_long])
async def test_an_order_that_the_department_does_not_take_is_refused_alone(
    full_bar: Floor, spoil: Callable[[Order], None]
) -> None:
    department = full_bar.department()
    batch = [order("bar coffee") for _ in range(6)]
    spoil(batch[2])
    answers = await asyncio.gather(*(department.ask(Goal.PLACE, each) for each in batch), return_exceptions=True)
    assert [type(answer) for answer in answers] == [
        TicketResult,
        TicketResult,
        Refused,
        TicketResult,
        TicketResult,
        TicketResult,
    ]
    assert (await full_bar.stock())["coffee"].sold == 5
    assert department.is_reachable


# No answer.


async def test_a_department_that_hangs_is_given_up_at_the_deadline_by_everyone_who_waits(full_bar: Floor) -> None:
    department = full_bar.department(CallPolicy(deadline=0.25, orders_per_call=2))
    full_bar.wire.way.clear()
    started = time.monotonic()
    waiting = [department.ask(Goal.PLACE, order("bar coffee")) for _ in range(40)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unreachable] * 40
    assert 0.2 < time.monotonic() - started < 1.2  # one after another they would take 2.5
    assert len(full_bar.wire.calls) == 2  # of two orders each; the rest was not even sent
    assert not department.is_reachable


async def test_a_department_that_hangs_is_asked_nothing_until_it_answers(full_bar: Floor) -> None:
    department = full_bar.department(SHORT)
    failures = 0

    def count() -> None:
        nonlocal failures
        failures += 1

    department.on_failure = count
    full_bar.wire.way.clear()
    with pytest.raises(Unreachable, match="bar cannot be reached; it is still being tried"):
        await department.ask(Goal.PLACE, order("bar coffee"))
    assert failures == 1
    calls = len(full_bar.wire.calls)
    for goal in Goal:
        with pytest.raises(Unreachable):
            await department.ask(goal, order("bar coffee"))
    assert len(full_bar.wire.calls) == calls
    full_bar.wire.way.set()
    asked = order("bar coffee")
    assert await department.try_again(Goal.PLACE, [asked]) == [TicketResult(TicketState.QUEUED, [COFFEE])]
    assert department.is_reachable
    assert await department.ask(Goal.PLACE, asked) == TicketResult(TicketState.QUEUED, [COFFEE])


async def test_trying_again_in_vain_is_one_call_and_leaves_the_breaker_open(full_bar: Floor) -> None:
    department = full_bar.department()
    full_bar.wire.on_call = refuse(Status.UNAVAILABLE)
    with pytest.raises(Unreachable):
        await department.try_again(Goal.PLACE, [order("bar coffee")])
    assert len(full_bar.wire.calls) == 1
    assert not department.is_reachable


async def test_trying_again_finds_the_poison_too(full_bar: Floor) -> None:
    department = full_bar.department()
    good, bad = order("bar coffee"), order("bar coffee")
    _too_wordy(bad)
    answers = await department.try_again(Goal.PLACE, [bad, good])
    assert [type(answer) for answer in answers] == [Refused, TicketResult]


async def test_a_call_that_fails_once_is_made_again_and_nobody_notices(full_bar: Floor) -> None:
    department = full_bar.department()
    full_bar.wire.on_call = refuse(Status.UNAVAILABLE, times=1)
    assert await department.ask(Goal.PLACE, order("bar coffee")) == TicketResult(TicketState.QUEUED, [COFFEE])
    assert len(full_bar.wire.calls) == 2
    assert department.is_reachable


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, *ABOUT_THE_CALLER])
async def test_a_call_that_fails_twice_opens_the_breaker(full_bar: Floor, status: Status) -> None:
    department = full_bar.department()
    full_bar.wire.on_call = refuse(status, times=2)
    with pytest.raises(Unreachable):
        await department.ask(Goal.PLACE, order("bar coffee"))
    assert len(full_bar.wire.calls) == 2
    assert not department.is_reachable
    assert (await department.knock()).is_open
    assert department.is_reachable


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize(
    "status", [Status.INTERNAL, Status.UNKNOWN, Status.ABORTED, Status.UNIMPLEMENTED, Status.RESOURCE_EXHAUSTED]
)
async def test_a_status_that_decides_nothing_leaves_the_breaker_closed_and_is_one_call(
    full_bar: Floor, goal: Goal, status: Status
) -> None:
    department = full_bar.department()
    full_bar.wire.on_call = refuse(status)
    with pytest.raises(Deferred) as raised:
        await department.ask(goal, order("bar coffee"))
    assert raised.value.cause == f"{status.name}: as the test asks"
    assert len(full_bar.wire.calls) == 1
    assert department.is_reachable


@pytest.mark.parametrize("status", [Status.NOT_FOUND, Status.FAILED_PRECONDITION, Status.INTERNAL])
async def test_a_status_of_another_call_does_not_close_the_department(full_bar: Floor, status: Status) -> None:
    department = full_bar.department()
    full_bar.wire.on_call = refuse(status, times=2)
    assert not (await department.menu()).is_open
    with pytest.raises(DepartmentCallError):
        await department.knock()
    assert department.is_reachable
    assert await department.ask(Goal.PLACE, order("bar coffee")) == TicketResult(TicketState.QUEUED, [COFFEE])


async def test_a_status_is_a_response_and_closes_the_breaker(full_bar: Floor) -> None:
    department = full_bar.department()
    full_bar.wire.on_call = refuse(Status.UNAVAILABLE, times=2)
    with pytest.raises(Unreachable):
        await department.ask(Goal.PLACE, order("bar coffee"))
    full_bar.wire.on_call = refuse(Status.INTERNAL)
    (answer,) = await department.try_again(Goal.PLACE, [order("bar coffee")])
    assert isinstance(answer, Deferred)
    assert department.is_reachable


async def test_of_a_batch_that_is_too_much_at_once_what_fits_is_placed(full_bar: Floor) -> None:
    department = full_bar.department()
    batch = [order("bar coffee") for _ in range(6)]
    full_bar.wire.on_call = lambda: exhaust(full_bar)
    assert [type(answer) for answer in await department.try_again(Goal.PLACE, batch)] == [TicketResult] * 6
    assert max(full_bar.wire.sizes("place")) == 6
    assert (await full_bar.stock())["coffee"].sold == 6


def exhaust(bar: Floor) -> None:
    """Take batches of at most two."""
    if bar.wire.calls[-1][1] > 2:
        raise GRPCError(Status.RESOURCE_EXHAUSTED, "as the test asks")


async def test_a_fault_of_this_program_is_logged_with_its_traceback_and_leaves_the_breaker_closed(
    full_bar: Floor,
) -> None:
    department, spoiled = full_bar.department(), order("bar coffee")
    spoiled.lines[0].quantity = None  # type: ignore[assignment]  # what no column can hold
    with capture_logs() as lines:
        for _ in range(3):
            with pytest.raises(Deferred):
                await department.ask(Goal.PLACE, spoiled)
    (line,) = lines
    assert (line["event"], line["department"]) == ("calling a department failed", "bar")
    assert isinstance(line["exc_info"], TypeError)
    assert department.is_reachable
    assert await department.ask(Goal.PLACE, order("bar coffee")) == TicketResult(TicketState.QUEUED, [COFFEE])


async def test_a_department_that_cannot_write_is_not_reachable_and_does_it_once_it_can(full_bar: Floor) -> None:
    department, asked = full_bar.department(), order("bar coffee")
    full_bar.database.is_read_only = True
    with pytest.raises(Unreachable):
        await department.ask(Goal.PLACE, asked)
    full_bar.database.is_read_only = False
    assert await department.try_again(Goal.PLACE, [asked]) == [TicketResult(TicketState.QUEUED, [COFFEE])]


async def test_a_department_that_is_closing_is_asked_on_a_new_connection_and_the_old_one_is_left(
    full_bar: Floor,
) -> None:
    """So that another of its kind behind the same name is found, and it has no connection to wait for."""
    department = full_bar.department()
    await department.ask(Goal.PLACE, order("bar coffee"))
    (old,) = full_bar.connections
    full_bar.wire.on_call = refuse(Status.UNAVAILABLE, times=1)
    assert await department.ask(Goal.PLACE, order("bar soda")) == TicketResult(TicketState.QUEUED, [SODA])
    assert department.is_reachable
    await until(lambda: old not in full_bar.connections)
    assert len(full_bar.connections) == 1


async def test_a_department_that_is_not_there_is_known_to_be_so_at_once() -> None:
    department = DepartmentClient("bar", WatchedChannel(HOST, free_port()), CallPolicy(deadline=5.0))
    started = time.monotonic()
    with pytest.raises(Unreachable):
        await department.ask(Goal.PLACE, order("bar coffee"))
    assert time.monotonic() - started < 1.0
    assert not department.is_reachable
    assert not department.was_reached
    department.close()


async def test_a_department_that_is_started_again_on_its_port_is_found_again(full_bar: Floor) -> None:
    department, asked = full_bar.department(), order("bar coffee")
    first = await department.ask(Goal.PLACE, asked)
    await full_bar.stop()
    with pytest.raises(Unreachable):
        await department.ask(Goal.PLACE, order("bar coffee"))
    await full_bar.open()
    assert await department.try_again(Goal.PLACE, [asked]) == [first]
    assert await department.ask(Goal.PLACE, order("bar soda")) == TicketResult(TicketState.QUEUED, [SODA])


async def test_a_department_that_is_started_again_between_two_orders_is_not_missed(full_bar: Floor) -> None:
    department = full_bar.department()
    await department.ask(Goal.PLACE, order("bar coffee"))
    await full_bar.stop()
    await full_bar.open()
    assert await department.ask(Goal.PLACE, order("bar soda")) == TicketResult(TicketState.QUEUED, [SODA])
    assert department.is_reachable


async def test_a_department_that_stops_in_the_middle_of_a_call_is_not_reachable(full_bar: Floor) -> None:
    department = full_bar.department(CallPolicy(deadline=5.0))
    full_bar.wire.way.clear()
    asking = department.ask(Goal.PLACE, order("bar coffee"))
    await until(lambda: full_bar.wire.calls != [])
    started = time.monotonic()
    await full_bar.stop()
    with pytest.raises(Unreachable):
        await asking
    assert time.monotonic() - started < 2.0


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _speak_http_1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    await reader.read()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


@pytest.mark.parametrize("talk", [_say_nothing, _speak_http_1, _hang_up])
async def test_something_else_that_listens_there_is_given_up_by_the_deadline(talk: Talk) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    department = DepartmentClient("bar", WatchedChannel(HOST, server.sockets[0].getsockname()[1]), SHORT)
    started = time.monotonic()
    with pytest.raises(Unreachable):
        await department.ask(Goal.PLACE, order("bar coffee"))
    assert time.monotonic() - started < 2.0
    assert not department.is_reachable
    department.close()
    server.close()


# An answer that makes no sense.


def _place(**changes: list[Any]) -> Callable[[Any], Any]:
    """Change columns of what was answered."""

    def mangle(response: Any) -> Any:
        for column, values in changes.items():
            setattr(response, column, values)
        return response

    return mangle


@pytest.mark.parametrize(
    "mangle",
    [
        _place(states=[]),
        _place(states=[2]),
        _place(states=[2, 2, 2]),
        _place(states=[2, 77]),
        _place(states=[-1, 2]),
        _place(line_counts=[]),
        _place(line_counts=[2]),
        _place(line_counts=[2, 1, 0]),
        _place(line_counts=[1, 2]),
        _place(line_counts=[3, 0]),
        _place(line_counts=[2, 0]),
        _place(line_counts=[2, 2]),
        _place(line_counts=[0, 0], outcomes=[], available=[], unit_prices=[]),
        _place(outcomes=[]),
        _place(outcomes=[1, 1]),
        _place(outcomes=[1, 1], available=[0, 0], unit_prices=[350, 300]),
        _place(outcomes=[1, 1, 1, 1]),
        _place(outcomes=[1, 1, 0]),
        _place(outcomes=[1, 1, 99]),
        _place(available=[0, 0]),
        _place(unit_prices=[350, 300, 350, 350]),
        _place(states=[], line_counts=[], outcomes=[], available=[], unit_prices=[]),
    ],
)
async def test_an_answer_whose_columns_do_not_fit_is_no_answer(full_bar: Floor, mangle: Callable[[Any], Any]) -> None:
    department = full_bar.department()
    full_bar.wire.mangle = mangle
    batch = [order("bar coffee", "bar soda"), order("bar coffee")]
    answers = await asyncio.gather(*(department.ask(Goal.PLACE, each) for each in batch), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert department.is_reachable
    full_bar.wire.mangle = lambda response: response
    assert await department.try_again(Goal.PLACE, batch) == [
        TicketResult(TicketState.QUEUED, [COFFEE, SODA]),
        TicketResult(TicketState.QUEUED, [COFFEE]),
    ]


@pytest.mark.parametrize("goal", [Goal.CONFIRM, Goal.CANCEL])
async def test_an_answer_without_tickets_is_no_answer(full_bar: Floor, goal: Goal) -> None:
    department, held = full_bar.department(), order("bar coffee")
    await department.ask(Goal.HOLD, held)

    def empty(response: Any) -> Any:
        response.tickets = None
        return response

    full_bar.wire.mangle = empty
    with pytest.raises(Deferred):
        await department.ask(goal, held)


# The menu.


async def test_the_menu_has_titles_prices_and_what_is_left(bar: Floor) -> None:
    department = bar.department()
    await department.ask(Goal.PLACE, order("bar coffee 3"))
    await department.ask(Goal.HOLD, order("bar soda 2"))
    menu = await department.menu()
    assert menu.is_open
    assert menu.name == "bar"
    assert menu.titles == {"en": "Bar", "ko": "바"}
    assert [(item.id, item.titles["ko"], item.price, item.available) for item in menu.items] == [
        ("coffee", "커피", 350, 7),
        ("soda", "소다", 300, 3),
        ("beer", "맥주", 550, 0),
    ]


async def test_a_menu_that_cannot_be_had_is_closed_under_its_last_title(bar: Floor) -> None:
    department = bar.department(SHORT)
    never_there = await bar.department(SHORT).menu()
    assert never_there.is_open
    await department.menu()
    await bar.stop()
    for _ in range(2):
        menu = await department.menu()
        assert not menu.is_open
        assert menu.titles == {"en": "Bar", "ko": "바"}
        assert menu.items == []
    await bar.open()
    assert (await department.knock()).is_open
    assert (await department.menu()).is_open


async def test_a_menu_that_was_never_seen_has_no_title() -> None:
    department = DepartmentClient("bar", WatchedChannel(HOST, free_port()), SHORT)
    menu = await department.menu()
    assert (menu.name, menu.is_open, menu.titles, menu.items) == ("bar", False, {}, [])
    with pytest.raises(Unreachable):
        await department.knock()
    department.close()


async def test_a_menu_that_hangs_delays_nobody_past_the_deadline(bar: Floor) -> None:
    department = bar.department(SHORT)
    bar.wire.way.clear()
    started = time.monotonic()
    assert not (await department.menu()).is_open
    assert time.monotonic() - started < 2.0
    calls = len(bar.wire.calls)
    assert not (await department.menu()).is_open
    assert len(bar.wire.calls) == calls
