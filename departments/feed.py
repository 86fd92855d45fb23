"""The feed of a watch: reads the pages of changes for all who watch, and encodes each page once.

It reads when the department itself has committed; where other processes write to the database too, also when the
revision is another one, at which it looks while somebody watches; and every few seconds, for a sign of life. A page is
read at once after a quiet time. After a page that took some time to read and encode, the feed waits PACE times as long.

It publishes no more than RATE tickets a second for long: that is more than any staff can read, and beyond it each
ticket would take orders the processor time that they need. So in a flood the pages are late. Where the feed is
MOST_BEHIND revisions behind the department it goes on from the present, and its watchers begin anew with a snapshot.
What the staff do has a feed of its own, without this limit.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from departments.domain.changes import ChangePage, MenuOnSale
from departments.domain.errors import TooManyWatchers
from departments.domain.menu import Menu

T = TypeVar("T")

BEAT_SECONDS = 5.0
"""How long a watcher that is up to date may get nothing: then it gets a page without changes."""

LOOK_SECONDS = 0.1
LOOK_FOR_STEPS_SECONDS = 0.5
"""How often a feed looks at the revision of a database that other processes write to, too: one of all changes, and one
of the tickets with which the staff have taken a step."""

PACE = 5.0
PACE_BEHIND = 10.0
"""How much longer than it took to make a page the feed waits before it makes the next, and a watcher that reads for
itself, as it has come late or fallen behind."""

RATE = 100.0
BURST = 300.0
"""How many tickets a second a feed of all changes publishes, and how many at once after a quiet time."""

MOST_BEHIND = 8000
"""How many revisions a watcher may be behind the feed, and the feed behind the department. Tickets with which the staff
have taken a step are always read from where the watcher is: all of them would be more."""

MOST_PAUSE_SECONDS = 0.3
PAGES_KEPT = 64

MOST_WATCHERS = 64
"""How many may watch one feed at the same time."""


class Reader(Protocol):
    """Reads the pages of a watch; ChangeReader is one."""

    @property
    def menu(self) -> Menu:
        """The department's menu of this moment."""

    @property
    def is_shared(self) -> bool:
        """True where other processes, too, may write to the database."""

    async def position(self) -> tuple[int, str]:
        """Return the revision and the incarnation."""

    async def count_waiting(self) -> int:
        """Return how many tickets are queued or preparing."""

    async def changes_after(self, after: int, incarnation: str, until: int = 0, *, moved_only: bool) -> ChangePage:
        """Return the page of changes after a revision, up to `until` if it is given."""

    async def begin_snapshot(self, *, moved_only: bool) -> ChangePage:
        """Return the first page of a snapshot."""

    async def continue_snapshot(self, last: ChangePage, *, moved_only: bool) -> ChangePage:
        """Return the page of a snapshot that follows its page `last`."""

    async def menu_on_sale(self) -> MenuOnSale:
        """Return the menu with the stock of its items."""


@dataclass(slots=True, eq=False)
class Watcher:
    """One watch: the position after which it goes on, and what wakes it.

    `beat` is the number of the last sign of life that it knows, -1 before its first message; `menu` is the one that it
    has; before `not_before`, a time of the loop's clock, it does not read from the database for itself again.
    """

    incarnation: str
    revision: int
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    is_ended: bool = False
    beat: int = -1
    menu: Menu | None = None
    not_before: float = 0.0

    def end(self) -> None:
        """Let the watch end once the page that it is sending has been sent."""
        self.is_ended = True
        self.wake.set()


