"""The script of an evening: which steps are taken when. It depends on a seed and the menus, and on nothing else.

Guests, cooks and waiters are processes: generators that yield a step which they take, or how many seconds they wait.
One loop runs them in the order of their times, which are made up: nobody waits here.
"""

from collections import deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random
from uuid import UUID

from departments.domain.menu import Menu
from ops.demo.phrases import COOKS, REASONS, TABLES, WAITERS
from ops.demo.steps import Deliver, Leave, Line, Move, Place, Return, Sell, Step, Tick, Timed
from ops.demo.stock import Stock
from ops.demo.tables import make_order

Process = Generator[Step | float, None, None]

WAVE_SECONDS, BUSY_SECONDS = 100.0, 60.0
"""How long a wave of guests and the lull after it take together, and the wave alone."""

LOOK_SECONDS = 0.5
"""How often a cook who has nothing to do looks whether there is a ticket."""

AWAY_SECONDS = 14.0


@dataclass(frozen=True, slots=True)
class Slip:
    """A department's share of an order: the places of its lines that are to be made, with the lines."""

    department: str
    order_id: str
    lines: tuple[tuple[int, Line], ...]


def evening(seed: int, menus: Mapping[str, Menu]) -> Iterator[Timed]:
    """Yield the steps of an evening in the order of their times, without end."""
    return Evening(seed, menus).steps()


class Evening:
    """The people of an evening, and what they know of each other."""

    def __init__(self, seed: int, menus: Mapping[str, Menu]) -> None:
        """Nobody does anything before `steps` is read."""
        self._random = Random(seed)  # noqa: S311 - a made-up evening, the same for the same seed
        self._departments = list(menus)
        self._stock = Stock(menus)
        self._queues: dict[str, deque[Slip]] = {name: deque() for name in menus}
        self._back_at: dict[str, float] = {}
        self._now = 0.0
        self._numbers = count()
        self._waiting: list[tuple[float, int, Process]] = []

    def steps(self) -> Iterator[Timed]:
        """Yield the steps in the order of their times."""
        for name in self._departments:
            for cook in COOKS[name]:
                self._begin(self._cook(name, cook))
        for process in (self._guests(), self._absences(), self._sales(), self._cancels()):
            self._begin(process)
        while True:
            self._now, _, process = heappop(self._waiting)
            for step in process:
                if isinstance(step, float):
                    self._begin(process, step)
                    break
                yield Timed(self._now, step)

    def _begin(self, process: Process, seconds: float = 0.0) -> None:
        heappush(self._waiting, (self._now + seconds, next(self._numbers), process))

    def _between(self, least: float, most: float) -> float:
        return self._random.uniform(least, most)

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _present(self, department: str) -> Process:
        """Wait while a department is away, and a moment longer."""
        while self._now < self._back_at.get(department, 0.0):
            yield self._back_at[department] - self._now + self._between(2.0, 4.0)

    def _guests(self) -> Process:
        """Place orders in waves."""
        while True:
            lines = make_order(self._random, self._stock)
            order_id = self._id()
            yield Place(order_id, self._random.choice(TABLES), lines)
            taken = list(self._stock.sold(lines))
            for name in self._departments:
                own = tuple((place, line) for place, line in taken if line.department == name)
                if own:
                    self._begin(self._arrive(Slip(name, order_id, own)))
            is_busy = self._now % WAVE_SECONDS < BUSY_SECONDS
            yield self._between(2.5, 5.5) if is_busy else self._between(6.0, 12.0)

    def _arrive(self, slip: Slip) -> Process:
        """Put a ticket on its department's screen; see to it that what it used up comes in again."""
        yield from self._present(slip.department)
        self._queues[slip.department].append(slip)
        for _, line in slip.lines:
            if self._stock.is_gone(line.department, line.item):
                self._begin(self._restock(line.department, line.item))

    def _cook(self, department: str, name: str) -> Process:
        """Make one ticket after another."""
        queue = self._queues[department]
        while True:
            yield from self._present(department)
            if not queue:
                yield LOOK_SECONDS
                continue
            slip = queue.popleft()
            yield self._between(0.5, 2.5)
            yield from self._make(slip, name)
            self._begin(self._serve(slip))
            yield self._between(0.5, 2.0)

    def _make(self, slip: Slip, name: str) -> Process:
        yield from self._present(slip.department)
        yield self._move(slip, "start", "queued", name)
        for place, line in slip.lines:
            more = 1 + 0.3 * (line.quantity - 1)
            yield self._stock.prep_seconds(line) * more * self._between(0.7, 1.4)
            yield from self._present(slip.department)
            yield Tick(slip.department, slip.order_id, place, name)
        yield self._between(0.6, 1.5)
        yield from self._present(slip.department)
        yield self._move(slip, "finish", "preparing", name)

    def _serve(self, slip: Slip) -> Process:
        yield self._between(4.0, 14.0)
        yield from self._present(slip.department)
        yield self._move(slip, "serve", "ready", self._random.choice(WAITERS))

    def _restock(self, department: str, item: str) -> Process:
        yield self._between(25.0, 40.0)
        yield from self._present(department)
        if self._stock.is_gone(department, item):
            quantity = self._stock.opening(department, item)
            self._stock.add(department, item, quantity)
            yield Deliver(department, item, quantity, self._id(), self._random.choice(COOKS[department]))

    def _absences(self) -> Process:
        """Let one department after the other stop, and come back."""
        yield self._between(45.0, 60.0)
        while True:
            for name in self._random.sample(self._departments, len(self._departments)):
                self._back_at[name] = self._now + AWAY_SECONDS
                yield Leave(name)
                yield AWAY_SECONDS
                yield Return(name)
                yield self._between(90.0, 150.0)

    def _sales(self) -> Process:
        """Take an item off sale for a while, and put it back."""
        while True:
            yield self._between(20.0, 40.0)
            department = self._random.choice(self._departments)
            yield from self._present(department)
            item = self._random.choice(self._stock.items(department)).id
            cook = self._random.choice(COOKS[department])
            for on_sale in (False, True):
                self._stock.set_on_sale(department, item, on_sale=on_sale)
                yield Sell(department, item, on_sale, cook)
                yield self._between(25.0, 40.0)
                yield from self._present(department)

    def _cancels(self) -> Process:
        """Cancel a ticket that nobody has begun, with a reason, when there are several."""
        while True:
            yield self._between(40.0, 70.0)
            busy = [name for name in self._departments if len(self._queues[name]) > 1]
            if not busy:
                continue
            department = self._random.choice(busy)
            yield from self._present(department)
            if self._queues[department]:
                slip = self._queues[department].pop()
                reason = self._random.choice(REASONS[department])
                yield self._move(slip, "cancel", "queued", self._random.choice(COOKS[department]), reason)
                for _, line in slip.lines:
                    self._stock.add(department, line.item, line.quantity)

    def _move(self, slip: Slip, verb: str, expected: str, by: str, reason: str = "") -> Move:
        return Move(slip.department, slip.order_id, verb, expected, self._id(), by, reason)
