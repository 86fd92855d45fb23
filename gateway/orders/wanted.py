"""Which orders a list is to have, beside their status and their table."""

from dataclasses import dataclass

from gateway.domain.progress import OrderProgress

TWO_DAYS_MS = 2 * 86_400_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Orders to list; None where anything is wanted.

    `from_ms` and `to_ms` are milliseconds since 1970: from the first one on, and before the second one.
    """

    from_ms: int | None = None
    to_ms: int | None = None
    number: int | None = None
    department: str | None = None
    progress: OrderProgress | None = None

    @property
    def is_by_time(self) -> bool:
        """Whether only orders of a range of time are wanted."""
        return not (self.from_ms is None and self.to_ms is None)


ANY = Wanted()