class Feed(Generic[T]):
    """The changes of one kind, for all who watch them. Nothing runs where nobody does."""

    def __init__(
        self,
        reader: Reader,
        commits: set[asyncio.Event],
        encode: Callable[[ChangePage], T],
        *,
        moved_only: bool,
    ) -> None:
        """Read by `reader`, and encode each page once.

        `commits` are the events that the department sets after its own commits.
        """
        self.incarnation = ""
        self.head = 0
        """The revision up to which the feed has read."""
        self.beats = 0
        """How many signs of life there were; `beat` is the last one, or None where a page came after it."""
        self.beat: T | None = None
        self.error: Exception | None = None
        """What ended the feed's task, and ends every watch."""
        self._reader = reader
        self._commits = commits
        self._encode = encode
        self._moved_only = moved_only
        self._look_seconds = LOOK_FOR_STEPS_SECONDS if moved_only else LOOK_SECONDS
        self._wake = asyncio.Event()
        self._watchers: dict[Watcher, None] = {}  # a dict, so that they are woken in the order in which they came
        self._task: asyncio.Task[None] | None = None
        self._pages: OrderedDict[int, tuple[int, T]] = OrderedDict()
        self._beat_at = 0.0
        self._count_at = 0.0
        self._waiting: int | None = None  # until it is published
        self._is_behind = False
        self._menu: Menu | None = None
        self._published_by = 0.0  # when what was published would have been, at RATE
        self._current_at = 0.0, 0  # when the department was at which revision
        self._is_flooded = False

    def revisions(self) -> list[int]:
        """Return how far each watcher is, as a copy, which may be made in another thread."""
        return [watcher.revision for watcher in list(self._watchers)]

    def page_after(self, revision: int) -> tuple[int, T] | None:
        """Return the page that follows a position, and the position after it, if it is kept."""
        return self._pages.get(revision)

    def catch_up(self) -> None:
        """Read now, and publish the position in any case: a watcher has read what the feed has yet to read."""
        self._is_behind = True
        self._wake.set()

    @contextmanager
    def joined(self, watcher: Watcher, current: int, incarnation: str) -> Iterator[None]:
        """Count a watcher; the feed's task begins with the first one and ends with the last."""
        if len(self._watchers) >= MOST_WATCHERS:
            raise TooManyWatchers(MOST_WATCHERS)
        if self._task is None or self._task.done():
            self.error = None
            self._start_at(current, incarnation)
            self._commits.add(self._wake)
            self._task = asyncio.get_running_loop().create_task(self._run())
        self._watchers[watcher] = None
        try:
            yield
        finally:
            del self._watchers[watcher]
            if not self._watchers:
                self._stop()

    def _stop(self) -> None:
        self._commits.discard(self._wake)
        self._pages.clear()
        self.beat = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def is_of_another_database(self, page: ChangePage, revision: int, incarnation: str) -> bool:
        """Return whether a page tells that the database was replaced; then all others begin anew."""
        if page.incarnation == incarnation and page.revision >= revision:
            return False
        self._start_at(page.revision, page.incarnation)
        for watcher in self._watchers:
            if watcher.incarnation != page.incarnation or watcher.revision > page.revision:
                watcher.incarnation = ""
        self._wake_watchers()
        return True

    def _start_at(self, revision: int, incarnation: str) -> None:
        self._pages.clear()
        self.head, self.incarnation = revision, incarnation
        self._menu = self._reader.menu
        self._beat_at = now_seconds() + BEAT_SECONDS

    async def _run(self) -> None:
        """Make pages until cancelled; what fails is raised to every watcher."""
        try:
            while True:
                await self._wait_for_news()
                began = now_seconds()
                tickets = await self._read_on()
                await asyncio.sleep(max(pause(began, PACE), self._ahead_of_rate(tickets)))
        except Exception as error:  # noqa: BLE001 - not swallowed: it is raised to every watcher
            self.error = error
            self._wake_watchers()

    async def _wait_for_news(self) -> None:
        """Wait until there may be a change, or the next sign of life is due."""
        while not self._wake.is_set() and (now := now_seconds()) < self._beat_at:
            look_at = now + self._look_seconds if self._reader.is_shared else self._beat_at
            try:
                async with asyncio.timeout_at(min(look_at, self._beat_at)):
                    await self._wake.wait()
            except TimeoutError:
                if self._reader.is_shared and await self._reader.position() != (self.head, self.incarnation):
                    break
        self._wake.clear()

    async def _read_on(self) -> int:
        """Read and publish the next page, unless there is nothing to tell; return how many tickets it has."""
        await self._count_waiting()
        after, incarnation = self.head, self.incarnation
        page = await self._reader.changes_after(after, incarnation, moved_only=self._moved_only)
        if (after, incarnation) != (self.head, self.incarnation):  # a watcher has found another database meanwhile
            self._wake.set()
            return 0
        if self.is_of_another_database(page, after, incarnation):
            return 0
        self._note_current(page.current)
        if not self._moved_only and page.current - page.revision > MOST_BEHIND:
            self._start_at(page.current, incarnation)  # the watchers are so far behind it that each gets a snapshot
            self._wake_watchers()
            return 0
        if not page.is_empty or self._is_behind or now_seconds() >= self._beat_at:
            self._publish(replace(page, waiting=self._waiting))
        elif self._menu is not self._reader.menu:
            self._wake_watchers()
        self._menu, self._is_behind = self._reader.menu, False
        if page.is_cut:
            self._wake.set()
        return len(page.tickets)

    def _ahead_of_rate(self, tickets: int) -> float:
        """Return how many seconds to wait so that it publishes no more than RATE tickets a second for long."""
        if self._moved_only:
            return 0.0
        now = now_seconds()
        self._published_by = max(self._published_by, now - BURST / RATE) + tickets / RATE
        return self._published_by - now

    def seconds_at_rate(self, page: ChangePage) -> float:
        """Return how long a page of a snapshot takes at RATE while there are more changes than the feed publishes."""
        return len(page.tickets) / RATE if self._is_flooded else 0.0

    def _note_current(self, current: int) -> None:
        """Note whether the department has changed faster than RATE, for a second or longer."""
        now, (at, before) = now_seconds(), self._current_at
        if now - at >= 1.0:
            self._is_flooded = at > 0 and current - before > RATE * (now - at)
            self._current_at = now, current

    async def _count_waiting(self) -> None:
        """Count the tickets that wait, every few seconds, for watchers who do not see all tickets."""
        if self._moved_only and now_seconds() >= self._count_at:
            self._waiting = await self._reader.count_waiting()
            self._count_at = now_seconds() + BEAT_SECONDS

    def _publish(self, page: ChangePage) -> None:
        message = self._encode(page)
        self._waiting = None
        if page.revision > self.head:
            self._pages[self.head] = page.revision, message
            self.head, self.beat = page.revision, None
            if len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        else:
            self.beats, self.beat = self.beats + 1, message
        self._beat_at = now_seconds() + BEAT_SECONDS
        self._wake_watchers()

    def _wake_watchers(self) -> None:
        for watcher in self._watchers:
            watcher.wake.set()


def now_seconds() -> float:
    """Return the time of the loop's clock."""
    return asyncio.get_running_loop().time()


def pause(began: float, pace: float) -> float:
    """Return how long to wait after a page whose making began at a time."""
    return min(pace * (now_seconds() - began), MOST_PAUSE_SECONDS)
