"""Passes a department's changes to those who watch it.

A feed reads the pages of changes for all of its watchers, and each page is encoded once. It reads when the department
itself has committed; where other processes write to the database too, also when the revision is another one, at which
it looks while somebody watches; and every few seconds, for a sign of life. A page is read at once after a quiet time.
After a page that took some time to read and encode, the feed waits PACE times as long, so that under load one page has
many changes and the feed takes some 3 % of a processor.

A watcher is a position, and a feed keeps the last pages by the position before each: a watcher takes the page that
follows its position, as fast as its connection lets it. One whose position has no page, because it has just come or has
fallen behind, reads from the database up to where the feed is, and begins anew with a snapshot where that is too far.
So a slow watcher costs a position and one page, and misses nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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

PACE = 30.0
PACE_BEHIND = 10.0
"""How much longer than it took to make a page the feed waits before it makes the next; likewise a watcher that reads
for itself."""

MOST_PAUSE_SECONDS = 0.3
PAGES_KEPT = 64

MOST_BEHIND = 5000
"""How many revisions a watcher may be behind; one that is further behind gets a snapshot. Tickets with which the staff
have taken a step are always read from where the watcher is: all of them would be more."""

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
    """One watch: the position after which it goes on, and what wakes it."""

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
        moved_only: bool = False,
    ) -> None:
        """Read by `reader`, and encode each page once.

        `commits` are the events that the department sets after its own commits.
        """
        self._reader = reader
        self._commits = commits
        self._encode = encode
        self._moved_only = moved_only
        self._look_seconds = LOOK_FOR_STEPS_SECONDS if moved_only else LOOK_SECONDS
        self._wake = asyncio.Event()
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._incarnation = ""
        self._head = 0
        self._pages: OrderedDict[int, tuple[int, T]] = OrderedDict()
        self._beats = 0
        self._beat: T | None = None
        self._beat_at = 0.0
        self._is_behind = False
        self._menu: Menu | None = None
        self._menu_message: tuple[Menu, int, T] | None = None

    async def watch(self, watcher: Watcher) -> AsyncGenerator[T, None]:
        """Yield the messages of a watcher that begins at its position, until it is ended; raises DatabaseError.

        Raises TooManyWatchers, too.
        """
        current, incarnation = await self._reader.position()
        if watcher.incarnation != incarnation or watcher.revision > current or self._is_far_behind(watcher, current):
            watcher.incarnation = ""
        with self._joined(watcher, current, incarnation):
            while not watcher.is_ended:
                if self._error is not None:
                    raise self._error
                if watcher.incarnation != self._incarnation or self._is_far_behind(watcher, self._head):
                    async for message in self._snapshot(watcher):
                        yield message
                elif kept := self._pages.get(watcher.revision):
                    watcher.revision, message = kept
                    yield message
                elif (news := await self._news_for(watcher)) is not None:
                    yield news
                elif watcher.revision >= self._head:
                    await watcher.wake.wait()
                    watcher.wake.clear()

    def _is_far_behind(self, watcher: Watcher, revision: int) -> bool:
        return not self._moved_only and revision - watcher.revision > MOST_BEHIND

    async def _news_for(self, watcher: Watcher) -> T | None:
        """Return the message for a watcher whose position no page follows, or None."""
        if watcher.revision < self._head:
            return await self._catch_up(watcher)
        if watcher.revision > self._head:  # it has read what the feed has yet to read
            self._is_behind = True
            self._wake.set()
        elif not self._moved_only and watcher.menu is not self._reader.menu:
            return await self._message_with_menu(watcher)
        elif watcher.beat < 0:
            watcher.beat = self._beats
            return self._encode(ChangePage(watcher.incarnation, watcher.revision))
        elif watcher.beat != self._beats:
            watcher.beat = self._beats
            return self._beat
        return None

    async def _message_with_menu(self, watcher: Watcher) -> T:
        made = self._menu_message
        if made is None or made[0] is not self._reader.menu or made[1] != watcher.revision:
            on_sale = await self._reader.menu_on_sale()
            page = ChangePage(watcher.incarnation, watcher.revision, menu=on_sale)
            made = self._menu_message = on_sale.menu, watcher.revision, self._encode(page)
        watcher.menu, watcher.beat = made[0], self._beats
        return made[2]

    async def _catch_up(self, watcher: Watcher) -> T | None:
        """Read the page after a watcher's position, which the feed no longer has or never had."""
        await self._pause_before_reading(watcher)
        began = _now()
        page = await self._reader.changes_after(
            watcher.revision, watcher.incarnation, self._head, moved_only=self._moved_only
        )
        if self._is_of_another_database(page, watcher.revision, watcher.incarnation):
            return None
        watcher.revision = page.revision
        message = self._encode(page)
        watcher.not_before = _now() + _pause(began, PACE_BEHIND)
        return message

    async def _pause_before_reading(self, watcher: Watcher) -> None:
        if (seconds := watcher.not_before - _now()) > 0:
            await asyncio.sleep(seconds)

    async def _snapshot(self, watcher: Watcher) -> AsyncGenerator[T, None]:
        """Yield a snapshot, and move the watcher to its position."""
        page = await self._reader.begin_snapshot(moved_only=self._moved_only)
        watcher.menu = page.menu.menu if page.menu else None
        yield self._encode(page)
        while page.more and not watcher.is_ended:
            await self._pause_before_reading(watcher)
            began = _now()
            page = await self._reader.continue_snapshot(page, moved_only=self._moved_only)
            message = self._encode(page)
            watcher.not_before = _now() + _pause(began, PACE_BEHIND)
            yield message
        watcher.incarnation, watcher.revision, watcher.beat = page.incarnation, page.revision, self._beats
        self._is_of_another_database(page, self._head, self._incarnation)

    # --- the feed's own task ---

    @contextmanager
    def _joined(self, watcher: Watcher, current: int, incarnation: str) -> Iterator[None]:
        """Count a watcher; the feed's task begins with the first one and ends with the last."""
        if len(self._watchers) >= MOST_WATCHERS:
            raise TooManyWatchers(MOST_WATCHERS)
        if self._task is None or self._task.done():
            self._error = None
            self._start_at(current, incarnation)
            self._commits.add(self._wake)
            self._task = asyncio.get_running_loop().create_task(self._run())
        self._watchers.add(watcher)
        try:
            yield
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                self._stop()

    def _stop(self) -> None:
        self._commits.discard(self._wake)
        self._pages.clear()
        self._beat = self._menu_message = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _is_of_another_database(self, page: ChangePage, revision: int, incarnation: str) -> bool:
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
        self._head, self._incarnation = revision, incarnation
        self._menu = self._reader.menu
        self._beat_at = _now() + BEAT_SECONDS

    async def _run(self) -> None:
        """Make pages until cancelled; what fails is raised to every watcher."""
        try:
            while True:
                await self._wait_for_news()
                began = _now()
                is_cut = await self._read_on()
                await asyncio.sleep(_pause(began, PACE_BEHIND if is_cut else PACE))
        except Exception as error:  # noqa: BLE001 - not swallowed: it is raised to every watcher
            self._error = error
            self._wake_watchers()

    async def _wait_for_news(self) -> None:
        """Wait until there may be a change, or the next sign of life is due."""
        while not self._wake.is_set() and (now := _now()) < self._beat_at:
            look_at = now + self._look_seconds if self._reader.is_shared else self._beat_at
            try:
                async with asyncio.timeout_at(min(look_at, self._beat_at)):
                    await self._wake.wait()
            except TimeoutError:
                if self._reader.is_shared and await self._reader.position() != (self._head, self._incarnation):
                    break
        self._wake.clear()

    async def _read_on(self) -> bool:
        """Read and publish the next page, unless there is nothing to tell; return whether more changes wait."""
        page = await self._reader.changes_after(self._head, self._incarnation, moved_only=self._moved_only)
        if self._is_of_another_database(page, self._head, self._incarnation):
            return False
        if not page.is_empty or self._is_behind or _now() >= self._beat_at:
            self._publish(page)
        elif self._menu is not self._reader.menu:
            self._wake_watchers()
        self._menu, self._is_behind = self._reader.menu, False
        if page.is_cut:
            self._wake.set()
        return page.is_cut

    def _publish(self, page: ChangePage) -> None:
        message = self._encode(page)
        if page.revision > self._head:
            self._pages[self._head] = page.revision, message
            self._head, self._beat = page.revision, None
            if len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        else:
            self._beats, self._beat = self._beats + 1, message
        self._beat_at = _now() + BEAT_SECONDS
        self._wake_watchers()

    def _wake_watchers(self) -> None:
        for watcher in self._watchers:
            watcher.wake.set()


class Watching(Generic[T]):
    """A department's two feeds: of all changes, and of the tickets with which the staff have taken a step."""

    def __init__(
        self,
        reader: Reader,
        all_commits: set[asyncio.Event],
        steps: set[asyncio.Event],
        encode: Callable[[ChangePage], T],
    ) -> None:
        """`all_commits` and `steps`: the events that the department sets after its commits; see Commits."""
        self._all = Feed(reader, all_commits, encode)
        self._moved = Feed(reader, steps, encode, moved_only=True)

    def watch(self, watcher: Watcher, *, moved_only: bool) -> AsyncGenerator[T, None]:
        """Yield the messages of a watcher that begins at its position, until it is ended; raises DatabaseError."""
        return (self._moved if moved_only else self._all).watch(watcher)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _pause(began: float, pace: float) -> float:
    """Return how long to wait after work that began at a time."""
    return min(pace * (_now() - began), MOST_PAUSE_SECONDS)
