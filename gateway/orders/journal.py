"""The journal: every order as it was asked for and as it stands. The gateway's tables and statements.

New orders and changes of known ones share one group commit, so that one fsync serves many. A change that recovery could
derive again may be written later, with the next batch: it costs no fsync of its own.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from gateway.domain.currencies import Currency
from gateway.domain.errors import OrderUnreadable, TakenOver
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy, Status
from gateway.domain.transitions import Goal
from infra.db.database import (
    Database,
    Statement,
    encode_json,
    insert_records,
    statements_only,
    strings,
    update_records,
)
from infra.errors import DatabaseError
from infra.group_commit import GroupCommit

metadata = sa.MetaData()

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, doc="order of arrival"),
    sa.Column("order_id", sa.String(36), nullable=False, unique=True),
    sa.Column("policy", sa.String(16), nullable=False),
    sa.Column("placed_for", sa.String(64), doc="the table"),
    sa.Column("currency", sa.String(3), nullable=False, doc="ISO 4217, as it was configured when the order was taken"),
    sa.Column("lines", sa.Text, nullable=False, doc="JSON array of Line"),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("owed", sa.Text, doc="JSON object of department and Goal; NULL once nothing is owed"),
    sa.Column("answered", sa.Boolean, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.BigInteger, nullable=False, doc="number of the gateway that looks after it"),
    sa.Column("epoch", sa.BigInteger, nullable=False, doc="grows with every owner and every decision"),
    sa.Index("ix_orders_status_seq", "status", "seq"),
    sa.Index(
        "ix_orders_placed_for_seq",
        "placed_for",
        "seq",
        sqlite_where=sa.text("placed_for IS NOT NULL"),
        postgresql_where=sa.text("placed_for IS NOT NULL"),
    ),
    sa.Index(
        "ix_orders_unfinished",
        "seq",
        sqlite_where=sa.text("owed IS NOT NULL"),
        postgresql_where=sa.text("owed IS NOT NULL"),
    ),
)

gateways = sa.Table(
    "gateways",
    metadata,
    sa.Column(
        "number",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        doc="never given twice: who is taken for dead comes back under another one",
    ),
    sa.Column("renewals", sa.BigInteger, nullable=False, doc="grows as long as the gateway lives"),
    sqlite_autoincrement=True,
)

pulse = sa.Table(
    "pulse",
    metadata,
    sa.Column("only", sa.Boolean, primary_key=True, default=True),
    sa.Column("beats", sa.BigInteger, nullable=False, doc="written to see whether the journal can be"),
)

BATCH = 512
PATIENCE_SECONDS = 0.05

log = structlog.get_logger("journal")

_decode_lines = msgspec.json.Decoder(list[Line]).decode
_decode_owed = msgspec.json.Decoder(dict[str, Goal]).decode

_INSERT = Statement(lambda dialect: insert_records(dialect, orders, list(orders.c)[1:]).returning(orders.c.order_id))
_UPDATE = Statement(
    lambda dialect: update_records(
        dialect,
        orders,
        [orders.c.order_id, orders.c.owner],
        [orders.c.lines, orders.c.status, orders.c.owed, orders.c.response_recorded],
        version=orders.c.epoch,
    ).returning(orders.c.order_id, orders.c.owner)
)
_FIND = Statement(lambda dialect: sa.select(orders).where(orders.c.order_id.in_(strings(dialect, "order_ids"))))
_KNOWN = Statement(
    lambda dialect: sa.select(orders.c.order_id).where(orders.c.order_id.in_(strings(dialect, "order_ids")))
)


_Row = Order | OrderUnreadable

Ended = Callable[[Mapping[int, int]], Mapping[int, int]]
"""Of gateways, by number, with how often each has renewed its lease: returns those whose lease has ended."""


@dataclass(frozen=True, slots=True)
class Page:
    """Orders, newest first. `cursor` asks for the next page; None on the last. `unreadable` are missing in `orders`."""

    orders: list[Order]
    cursor: int | None
    unreadable: Sequence[OrderUnreadable] = ()


class Journal:
    """What the gateway writes down.

    Gateways may share a journal. Each has a number and a lease; an order has one owner, and only its owner writes it.

    Rows are read one by one. One that this version cannot read is logged and passed over, and keeps its owner and its
    epoch, so that a newer version takes it up.
    """

    def __init__(self, database: Database, report: "Callable[[OrderUnreadable], None] | None" = None) -> None:
        """Write to a database whose tables are in place.

        `report` is told of each order that cannot be read, once for each reason; by default it is logged.
        """
        self._database = database
        self._tell = report or _log_unreadable
        self.number = 0
        self._unreadable: dict[str, str] = {}
        self._logged: set[tuple[str, str]] = set()
        self._writes: GroupCommit[_Entry, Order | None] = GroupCommit(
            self._commit, limit=BATCH, max_delay=PATIENCE_SECONDS
        )

    def insert(self, order: Order) -> "asyncio.Future[Order | None]":
        """Write a new order; answers the one that has its id already, or None. Raises DatabaseError."""
        order.owner = self.number
        return self._writes.submit(_Entry(order, is_new=True))

    def update(self, order: Order) -> "asyncio.Future[Order | None]":
        """Write what became of an order, durable when it returns. Raises TakenOver, DatabaseError."""
        return self._writes.submit(_Entry(order))

    def update_later(self, order: Order) -> "asyncio.Future[Order | None]":
        """Write what became of an order when it costs least; what is written is the order as it is now."""
        return self._writes.submit_later(_Entry(order))

    @property
    def unreadable(self) -> int:
        """How many orders cannot be read, of those that were unfinished at the last claim or asked for since."""
        return len(self._unreadable)

    @property
    def is_shared(self) -> bool:
        """Tell whether other gateways may write to this journal."""
        return self._database.url.drivername != "sqlite"

    async def enlist(self) -> None:
        """Take a number, with a lease."""
        self.number = await self._database.write(_enlist)

    async def retire(self) -> None:
        """Give the lease back: others may take over at once what is unfinished."""
        await self._database.write(_retire, self.number)

    async def claim(self, ended: Ended, limit: int) -> list[Order] | None:
        """Renew the lease, and take over the oldest unfinished orders of gateways whose leases ended.

        Nobody shares a journal on SQLite: there every other gateway is one of the past, and `ended` is not asked.
        Answers None where others have taken this gateway for dead.
        """
        rows = await self._database.write(_claim, self.number, ended if self.is_shared else dict, limit)
        if rows is None:
            return None
        self._unreadable.clear()
        return self._readable(rows)

    async def take(self, order_id: str) -> Order | None:
        """Take over one order, whoever looks after it: from here on its owner's writes are fenced off.

        Raises OrderUnreadable, and then nothing has changed.
        """
        try:
            return await self._database.write(_take, self.number, order_id)
        except OrderUnreadable as error:
            self._report(error)
            raise

    async def flush(self) -> None:
        """Wait until everything that was given here is written."""
        await self._writes.drain()

    async def find(self, order_id: str) -> Order | None:
        """Read one order; raises OrderUnreadable."""
        for order in self._readable(await self._database.look_up(_find, [order_id]), demand=True):
            return order
        return None

    async def find_all(self, order_ids: Sequence[str]) -> dict[str, Order | OrderUnreadable]:
        """Read these orders, by their ids; unknown ones are left out."""
        rows = await self._database.look_up(_find, order_ids)
        self._readable(rows)
        return {row.order_id: row for row in rows}

    async def known(self, order_ids: Sequence[str]) -> set[str]:
        """Return those of these order ids that the journal has, whatever stands in their records."""
        return await self._database.read(_known, order_ids)

    async def renewals(self) -> dict[int, int]:
        """Return how often each gateway that has a lease has renewed it, by its number."""
        return await self._database.read(_renewals)

    async def page(
        self,
        limit: int,
        before: int | None,
        status: Status | None,
        table: str | None,
        *,
        also: Sequence[str] = (),
    ) -> Page:
        """Read a page of orders, newest first; `also` in their places these, which may be of another status here."""
        rows, cursor = await self._database.read(_page, limit, before, status, table, also)
        unreadable = tuple(row for row in rows if isinstance(row, OrderUnreadable))
        return Page(self._readable(rows), cursor, unreadable)

    async def unfinished(self) -> list[str]:
        """List the orders of this gateway that owe a department something, by their ids."""
        return await self._database.read(_unfinished, self.number)

    async def is_writable(self) -> bool:
        """Tell whether the journal takes writes, by writing."""
        try:
            await self._database.write(_touch)
        except DatabaseError as error:
            log.debug("the journal cannot be written", reason=str(error))
            return False
        return True

    def _readable(self, rows: "Sequence[Order | OrderUnreadable]", *, demand: bool = False) -> list[Order]:
        """Pass over what cannot be read, and report it; raises OrderUnreadable where all of it is demanded."""
        orders: list[Order] = []
        for row in rows:
            if isinstance(row, OrderUnreadable):
                self._report(row)
                if demand:
                    raise row
            else:
                orders.append(row)
                if self._unreadable:
                    self._unreadable.pop(row.order_id, None)
        return orders

    def _report(self, error: OrderUnreadable) -> None:
        """Count an order that cannot be read; it is logged once for each reason."""
        self._unreadable[error.order_id] = error.reason
        if (error.order_id, error.reason) not in self._logged:
            self._logged.add((error.order_id, error.reason))
            self._tell(error)

    async def _commit(self, entries: "list[_Entry]") -> "Sequence[Order | Exception | None]":
        return await self._database.write(_write, entries)


def _log_unreadable(error: OrderUnreadable) -> None:
    log.error("an order cannot be read", order_id=error.order_id, reason=error.reason)


class _Entry:
    """An order as it is when it is given here."""

    __slots__ = ("is_new", "order", "row")

    def __init__(self, order: Order, *, is_new: bool = False) -> None:
        self.order = order
        self.is_new = is_new
        self.row: dict[str, Any] = {
            "order_id": order.order_id,
            "policy": str(order.policy),
            "placed_for": order.table,
            "currency": order.currency.code,
            "lines": encode_json(order.lines),
            "status": str(order.status),
            "owed": encode_json(order.owed) if order.owed else None,
            "answered": order.response_recorded,
            "created_at_ms": order.created_at_ms,
            "owner": order.owner,
            "epoch": order.epoch,
        }

    @property
    def key(self) -> tuple[str, int]:
        return self.row["order_id"], self.row["owner"]


@statements_only
def _write(connection: sa.Connection, entries: "Sequence[_Entry]") -> "list[Order | Exception | None]":
    new = [entry.row for entry in entries if entry.is_new]
    inserted = _insert(connection, new)
    last: dict[tuple[str, int], _Entry] = {}
    for entry in entries:
        if not entry.is_new and (entry.key not in last or last[entry.key].row["epoch"] <= entry.row["epoch"]):
            last[entry.key] = entry
    updated = _UPDATE.run_rows(connection, [entry.row for entry in last.values()]) if last else ()
    known = _refused(connection, new, inserted)
    written = set(map(tuple, updated))

    def result(entry: _Entry) -> "Order | Exception | None":
        if entry.is_new:
            return known.get(entry.row["order_id"])
        is_written = entry.key in written and last[entry.key].order is entry.order
        return None if is_written else TakenOver(entry.row["order_id"])

    return [result(entry) for entry in entries]


def _insert(connection: sa.Connection, rows: list[dict[str, Any]]) -> Iterable[tuple[str]]:
    """Write new orders; answers the ids of those that were not there before."""
    if not rows:
        return ()
    rows.sort(
        key=itemgetter("order_id")
    )  # two gateways that are given the same orders wait for each other in one order
    return _INSERT.run_rows(connection, rows)


def _refused(
    connection: sa.Connection, rows: list[dict[str, Any]], inserted: Iterable[tuple[str]]
) -> "dict[str, _Row]":
    """Read the orders that were there before they could be inserted."""
    ids = {order_id for (order_id,) in inserted}
    refused = [row["order_id"] for row in rows if row["order_id"] not in ids]
    return {row.order_id: row for row in _find(connection, refused)} if refused else {}


def _find(connection: sa.Connection, order_ids: Sequence[str]) -> "list[_Row]":
    return [_read(row) for row in _FIND.run(connection, {"order_ids": encode_json(list(order_ids))})]


def _known(connection: sa.Connection, order_ids: Sequence[str]) -> set[str]:
    return {order_id for (order_id,) in _KNOWN.run(connection, {"order_ids": encode_json(list(order_ids))})}


def _renewals(connection: sa.Connection) -> dict[int, int]:
    return dict(connection.execute(sa.select(gateways.c.number, gateways.c.renewals)).all())


def _page(
    connection: sa.Connection,
    limit: int,
    before: int | None,
    status: Status | None,
    table: str | None,
    also: Sequence[str],
) -> "tuple[list[_Row], int | None]":
    query = sa.select(orders).order_by(orders.c.seq.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(orders.c.seq < before)
    if table is not None:
        query = query.where(orders.c.placed_for == table)
    of_status = query if status is None else query.where(orders.c.status == status.value)
    rows = list(connection.execute(of_status).all())
    if status is not None and also:
        # Two queries, each by an index: for one with OR the planner would read and sort all orders of the status.
        more = query.where(orders.c.order_id.in_(strings(connection.dialect, "order_ids")))
        by_seq = {row.seq: row for row in [*rows, *connection.execute(more, {"order_ids": encode_json(list(also))})]}
        rows = sorted(by_seq.values(), key=lambda row: row.seq, reverse=True)
    return [_read(row) for row in rows[:limit]], rows[limit - 1].seq if len(rows) > limit else None


def _enlist(connection: sa.Connection) -> int:
    number: int = connection.execute(sa.insert(gateways).values(renewals=0).returning(gateways.c.number)).scalar_one()
    return number


def _retire(connection: sa.Connection, owner: int) -> None:
    connection.execute(sa.delete(gateways).where(gateways.c.number == owner))


def _claim(connection: sa.Connection, owner: int, ended: Ended, limit: int) -> "list[_Row] | None":
    renewal = sa.update(gateways).where(gateways.c.number == owner).values(renewals=gateways.c.renewals + 1)
    if not connection.execute(renewal).rowcount:
        return None
    others = {number: count for number, count in _renewals(connection).items() if number != owner}
    if dead := ended(others):
        _strike_off(connection, dead)
    return _claim_alone(connection, owner, limit)


def _strike_off(connection: sa.Connection, dead: Mapping[int, int]) -> None:
    """End the leases of gateways that have renewed them so often, and not once more since."""
    query = sa.select(gateways.c.number, gateways.c.renewals).where(gateways.c.number.in_(list(dead)))
    locked = connection.execute(query.with_for_update(skip_locked=True)).all()  # one that is locked is being renewed
    gone = [number for number, count in locked if dead[number] == count]
    connection.execute(sa.delete(gateways).where(gateways.c.number.in_(gone)))


def _claim_alone(connection: sa.Connection, owner: int, limit: int) -> "list[_Row]":
    """Take over the oldest unfinished orders that no living gateway owns, as many as can be read.

    What cannot be read is answered as well, and keeps its owner and epoch.
    """
    seen: list[_Row] = []
    last = 0
    claimed: dict[int, Order] = {}
    while not claimed:
        alone = (
            sa.select(orders)
            .where(orders.c.owed.is_not(None), orders.c.owner.not_in(sa.select(gateways.c.number)))
            .where(orders.c.seq > last)
            .order_by(orders.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(alone).all()
        if not rows:
            break
        last = rows[-1].seq
        read = {row.seq: _read(row) for row in rows}
        seen += read.values()
        claimed = {seq: order for seq, order in read.items() if isinstance(order, Order)}
    if claimed:
        connection.execute(_owned_by(owner).where(orders.c.seq.in_(claimed)))
        for order in claimed.values():
            order.owner, order.epoch = owner, order.epoch + 1
    return seen


def _take(connection: sa.Connection, owner: int, order_id: str) -> Order | None:
    """Take an order over; raises OrderUnreadable, which rolls it back."""
    update = _owned_by(owner).where(orders.c.order_id == order_id).returning(*orders.c)
    row = connection.execute(update).one_or_none()
    if row is None:
        return None
    order = _read(row)
    if isinstance(order, OrderUnreadable):
        raise order
    return order


def _owned_by(owner: int) -> sa.Update:
    return sa.update(orders).values(owner=owner, epoch=orders.c.epoch + 1)


def _unfinished(connection: sa.Connection, owner: int) -> list[str]:
    query = sa.select(orders.c.order_id).where(orders.c.owed.is_not(None), orders.c.owner == owner)
    return list(connection.execute(query.order_by(orders.c.seq)).scalars())


def _touch(connection: sa.Connection) -> None:
    connection.execute(sa.update(pulse).values(beats=pulse.c.beats + 1))


def _read(row: Sequence[Any]) -> "_Row":
    """Read a row alone: what is wrong with one says nothing of the others."""
    try:
        return _order(row)
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        return OrderUnreadable(row[1], str(error))


def _order(row: Sequence[Any]) -> Order:
    _, order_id, policy, table, currency, lines, _, owed, answered, created_at_ms, owner, epoch = row
    order = Order(
        order_id,
        Policy(policy),
        table,
        Currency(currency),
        _decode_lines(lines),
        created_at_ms,
        _decode_owed(owed) if owed else {},
        bool(answered),
        owner=owner,
        epoch=epoch,
    )
    if order.owed.keys() - order.shares.keys():
        raise ValueError(f"it owes {', '.join(order.owed)} something, and has lines for {', '.join(order.shares)}")
    return order
