"""Whether a load balancer should send orders to this gateway, and which departments can be reached."""

from typing import Literal

from gateway.orders.service import OrderService
from infra.clock import Clock
from infra.disk import DiskWatch

JOURNAL_CHECK_SECONDS = 1.0
"""How long one successful check that the journal can be written is reused."""


class Readiness:
    """Decides whether the gateway is ready.

    It is ready if the journal can be written and it is not about to stop. For `wait_for_departments` seconds after the
    start, every department must have responded once, too.
    """

    def __init__(
        self, service: OrderService, *, clock: Clock, wait_for_departments: float, disk: DiskWatch | None = None
    ) -> None:
        self._service = service
        self._disk = disk
        self._monotonic = clock.monotonic
        self._waits_until = clock.monotonic() + wait_for_departments
        self._writable_until = 0.0
        self._is_leaving = False

    def leave(self) -> None:
        """Report from now on that the gateway is not ready, because it is about to stop."""
        self._is_leaving = True

    async def is_ready(self) -> bool:
        """Return whether orders should be sent here."""
        if self._is_leaving:
            return False
        if self._monotonic() < self._waits_until and not self._has_reached_every_department():
            return False
        if self._monotonic() >= self._writable_until:
            if not await self._service.is_writable():
                return False
            self._writable_until = self._monotonic() + JOURNAL_CHECK_SECONDS
        return True

    @property
    def disk_used(self) -> float | None:
        """The used share of the disk of the journal's file, from 0 to 1; None where it is not known."""
        return None if self._disk is None else self._disk.used

    def reachability(self) -> "dict[str, Literal['reachable', 'unreachable']]":
        """Return for each department whether it responded to the latest call."""
        return {
            department.name: "reachable" if department.is_reachable and department.was_reached else "unreachable"
            for department in self._service.departments.values()
        }

    def _has_reached_every_department(self) -> bool:
        return all(department.was_reached for department in self._service.departments.values())
