"""The log of events: of each ticket, item, menu and order the latest state only, in the order of their changes.

A reader has a cursor, the number of the last entry that it was given, and gets what follows in pieces. Readers at the
same cursor that want the same get the same bytes, which are made once. A state is encoded when the first reader gets
it. A reader that is slow skips states that newer ones have replaced; where an entry that it would need was dropped, it
has to begin anew (readers.py).
"""

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any, NamedTuple

from gateway.domain.tickets import Position, availability, called_number
from gateway.tickets.positions import VOID, vector, write_id

PIECE_BYTES = 32 * 1024
"""About how much a reader is given at once; one that does not read keeps no more than this in memory."""

MOST_ORDERS = 1000
"""Orders that are kept, those that changed last."""

MOST_URGENT = 256
"""Urgent entries that a reader may get before those that were entered earlier."""

COMPACT = 256
"""Replaced entries are removed when there are more than this, and more than others."""

ORDERS = ""
"""Stands for a department in an entry that belongs to none."""

FULL_PIECES = 64
"""Pieces that are kept for readers that are behind."""

Key = tuple[str, str, str]
"""Kind, department, and id within it."""


class Public(StrEnum):
    """What people may see who may not see tickets. Neither has positions, which count orders."""

    MENU = "menu"
    """What is on the menus, and how much of it can be had."""
    BOARD = "board"
    """The numbers of the tickets, and how far they are."""


KINDS: Mapping[Public, frozenset[str]] = {
    Public.MENU: frozenset({"stock", "menu", "department", "reset"}),
    Public.BOARD: frozenset({"ticket", "department", "reset"}),
}
"""The kinds of entries of which these see something."""

EXTRACTS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "stock": ("item", availability),
    "ticket": ("number", called_number),
}
"""Of which entries they see an extract: the kind of its event, and what makes it of the state."""


class Wanted(NamedTuple):
    """What a reader wants: the departments, None for all and for the orders, too; or only what is public."""

    departments: frozenset[str] | None = None
    public: Public | None = None

    def includes(self, department: str) -> bool:
        """Return whether a reader wants entries of a department, or of `ORDERS`."""
        if self.public is not None and department == ORDERS:
            return False
        return self.departments is None or department in self.departments

    def wants(self, entry: "Entry") -> bool:
        """Return whether a reader wants an entry."""
        return self.includes(entry.department) and (self.public is None or entry.kind in KINDS[self.public])

    def includes_any(self, departments: Collection[str]) -> bool:
        """Return whether a reader wants the entries of one of some departments."""
        if self.departments is None:
            return self.public is None or any(map(self.includes, departments))
        return not self.departments.isdisjoint(departments)


@dataclass(eq=False, slots=True)
class Entry:
    """A state: of which kind, of which department, since which of its revisions, and when it was entered."""

    number: int
    kind: str
    department: str
    id: str
    revision: int
    at: float
    state: Any
    is_current: bool = True
    frame: bytes = b""
    extract: bytes = b""
    """The same for readers of what is public, where that is something else."""
    is_urgent: bool = False


class Piece(NamedTuple):
    """Bytes for a reader, and the cursor after them."""

    content: bytes
    cursor: int


_Place = tuple[int, Wanted, int]
"""Where a reader is: its cursor, what it wants, and the entry up to which it has received the urgent ones."""


