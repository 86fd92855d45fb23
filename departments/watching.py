"""Passes a department's changes to those who watch it.

A watcher is a position. The feed (feed.py) keeps the last pages by the position before each: a watcher takes the page
that follows its position, as fast as its connection lets it. One whose position has no page, because it has just come
or has fallen behind, reads from the database up to where the feed is, and begins anew with a snapshot where that is too
far. So a slow watcher costs a position and one page, and misses nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar

from departments.domain.changes import ChangePage
from departments.domain.menu import Menu
from departments.feed import MOST_BEHIND, PACE_BEHIND, Feed, Reader, Watcher, now_seconds, pause

T = TypeVar("T")


class Watch(Generic[T]):
    """The changes of one kind, and those who watch them."""

    def __init__(
        self,
        reader: Reader,
        commits: set[asyncio.Event],
        encode: Callable[[ChangePage], T],
        *,
        moved_only: bool = False,
    ) -> None:
        """`moved_only`: only tickets with which the staff have taken a step, and no stock and no menu.

        `encode` makes a page's message; `commits` are the events that the department sets after its own commits.
        """
        self._reader = reader
        self._encode = encode
        self._moved_only = moved_only
        self._feed = Feed(reader, commits, encode, moved_only=moved_only)
        self._menu_message: tuple[Menu, int, T] | None = None

    def revisions(self) -> list[int]:
        """Return how far each watcher is."""
        return self._feed.revisions()

    async def watch(self, watcher: Watcher) -> AsyncGenerator[T, None]:
        """Yield the messages of a watcher that begins at its position, until it is ended; raises DatabaseError.

        Raises TooManyWatchers, too.
        """
        current, incarnation = await self._reader.position()
        if watcher.incarnation != incarnation or watcher.revision > current or self._is_far_behind(watcher, current):
            watcher.incarnation = ""
        with self._feed.joined(watcher, current, incarnation):
            while not watcher.is_ended:
                if self._feed.error is not None:
                    raise self._feed.error
                if watcher.incarnation != self._feed.incarnation or self._is_far_behind(watcher, self._feed.head):
                    async for message in self._snapshot(watcher):
                        yield message
                elif kept := self._feed.page_after(watcher.revision):
                    watcher.revision, message = kept
                    yield message
                elif (news := await self._news_for(watcher)) is not None:
                    yield news
                elif watcher.revision >= self._feed.head:
                    await watcher.wake.wait()
                    watcher.wake.clear()

    def _is_far_behind(self, watcher: Watcher, revision: int) -> bool:
        return not self._moved_only and revision - watcher.revision > MOST_BEHIND

    async def _news_for(self, watcher: Watcher) -> T | None:
        """Return the message for a watcher whose position no page follows, or None."""
        if watcher.revision < self._feed.head:
            return await self._catch_up(watcher)
        if watcher.revision > self._feed.head:  # it has read what the feed has yet to read
            self._feed.catch_up()
        elif not self._moved_only and watcher.menu is not self._reader.menu:
            return await self._message_with_menu(watcher)
        elif watcher.beat < 0:
            watcher.beat = self._feed.beats
            return self._encode(ChangePage(watcher.incarnation, watcher.revision))
        elif watcher.beat != self._feed.beats:
            watcher.beat = self._feed.beats
            return self._feed.beat
        return None

    async def _message_with_menu(self, watcher: Watcher) -> T:
        made = self._menu_message
        if made is None or made[0] is not self._reader.menu or made[1] != watcher.revision:
            on_sale = await self._reader.menu_on_sale()
            page = ChangePage(watcher.incarnation, watcher.revision, menu=on_sale)
            made = self._menu_message = on_sale.menu, watcher.revision, self._encode(page)
        watcher.menu, watcher.beat = made[0], self._feed.beats
        return made[2]

    async def _catch_up(self, watcher: Watcher) -> T | None:
        """Read the page after a watcher's position, which the feed no longer has or never had."""
        await self._pause_before_reading(watcher)
        began = now_seconds()
        page = await self._reader.changes_after(
            watcher.revision, watcher.incarnation, self._feed.head, moved_only=self._moved_only
        )
        if self._feed.is_of_another_database(page, watcher.revision, watcher.incarnation):
            return None
        watcher.revision = page.revision
        message = self._encode(page)
        watcher.not_before = now_seconds() + pause(began, PACE_BEHIND)
        return message

    async def _pause_before_reading(self, watcher: Watcher) -> None:
        if (seconds := watcher.not_before - now_seconds()) > 0:
            await asyncio.sleep(seconds)

    async def _snapshot(self, watcher: Watcher) -> AsyncGenerator[T, None]:
        """Yield a snapshot, and move the watcher to its position."""
        page = await self._reader.begin_snapshot(moved_only=self._moved_only)
        watcher.menu = page.menu.menu if page.menu else None
        yield self._encode(page)
        while page.more and not watcher.is_ended:
            await self._pause_before_reading(watcher)
            began = now_seconds()
            page = await self._reader.continue_snapshot(page, moved_only=self._moved_only)
            message = self._encode(page)
            watcher.not_before = now_seconds() + max(pause(began, PACE_BEHIND), self._feed.seconds_at_rate(page))
            yield message
        watcher.incarnation, watcher.revision, watcher.beat = page.incarnation, page.revision, self._feed.beats
        self._feed.is_of_another_database(page, page.revision, self._feed.incarnation)


class Watching(Generic[T]):
    """A department's two watches: of all changes, and of the tickets with which the staff have taken a step."""

    def __init__(
        self,
        reader: Reader,
        all_commits: set[asyncio.Event],
        steps: set[asyncio.Event],
        encode: Callable[[ChangePage], T],
    ) -> None:
        """`all_commits` and `steps`: the events that the department sets after its commits; see Commits."""
        self._all = Watch(reader, all_commits, encode)
        self._moved = Watch(reader, steps, encode, moved_only=True)

    def revisions(self) -> list[int]:
        """Return how far each watcher is, of both watches."""
        return [*self._all.revisions(), *self._moved.revisions()]

    def watch(self, watcher: Watcher, *, moved_only: bool) -> AsyncGenerator[T, None]:
        """Yield the messages of a watcher that begins at its position, until it is ended; raises DatabaseError."""
        return (self._moved if moved_only else self._all).watch(watcher)
