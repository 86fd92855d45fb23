"""The departments as the gateway sees them: a channel each, batched calls, deadlines, and a breaker.

What is asked of a department while a few calls are in flight gathers for the next call. A call that gets no response is
made once more at once, within its deadline; if that fails too the breaker opens, and whatever is asked then ends with
`Unreachable` without a call, until a call gets through again (see backlog.py, which makes it). Orders are placed on a
stream that stays open (see order_stream.py); what is said of calls here goes for a batch on it as well.

The breaker counts failures of transport. A gRPC status is a response: it refuses what was asked (`Refused`), or leaves
it undecided (`NotNow`), and so does a fault of this program, which is logged with its traceback.

FloorError
├── Unreachable          no response: whether the department did it is not known
├── NotNow               a response that decides nothing, or a fault of this program
├── Refused              the department will not do it
│   └── IdTaken              it has another order under this id
└── NotConfigured        the gateway's settings do not name the department any more
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypedDict, TypeVar

import structlog
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from gateway.department_client.stream import OrderStream, StreamRefused
from gateway.domain.order import Goal, LineResult, Order, Outcome, TicketResult, TicketState
from generated.restaurant import v1
from infra.group_commit import GroupCommit
from infra.grpc.peer_guard import WatchedChannel, is_transport_failure
from infra.request_ids import HEADER, current_request_id

R = TypeVar("R")

log = structlog.get_logger("floor")

_FINAL = frozenset({
    Status.INVALID_ARGUMENT,
    Status.NOT_FOUND,
    Status.ALREADY_EXISTS,
    Status.FAILED_PRECONDITION,
    Status.OUT_OF_RANGE,
})  # fmt: skip
"""What a department says of an order itself, and would say again."""

_SPLIT = _FINAL | {Status.RESOURCE_EXHAUSTED}
"""What a department may say of a batch because of one order in it, or of its size: half of it may pass."""

_AWAY = frozenset({
    Status.UNAVAILABLE,
    Status.DEADLINE_EXCEEDED,
    Status.UNAUTHENTICATED,
    Status.PERMISSION_DENIED,
})  # fmt: skip
"""What counts as no response. The last two concern the caller, so every call: a setting or a certificate is wrong."""

LOG_SECONDS = 10.0
"""How often the same kind of response, or of fault, is logged for a department."""

_OUTCOMES = {
    v1.Outcome.from_string(outcome.name): outcome
    for outcome in (
        Outcome.ACCEPTED,
        Outcome.OUT_OF_STOCK,
        Outcome.NOT_ON_MENU,
        Outcome.PRICE_CHANGED,
        Outcome.CANCELLED,
    )
}
_STATES = {
    v1.TicketState.from_string("UNSPECIFIED" if state is TicketState.NONE else state.name): state
    for state in TicketState
}


class DepartmentCallError(Exception):
    """A department did not do what it was asked."""


class Unreachable(DepartmentCallError):
    """No response: whether the department did it is not known. Asking again is safe."""


class Deferred(DepartmentCallError):
    """Nothing was decided, by a department that could be reached. Asking again is safe; `cause` is for the log."""

    def __init__(self, department: str, cause: str) -> None:
        super().__init__(f"{department} cannot take it now; it is still being tried")
        self.cause = cause


class Refused(DepartmentCallError):
    """The department will not do it, however often it is asked."""


class IdTaken(Refused):
    """The department has another order under this id."""


class NotConfigured(DepartmentCallError):
    """The gateway's settings do not name the department any more."""

    def __init__(self, department: str) -> None:
        super().__init__(f"there is no department {department} any more")


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An item on a department's menu, with how many are left; price in minor units."""

    id: str
    titles: dict[str, str]
    price: int
    available: int