class EventLog:
    """The entries, and where the departments are."""

    def __init__(self, encode: Callable[[Any], bytes], monotonic: Callable[[], float]) -> None:
        """`encode` returns a state as JSON without line breaks."""
        self._encode = encode
        self._monotonic = monotonic
        self._entries: list[Entry] = []
        self._current: dict[Key, Entry] = {}
        self._orders: dict[str, Entry] = {}
        self._dropped_to: dict[str, int] = {}
        self._dropped_of: dict[Wanted, int] = {}
        self._positions: dict[str, Position | None] = {}
        self._urgent: deque[Entry] = deque(maxlen=MOST_URGENT)
        self._pieces: dict[_Place, Piece] = {}
        self._full_pieces: OrderedDict[_Place, Piece] = OrderedDict()
        self._id = VOID
        self.end = 0

    @property
    def last_urgent(self) -> int:
        """Return the number of the last urgent entry, 0 where there is none."""
        return self._urgent[-1].number if self._urgent else 0

    @property
    def id(self) -> str:
        """The id of the present: who has received everything to the log's end resumes from it."""
        return self._id

    def add(
        self, kind: str, department: str, name: str, state: Any, revision: int = 0, *, is_urgent: bool = False
    ) -> Entry:
        """Enter a state, which replaces the one before it of the same kind, department and name (its id there).

        A reader that has much to catch up with gets an urgent entry before others.
        """
        key = kind, department, name
        self._remove(key)
        self.end += 1
        entry = Entry(self.end, kind, department, name, revision, self._monotonic(), state, is_urgent=is_urgent)
        self._entries.append(entry)
        if is_urgent:
            self._urgent.append(entry)
            self._full_pieces.clear()  # a reader that has this entry must not get the one before it
        self._current[key] = entry
        self._pieces.clear()
        return entry

    def add_order(self, order_id: str, frame: bytes) -> bool:
        """Enter an order, encoded; return False where its entry has the same bytes."""
        known = self._orders.get(order_id)
        if known is not None and known.frame == frame:
            return False
        entry = self._orders[order_id] = self.add("order", ORDERS, order_id, None)
        entry.frame = frame
        if len(self._orders) > MOST_ORDERS:
            self.drop("order", ORDERS, next(iter(self._orders)))
        return True

    def drop(self, kind: str, department: str, id: str) -> None:  # noqa: A002
        """Remove a state that no other replaces: a reader that has not received it has to begin anew."""
        if entry := self._remove((kind, department, id)):
            self._dropped_to[department] = max(self._dropped_to.get(department, 0), entry.number)
            self._dropped_of.clear()
            self._pieces.clear()

    def reset(self, department: str) -> None:
        """Remove what is known of a department, and tell readers that it is void."""
        for key in [key for key in self._current if key[1] == department and key[0] != "department"]:
            self._remove(key)
        self.add("reset", department, "", {"departments": [department]})

    def move(self, department: str, position: Position | None) -> None:
        """Note where a department is, after everything to there was entered."""
        if self._positions.get(department) != position:
            self._positions[department] = position
            self._id = write_id(self.vector())
            self._pieces.clear()

    def vector(self) -> dict[str, tuple[str, int]]:
        """Return the departments' positions."""
        return vector(self._positions)

    def revisions(self, wanted: Wanted) -> Mapping[str, int]:
        """Return the revisions of the departments that are wanted."""
        return {
            name: position.revision
            for name, position in self._positions.items()
            if position is not None and wanted.includes(name) and wanted.public is None
        }

    def order(self, order_id: str) -> Entry | None:
        """Return an order's entry, if it is kept."""
        return self._orders.get(order_id)

    def dropped_to(self, wanted: Wanted) -> int:
        """Return the number of the last entry that was dropped, of those that are wanted: tickets and orders are."""
        known = self._dropped_of.get(wanted)
        if known is None:
            numbers = (number for name, number in self._dropped_to.items() if wanted.includes(name))
            known = 0 if wanted.public is Public.MENU else max(numbers, default=0)
            self._dropped_of[wanted] = known
        return known

    def piece(self, cursor: int, wanted: Wanted, urgent_to: int = 0) -> Piece:
        """Return what follows a cursor; the same object for all readers that are there.

        `urgent_to` is the number of the entry up to which the reader has received the urgent ones.
        """
        key = cursor, wanted, max(cursor, urgent_to)
        found = self._pieces.get(key) or self._full_pieces.get(key)
        if found is None:
            found = self.select(
                cursor,
                self.end,
                lambda entry: wanted.wants(entry) and not (entry.is_urgent and entry.number <= urgent_to),
                wanted.public,
            )
            self._keep(key, found)
        return found

    def _keep(self, key: "_Place", piece: Piece) -> None:
        """Keep a piece: one that reaches the end until something changes, a full one until there are too many.

        A state in a full piece may be replaced by then: its reader gets the new one with a later piece.
        """
        if piece.cursor == self.end:
            self._pieces[key] = piece
            return
        self._full_pieces[key] = piece
        if len(self._full_pieces) > FULL_PIECES:
            self._full_pieces.popitem(last=False)

    def urgent_after(self, number: int, wanted: Wanted) -> bytes:
        """Return the wanted urgent entries after an entry, without an id: what was entered before them is to follow."""
        entries = [each for each in self._urgent if each.number > number and each.is_current]
        return b"".join(self._frame_for(wanted.public, each) for each in entries if wanted.wants(each))

    def select(self, cursor: int, last: int, wants: Callable[[Entry], bool], public: Public | None = None) -> Piece:
        """Return the first wanted entries after a cursor, to the entry `last` at most."""
        frames: list[bytes] = []
        length = 0
        for entry in self.after(cursor):
            if entry.number > last:
                break
            if length >= PIECE_BYTES:
                return Piece(b"".join(frames), cursor)
            cursor = entry.number
            if wants(entry):
                frames.append(self._frame_for(public, entry))
                length += len(frames[-1])
        cursor = last
        if frames and cursor == self.end and public is None:
            frames.insert(-1, b"id: %b\n" % self._id.encode())
        return Piece(b"".join(frames), cursor)

    def after(self, cursor: int) -> Iterator[Entry]:
        """Yield the current entries after a cursor."""
        start = bisect_right(self._entries, cursor, key=attrgetter("number"))
        for place in range(start, len(self._entries)):
            entry = self._entries[place]
            if entry.is_current:
                yield entry

    def frame(self, entry: Entry) -> bytes:
        """Return an entry as an event, encoded once."""
        if not entry.frame:
            entry.frame = event(entry.kind, self._encode(entry.state), VOID if entry.kind == "reset" else "")
        return entry.frame

    def _frame_for(self, public: Public | None, entry: Entry) -> bytes:
        """Return an entry as an event for readers of all, or of what is public; either is encoded once."""
        if public is None or entry.kind not in EXTRACTS:
            return self.frame(entry)
        if not entry.extract:
            kind, extract_of = EXTRACTS[entry.kind]
            entry.extract = event(kind, self._encode(extract_of(entry.state)))
        return entry.extract

    def event(self, kind: str, state: Any, id: str = "") -> bytes:  # noqa: A002
        """Return an event that is not in the log."""
        return event(kind, self._encode(state), id)

    def _remove(self, key: Key) -> Entry | None:
        entry = self._current.pop(key, None)
        if entry is None:
            return None
        entry.is_current = False
        entry.state = None
        entry.frame = entry.extract = b""
        if key[0] == "order":
            del self._orders[key[2]]
        if len(self._entries) > 2 * len(self._current) + COMPACT:
            self._entries = [each for each in self._entries if each.is_current]
        return entry


def event(kind: str, data: bytes, id: str = "") -> bytes:  # noqa: A002
    """Return a server-sent event; `data` has no line breaks."""
    named = b"id: %b\n" % id.encode() if id else b""
    return b"%bevent: %b\ndata: %b\n\n" % (named, kind.encode(), data)
