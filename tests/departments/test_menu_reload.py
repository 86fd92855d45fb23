"""A department takes its menu file up anew while it runs, and only one that is right."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from departments.app import DepartmentApp
from departments.domain.placing import Placement, RequestedLine
from departments.domain.tickets import Outcome, Ticket, TicketState
from departments.menu_file import read_menu
from departments.menu_reload import MenuReload
from tests.departments.department_servers import open_department
from tests.support.department_factories import new_id

HEAD = 'name = "bar"\ntitle = "Bar"\ngoods = "Drink"\n'


def items(**prices: int) -> str:
    """A menu file of these items, ten of each."""
    return HEAD + "".join(
        f'[[items]]\nid = "{item}"\ntitle = "{item.title()}"\nprice = {price}\nstock = 10\n'
        for item, price in prices.items()
    )


@asynccontextmanager
async def bar(folder: Path, text: str) -> AsyncIterator[tuple[DepartmentApp, MenuReload, Path]]:
    path = folder / "bar.toml"
    path.write_text(text)
    async with open_department(read_menu(path), folder) as department:
        yield department, MenuReload(department, path), path


async def ask(department: DepartmentApp, item: str) -> Ticket:
    (ticket,) = await department.place([Placement(new_id(), [RequestedLine(item, 1)])])
    assert isinstance(ticket, Ticket)
    return ticket


async def test_prices_items_and_their_stock_change_without_a_restart(tmp_path: Path) -> None:
    async with bar(tmp_path, items(coffee=350, soda=300)) as (department, reload, path):
        await ask(department, "soda")
        path.write_text(items(coffee=400, tea=200))
        with capture_logs() as logs:
            await reload.reload()
        assert (await ask(department, "coffee")).lines[0].unit_price == 400
        assert (await ask(department, "tea")).state is TicketState.QUEUED
        assert (await ask(department, "soda")).lines[0].outcome is Outcome.NOT_ON_MENU
        stock = (await department.stock_levels()).stock
    assert {item: (item_stock.on_hand, item_stock.sold) for item, item_stock in stock.items()} == {
        "coffee": (9, 1),
        "soda": (9, 1),  # it is kept, with what was sold of it
        "tea": (9, 1),
    }
    (line,) = logs
    assert (line["event"], line["added"], line["removed"]) == ("the menu was read anew", ["tea"], ["soda"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Object missing required field `name`"),
        (items(coffee=-1), "items[0].price: Expected `int` >= 0"),
        (items(coffee=1).replace('"Coffee"', '"Tea"') + items(tea=1).removeprefix(HEAD), "names two items"),
        (items(coffee=1).replace('"bar"', '"pub"'), "name: it is 'pub', and was 'bar'; it cannot change"),
        (None, "cannot be read: No such file or directory"),
    ],
)
async def test_a_file_that_is_not_right_changes_nothing_and_is_logged_in_one_line(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    async with bar(tmp_path, items(coffee=350)) as (department, reload, path):
        before = department.menu
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        with capture_logs() as logs:
            await reload.reload()
        assert department.menu is before
        assert (await ask(department, "coffee")).lines[0].unit_price == 350
    (line,) = logs
    assert (line["log_level"], line["event"]) == ("error", "the menu stays as it is")
    assert reason in line["reason"]
    assert "\n" not in line["reason"]


async def test_a_file_whose_new_items_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    async with bar(tmp_path, items(coffee=350)) as (department, reload, path):
        before = department.menu
        path.write_text(items(coffee=400, tea=200))
        database = department._database
        await database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))
        with capture_logs() as logs:
            await reload.reload()
        assert department.menu is before
    assert logs[-1]["event"] == "the menu stays as it is"  # after what the database's own log says
    assert "readonly" in logs[-1]["reason"]


async def test_the_file_is_read_each_time_that_a_signal_asks_for_it(tmp_path: Path) -> None:
    async with bar(tmp_path, items(coffee=350)) as (department, reload, path):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.request)
        running = asyncio.create_task(reload.run())
        for price in (400, 500):
            path.write_text(items(coffee=price))
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda price=price: department.menu.items["coffee"].price == price)  # type: ignore[misc]
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_file_that_changes_is_taken_up_without_a_signal(tmp_path: Path) -> None:
    """A mounted ConfigMap changes so: `bar.toml` leads over `..data` to a folder, and `..data` is replaced."""

    def swap(version: str, text: str) -> None:
        (tmp_path / version).mkdir()
        (tmp_path / version / "bar.toml").write_text(text)
        (tmp_path / "..new").symlink_to(version)
        (tmp_path / "..new").rename(tmp_path / "..data")

    swap("one", items(coffee=350))
    (tmp_path / "bar.toml").symlink_to("..data/bar.toml")
    path = tmp_path / "bar.toml"
    async with open_department(read_menu(path), tmp_path) as department:
        with capture_logs() as logs:
            running = asyncio.create_task(MenuReload(department, path, check_seconds=0.01).run())
            for version, price in (("two", 400), ("three", 500)):
                swap(version, items(coffee=price))
                await until(lambda price=price: department.menu.items["coffee"].price == price)  # type: ignore[misc]
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert [line["event"] for line in logs] == ["the menu was read anew"] * 2


async def test_a_change_before_the_first_check_is_taken_up(tmp_path: Path) -> None:
    async with bar(tmp_path, items(coffee=350)) as (department, reload, path):
        path.write_text(items(coffee=400))
        await reload.check()
        await reload.check()
        assert department.menu.items["coffee"].price == 400


async def test_a_file_that_is_being_written_is_not_read_half(tmp_path: Path) -> None:
    async with bar(tmp_path, items(coffee=350)) as (department, reload, path):
        for _ in range(2):
            await reload.check()
        with path.open("w") as file:
            file.write(items(coffee=400))
            file.flush()
            await reload.check()
            file.write(items(tea=200).removeprefix(HEAD))
        await reload.check()
        assert set(department.menu.items) == {"coffee"}
        await reload.check()
        assert set(department.menu.items) == {"coffee", "tea"}


async def test_a_changed_file_that_is_not_right_is_logged_once(tmp_path: Path) -> None:
    async with bar(tmp_path, items(coffee=350)) as (department, reload, path):
        path.write_text("")
        with capture_logs() as logs:
            for _ in range(4):
                await reload.check()
        assert department.menu.items["coffee"].price == 350
    assert [line["event"] for line in logs] == ["the menu stays as it is"]


async def test_a_change_that_the_database_refuses_is_tried_again(tmp_path: Path) -> None:
    async with bar(tmp_path, items(coffee=350)) as (department, reload, path):
        path.write_text(items(coffee=400, tea=200))
        database = department._database
        await database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))
        with capture_logs() as logs:
            for _ in range(4):
                await reload.check()
        await database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = OFF"))
        await reload.check()
        assert set(department.menu.items) == {"coffee", "tea"}
    assert [line["event"] for line in logs].count("the menu stays as it is") == 1


async def until(is_so: Callable[[], Any]) -> None:
    """Wait for a fact, for ten seconds at most."""
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - nothing signals that the menu was replaced
            await asyncio.sleep(0.01)