@dataclass(frozen=True, slots=True)
class MenuSnapshot:
    """A department's menu; `is_open` is False where the department could not be asked just now."""

    name: str
    is_open: bool
    titles: dict[str, str] = field(default_factory=dict)
    items: list[MenuItem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How departments are called. `deadline` in seconds."""

    deadline: float = 2.0
    calls_in_flight: int = 2
    orders_per_call: int = 256


class PendingCall(NamedTuple):
    """An order, and the epoch under which something is asked for it: not that of the moment when it is sent.

    `request_id` names the request for which it is asked, if that is still being served.
    """

    order: Order
    epoch: int
    request_id: str | None = None


class DepartmentClient:
    """One department, at the other end of a channel."""

    def __init__(self, name: str, channel: WatchedChannel, calling: CallPolicy) -> None:
        """Speak with the department over a channel that connects, and reconnects, by itself."""
        self.name = name
        self._channel = channel
        self._stub = v1.DepartmentServiceStub(channel)
        self._stream = OrderStream(channel)
        self.calling = calling
        self.on_failure: Callable[[], None] = _nobody
        self._last_menu = MenuSnapshot(name, False)
        self.is_reachable = True
        self.was_reached = False
        self._silent_until: dict[str, float] = {}
        self._asks: dict[Goal, GroupCommit[PendingCall, TicketResult]] = {
            goal: GroupCommit(self._asker(goal), limit=calling.orders_per_call, concurrency=calling.calls_in_flight)
            for goal in Goal
        }

    def ask(self, goal: Goal, order: Order) -> "asyncio.Future[TicketResult]":
        """Ask for one thing for one order, in company; raises Unreachable, NotNow or Refused."""
        if self.is_reachable:
            return self._asks[goal].submit(PendingCall(order, order.epoch, current_request_id()))
        refusal: asyncio.Future[TicketResult] = asyncio.get_running_loop().create_future()
        refusal.set_exception(self._unreachable())
        return refusal

    async def try_again(self, goal: Goal, orders: list[Order]) -> "Sequence[TicketResult | Exception]":
        """Make one call, whatever the breaker says: it is what closes it. Raises Unreachable."""
        asks = [PendingCall(order, order.epoch) for order in orders]
        try:
            return await self._guarded(lambda due: self._call_or_split(goal, asks, due))
        except (Deferred, Refused) as error:
            return [error] * len(orders)

    async def menu(self) -> MenuSnapshot:
        """Ask for the menu; where the department cannot be asked, answer the last one known, closed."""
        if not self.is_reachable:
            return self._closed()
        try:
            return await self.knock()
        except DepartmentCallError:
            return self._closed()

    async def knock(self) -> MenuSnapshot:
        """Ask for the menu, whatever the breaker says; raises Unreachable, NotNow, Refused."""
        metadata = _metadata({current_request_id()})
        response = await self._guarded(
            lambda due: self._stub.get_menu(v1.GetMenuRequest(), timeout=_left(due), metadata=metadata)
        )
        items = [MenuItem(item.id, item.titles, item.price, item.on_hand) for item in response.items]
        self._last_menu = MenuSnapshot(self.name, True, response.titles, items)
        return self._last_menu

    @property
    def orders_per_call(self) -> float:
        """Mean number of orders in a call so far."""
        calls = sum(ask.batches for ask in self._asks.values())
        return sum(ask.items for ask in self._asks.values()) / calls if calls else 0.0

    def close(self) -> None:
        """Hang up."""
        self._stream.leave()
        self._channel.close()

    def _asker(self, goal: Goal) -> "Callable[[list[PendingCall]], Awaitable[Sequence[TicketResult | Exception]]]":
        async def ask(asks: list[PendingCall]) -> "Sequence[TicketResult | Exception]":
            return await self._guarded(lambda due: self._call_or_split(goal, asks, due), tries=2)

        return ask

    async def _guarded(self, call: "Callable[[float], Awaitable[R]]", tries: int = 1) -> "R":
        """Make a call within its deadline and mind the breaker; raises Unreachable, NotNow, Refused.

        The call is told when it is due, in the loop's time.
        """
        due = asyncio.get_running_loop().time() + self.calling.deadline
        while True:
            tries -= 1
            try:
                result = await call(due)
            except GRPCError as error:
                if error.status is Status.UNAVAILABLE:
                    self._channel.reconnect()  # to another of its kind, if there is one
                if tries and error.status in _AWAY:
                    continue
                raise self._responded(error) from error
            except Exception as error:
                if not is_transport_failure(error):
                    raise self._fault(error) from error
                if tries and not isinstance(error, TimeoutError):
                    continue
                raise self._fail(_reason(error)) from error
            self.is_reachable = self.was_reached = True
            return result

    def _responded(self, error: GRPCError) -> DepartmentCallError:
        """Tell what a status means for whoever called; the breaker closes, unless it counts as no response."""
        if error.status in _AWAY:
            return self._fail(_reason(error))
        self.is_reachable = self.was_reached = True
        if self._is_time_to_log(error.status.name):
            log.warning("a department responded with a status", department=self.name, reason=_reason(error))
        return self._refusal(error)

    def _refusal(self, error: GRPCError) -> DepartmentCallError:
        if error.status not in _FINAL:
            return Deferred(self.name, _reason(error))
        kind = IdTaken if error.status is Status.ALREADY_EXISTS else Refused
        return kind(f"{self.name} refused it: {error.message}")

    def _fault(self, error: Exception) -> Deferred:
        """Log what went wrong in this program, or with a response that it cannot read; the breaker stays as it is."""
        kind = type(error).__name__
        if self._is_time_to_log(kind):
            log.error("calling a department failed", department=self.name, exc_info=error)
        return Deferred(self.name, f"{kind}: {error}")

    def _fail(self, reason: str) -> Unreachable:
        """Open the breaker: there was no response."""
        if self.is_reachable:
            log.warning("a department cannot be reached", department=self.name, reason=reason)
        self.is_reachable = False
        for ask in self._asks.values():
            ask.abandon(self._unreachable())
        self.on_failure()
        return self._unreachable()

    def _is_time_to_log(self, kind: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self._silent_until.get(kind, 0.0):
            return False
        self._silent_until[kind] = now + LOG_SECONDS
        return True

    async def _call_or_split(self, goal: Goal, asks: list[PendingCall], due: float) -> "list[TicketResult | Exception]":
        """Make a call; where the batch is refused, find the order that is to blame by halves."""
        try:
            return [*await self._call(goal, asks, due)]
        except GRPCError as error:
            if error.status not in _SPLIT:
                raise
            if len(asks) == 1:
                return [self._refusal(error)]
        half = len(asks) // 2
        return [
            *await self._call_or_split(goal, asks[:half], due),
            *await self._call_or_split(goal, asks[half:], due),
        ]

    async def _call(self, goal: Goal, asks: list[PendingCall], due: float) -> list[TicketResult]:
        orders = [ask.order for ask in asks]
        shares = [len(order.shares[self.name]) for order in orders]
        if goal is Goal.PLACE or goal is Goal.HOLD:
            return _answers(await self._send(_columns(self.name, goal, orders), due), shares)
        ids, epochs, left = [order.order_id for order in orders], [ask.epoch for ask in asks], _left(due)
        metadata = _metadata({ask.request_id for ask in asks})
        if goal is Goal.CONFIRM:
            confirmed = await self._stub.confirm_orders(
                v1.ConfirmOrdersRequest(ids, epochs), timeout=left, metadata=metadata
            )
            return _answers(confirmed.tickets, shares)
        if goal is Goal.SUSPEND:
            suspended = await self._stub.suspend_orders(
                v1.SuspendOrdersRequest(ids, epochs), timeout=left, metadata=metadata
            )
            return _answers(suspended.tickets, shares)
        cancelled = await self._stub.cancel_orders(v1.CancelOrdersRequest(ids), timeout=left, metadata=metadata)
        return _answers(cancelled.tickets, shares)

    async def _send(self, columns: "_Columns", due: float) -> v1.StreamOrdersResponse | v1.PlaceOrdersResponse:
        """Place a batch on the stream, or, where the stream is refused, in a call whose answer is about it alone."""
        try:
            answer = await self._stream.place(v1.StreamOrdersRequest(**columns), due)
        except StreamRefused:
            return await self._stub.place_orders(v1.PlaceOrdersRequest(**columns), timeout=_left(due))
        if answer.status:
            raise GRPCError(Status(answer.status), answer.message)
        return answer

    def _unreachable(self) -> Unreachable:
        return Unreachable(f"{self.name} cannot be reached; it is still being tried")

    def _closed(self) -> MenuSnapshot:
        return MenuSnapshot(self.name, False, self._last_menu.titles, [])


def _nobody() -> None:
    """Is told of failures until somebody listens."""


def _left(due: float) -> float:
    """Tell how long a call may take that is due then."""
    return due - asyncio.get_running_loop().time()


def _metadata(request_ids: set[str | None]) -> dict[str, str] | None:
    """Name the request for which a call is made, where that is one alone: a batch may serve many."""
    request_id = next(iter(request_ids)) if len(request_ids) == 1 else None
    return {HEADER: request_id} if request_id else None


class _Columns(TypedDict):
    """A batch of orders as it travels."""

    order_ids: list[str]
    tables: list[str]
    holds: list[bool]
    line_counts: list[int]
    items: list[str]
    quantities: list[int]
    notes: list[str]


def _columns(department: str, goal: Goal, orders: Sequence[Order]) -> _Columns:
    shares = [order.shares[department] for order in orders]
    lines = [line for share in shares for line in share]
    return _Columns(
        order_ids=[order.order_id for order in orders],
        tables=[order.table or "" for order in orders],
        holds=[goal is Goal.HOLD] * len(orders),
        line_counts=[len(share) for share in shares],
        items=[line.item for line in lines],
        quantities=[line.quantity for line in lines],
        notes=[line.note for line in lines],
    )


_Batch = v1.StreamOrdersResponse | v1.PlaceOrdersResponse | v1.TicketBatch


def _answers(batch: _Batch | None, shares: Sequence[int]) -> list[TicketResult]:
    """Read a batch of tickets; raises ValueError where its columns do not fit each other or the request.

    `shares`: how many lines of each order are the department's.
    """
    if batch is None or len(batch.states) != len(shares):
        raise ValueError(
            f"the department answered {len(batch.states) if batch else 0} tickets for {len(shares)} orders"
        )
    for state, count, share in zip(batch.states, batch.line_counts, shares, strict=True):
        if count != share and (count or _STATES[state] is not TicketState.CANCELLED):
            raise ValueError(f"the department answered {count} lines where {share} were asked for")
    outcomes = map(_OUTCOMES.__getitem__, batch.outcomes)
    lines = map(LineResult._make, zip(outcomes, batch.available, batch.unit_prices, strict=True))
    answers = [
        TicketResult(_STATES[state], list(islice(lines, count)))
        for state, count in zip(batch.states, batch.line_counts, strict=True)
    ]
    if len(batch.outcomes) != sum(batch.line_counts) or next(lines, None) is not None:
        raise ValueError("the department answered another number of lines than its tickets have")
    return answers


def _reason(error: Exception) -> str:
    if isinstance(error, GRPCError):
        return f"{error.status.name}: {error.message}"
    return str(error) or type(error).__name__
