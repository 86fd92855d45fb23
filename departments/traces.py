"""What a batch carries through the department where the gateway sampled some of its orders for traces."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from departments.domain.tickets import Decision
from departments.transactions import TicketOrError
from infra.tracing.spans import Span

T = TypeVar("T")
R = TypeVar("R")

Decide = Callable[[sa.Connection, Sequence[Decision], int], list[TicketOrError]]
"""A transaction that carries out decisions, given the time in milliseconds since 1970."""


class Traced(list[T]):
    """The orders of a batch, with the batch's span, and for each sampled order the fields that name it in the log."""

    __slots__ = ("sampled", "span")

    def __init__(self, orders: Iterable[T], span: Span, sampled: list[dict[str, str]]) -> None:
        super().__init__(orders)
        self.span = span
        self.sampled = sampled


class TracedWork(Generic[R]):
    """What writes for a batch with a span."""

    __slots__ = ("_work", "span")

    def __init__(self, work: Callable[[sa.Connection, int], R], span: Span) -> None:
        self._work = work
        self.span = span

    def __call__(self, connection: sa.Connection, now_ms: int) -> R:
        """Write."""
        return self._work(connection, now_ms)


def deciding(decide: Decide, decisions: Sequence[Decision]) -> Callable[[sa.Connection, int], list[TicketOrError]]:
    """Return the work that carries out decisions, with the span of their batch where it has one."""

    def work(connection: sa.Connection, now_ms: int) -> list[TicketOrError]:
        return decide(connection, decisions, now_ms)

    return TracedWork(work, decisions.span) if isinstance(decisions, Traced) else work


def span_of(call: object) -> Span | None:
    """Return the span of a batch, or None."""
    return call.span if isinstance(call, Traced | TracedWork) else None


def sampled_fields(*batches: Sequence[Any]) -> dict[str, list[dict[str, str]]]:
    """Return the log field that names the sampled orders of batches; nothing where there are none."""
    sampled = [each for batch in batches if isinstance(batch, Traced) for each in batch.sampled]
    return {"sampled": sampled} if sampled else {}
