"""What is new reaches a client by its sink while its response's task waits, and by that task where the sink cannot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.tickets.log import PIECE_BYTES
from gateway.tickets.readers import Reading
from tests.gateway.tickets.test_readers import Client, Restaurant
from tests.support.event_stream import Parser, Screen
from tests.support.fake_watches import live_ticket, page
from tests.support.waiting import until


@dataclass
class Sent:
    """A sink, which is open at first, and what the client got by it and by its task, in order."""

    is_open: bool = True
    by_sink: list[bytes] = field(default_factory=list)
    by_task: list[bytes] = field(default_factory=list)
    all: list[bytes] = field(default_factory=list)

    def deliver(self, reading: Reading, content: bytes) -> bool:
        if not self.is_open:
            return False
        self.by_sink.append(content)
        self.all.append(content)
        if len(content) >= PIECE_BYTES:
            reading.pause(0.001)
        return True

    async def send(self, reading: Reading) -> None:
        while content := await reading.read():
            self.by_task.append(content)
            self.all.append(content)

    @property
    def screen(self) -> Screen:
        screen, parser = Screen(), Parser()
        for content in self.all:
            screen.take(parser.feed(content))
        return screen


@asynccontextmanager
async def followed(restaurant: Restaurant) -> AsyncIterator[tuple[Sent, Reading, "asyncio.Task[None]"]]:
    """Let a client follow that has received all that there is."""
    sent, reading = Sent(), Client(restaurant).reading
    task = asyncio.create_task(sent.send(reading))
    await asyncio.sleep(0)
    reading.sink = sent
    sent.by_task.clear()
    yield sent, reading, task
    reading.end()
    await asyncio.wait([task])


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_changes_in_one_turn_of_the_loop_is_one_piece_by_the_sink() -> None:
    restaurant = Restaurant()
    async with followed(restaurant) as (sent, _, _):
        restaurant.enter(page(1, live_ticket("o1", 1, moved_at_ms=1)))
        restaurant.enter(page(2, live_ticket("o2", 2, moved_at_ms=1)))
        await turns()
        assert (len(sent.by_sink), sent.by_task) == (1, [])
        assert {order_id for _, order_id in sent.screen.tickets} == {"o1", "o2"}


async def test_what_the_sink_cannot_send_the_task_sends_once_and_in_order() -> None:
    restaurant = Restaurant()
    async with followed(restaurant) as (sent, _, _):
        for number in range(1, 31):
            sent.is_open = number % 3 != 0
            restaurant.enter(page(number, live_ticket("o1", number, moved_at_ms=number)))
            await turns()
        assert len(sent.by_sink) == 20
        assert len(sent.by_task) == 10
        assert sent.screen.tickets["bar", "o1"]["revision"] == 30


async def test_more_than_a_piece_follows_by_the_sink_alone() -> None:
    restaurant = Restaurant()
    async with followed(restaurant) as (sent, _, _):
        restaurant.enter(page(500, *(live_ticket(f"o{number}", number) for number in range(1, 501))))
        await until(lambda: len(sent.screen.tickets) == 500)
        assert len(sent.by_sink) > 2
        assert sent.by_task == []


async def test_a_reading_that_ends_sends_nothing_by_its_sink_and_lets_its_task_end() -> None:
    restaurant = Restaurant()
    async with followed(restaurant) as (sent, reading, task):
        restaurant.enter(page(1, live_ticket("o1", 1, moved_at_ms=1)))
        reading.end()
        async with asyncio.timeout(5):
            await task
        assert sent.by_sink == []


async def test_a_task_that_was_cancelled_gets_nothing_more() -> None:
    restaurant = Restaurant()
    async with followed(restaurant) as (sent, _, task):
        restaurant.enter(page(1, live_ticket("o1", 1, moved_at_ms=1)))
        task.cancel()
        await asyncio.wait([task])
        await turns()
        assert sent.by_sink == []


async def test_a_client_whose_sink_fails_keeps_nothing_from_the_others() -> None:
    restaurant, failures = Restaurant(), list[BaseException]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))
    async with followed(restaurant) as (first, one, _), followed(restaurant) as (second, other, _):
        one.sink = other.sink = FailsOnce(first, second)
        restaurant.enter(page(1, live_ticket("o1", 1, moved_at_ms=1)))
        await turns()
        assert list(map(str, failures)) == ["of the first"]
        assert len(first.by_sink) + len(second.by_sink) == 1


class FailsOnce:
    """A sink of several clients, which fails for the first of them."""

    def __init__(self, *sent: Sent) -> None:
        self._sent = list(sent)
        self._has_failed = False

    def deliver(self, reading: Reading, content: bytes) -> bool:
        if not self._has_failed:
            self._has_failed = True
            raise OSError("of the first")
        return self._sent[0].deliver(reading, content)
