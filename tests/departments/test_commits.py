"""Which use cases wake those who watch: all that may change something, and no others."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from departments.app import DepartmentApp
from departments.domain.errors import StepConflict
from departments.domain.steps import Move, Tick
from departments.domain.stock_changes import ChangeReason, StockOrder
from departments.domain.tickets import Decision, TicketState, Verb
from tests.departments.department_servers import open_department
from tests.support.department_factories import BAR, coffees, new_id


class Wakes:
    """Two events among the department's, and what they were set by."""

    def __init__(self, department: DepartmentApp) -> None:
        self._all, self._steps = asyncio.Event(), asyncio.Event()
        department.commits.all.add(self._all)
        department.commits.steps.add(self._steps)

    async def of(self, use_case: Awaitable[Any]) -> tuple[bool, bool]:
        """Return whether a use case wakes those who watch everything, and those who watch the staff's steps."""
        self._all.clear()
        self._steps.clear()
        await use_case
        return self._all.is_set(), self._steps.is_set()


EVERYTHING, BOTH = (True, False), (True, True)


def start(order_id: str, step_id: str = "") -> Move:
    return Move(order_id, Verb.START, TicketState.QUEUED, step_id or new_id())


async def test_every_commit_wakes_who_watches_everything_and_steps_who_watches_those(tmp_path: Path) -> None:
    async with open_department(BAR, tmp_path) as department:
        wakes, held, moved, other = Wakes(department), coffees(1, hold=True), coffees(1), coffees(1)
        assert await wakes.of(department.place([held, moved, other])) == EVERYTHING
        assert await wakes.of(department.confirm([Decision(held.order_id, 1)])) == EVERYTHING
        assert await wakes.of(department.tick(Tick(moved.order_id, 0, True))) == EVERYTHING
        assert await wakes.of(department.move(start(moved.order_id))) == BOTH
        assert await wakes.of(department.tick(Tick(moved.order_id, 0, False))) == BOTH
        recall = Move(moved.order_id, Verb.RECALL, TicketState.PREPARING, new_id())
        assert await wakes.of(department.move_all([recall])) == BOTH
        assert await wakes.of(department.suspend([Decision(moved.order_id, 2)])) == BOTH
        assert await wakes.of(department.cancel([Decision(other.order_id)])) == EVERYTHING
        assert await wakes.of(department.cancel([Decision(moved.order_id), Decision(new_id())])) == BOTH
        delivery = StockOrder("coffee", new_id(), ChangeReason.DELIVERY, 5)
        assert await wakes.of(department.change_stock(delivery)) == EVERYTHING
        assert await wakes.of(department.set_on_sale("coffee", "Ann", on_sale=False)) == EVERYTHING
        assert await wakes.of(department.replace_menu(BAR)) == EVERYTHING


async def test_what_changes_nothing_wakes_nobody(tmp_path: Path) -> None:
    async with open_department(BAR, tmp_path) as department:
        placed, wakes = coffees(1), Wakes(department)
        await department.place([placed])
        await department.move(start(placed.order_id))

        async def refused() -> None:
            with pytest.raises(StepConflict):
                await department.move(start(placed.order_id))

        assert await wakes.of(refused()) == (False, False)
        assert await wakes.of(department.stock_levels()) == (False, False)
        assert await wakes.of(department.is_writable()) == (False, False)
