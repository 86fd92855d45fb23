"""The counter over its three frozen contracts."""

import asyncio
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.domain.errors import OrderIdTaken
from departments.domain.menu import Menu
from departments.domain.positions import Position
from departments.menu_file import SHIPPED, read_menu
from departments.rpc.counter import Counter, counters
from generated import bakery, bar, kitchen
from tests.departments.department_servers import in_memory, open_department, served
from tests.support.department_factories import BAR, new_id, small_menu

COUNTERS: list[Any] = [
    # menu, what its goods are called, contract, stub, in stock, its Korean title, sold out, not on the menu
    ("bar", "Drink", bar, bar.BarStub, "soda", "소다", "beer", "wine"),
    ("kitchen", "Meal", kitchen, kitchen.KitchenStub, "pizza", "피자", "meat", "fish"),
    ("bakery", "Dessert", bakery, bakery.BakeryStub, "donut", "도넛", "gelato", "brownie"),
]


@pytest.mark.parametrize(("name", "goods", "contract", "stub", "item", "title", "sold_out", "missing"), COUNTERS)
async def test_the_counter_sells_one_or_says_why_not(
    name: str, goods: str, contract: Any, stub: Any, item: str, title: str, sold_out: str, missing: str, tmp_path: Path
) -> None:
    menu = read_menu(SHIPPED / f"{name}.toml")
    async with open_department(menu, tmp_path) as department, in_memory(department) as channel:

        async def ask(order: str) -> str:
            text: str = (await stub(channel).get_order(contract.OrderRequest(order))).order_status
            return text

        for order in (item, item.upper(), title, unicodedata.normalize("NFD", title), f" {title} "):  # five are there
            assert await ask(order) == "Delivery!"
        for order, text in (
            (item, "out of stock"),
            (sold_out, "out of stock"),
            (missing, "not Found"),
            ("", "not Found"),
        ):
            with pytest.raises(GRPCError) as refusal:
                await ask(order)
            assert (refusal.value.status, refusal.value.message) == (Status.NOT_FOUND, f"{goods} {text}")
        stock = (await department.stock_levels()).stock[item]
        assert (stock.received, stock.on_hand, stock.sold) == (5, 0, 5)


async def test_what_the_counter_sells_is_a_ticket_like_any_other(tmp_path: Path) -> None:
    async with open_department(BAR, tmp_path) as department:
        await Counter(department, new_id).sell("coffee")
        (ticket,) = (await department.changes(Position(), (), 10)).tickets
        assert (ticket.state, ticket.table, ticket.source) == ("queued", "", "counter")
        assert [(line.item, line.quantity, line.unit_price) for line in ticket.lines] == [("coffee", 1, 350)]


async def test_clients_who_ask_at_once_get_what_is_there_and_no_more(tmp_path: Path) -> None:
    async with open_department(BAR, tmp_path) as department, served(department) as channel:
        stub = bar.BarStub(channel)
        calls = [stub.get_order(bar.OrderRequest("coffee")) for _ in range(30)]
        responses = await asyncio.gather(*calls, return_exceptions=True)
        sold = [response for response in responses if isinstance(response, bar.OrderResponse)]
        refused = [response.message for response in responses if isinstance(response, GRPCError)]
        assert len(sold) == 10
        assert refused == ["Drink out of stock"] * 20


async def test_the_counter_sells_nothing_that_is_off_sale_and_says_that_it_is_out_of_stock(tmp_path: Path) -> None:
    async with open_department(BAR, tmp_path) as department:
        await department.set_on_sale("coffee", "Ana", on_sale=False)
        with pytest.raises(GRPCError) as refusal:
            await Counter(department, new_id).sell("coffee")
        assert (refusal.value.status, refusal.value.message) == (Status.NOT_FOUND, "Drink out of stock")
        assert (await department.stock_levels()).stock["coffee"].on_hand == 10


async def test_an_id_that_was_given_out_twice_is_an_error_and_never_a_second_sale(tmp_path: Path) -> None:
    async with open_department(BAR, tmp_path) as department:
        counter = Counter(department, lambda: "0197a7a6-0000-7000-8000-000000000001")
        await counter.sell("coffee")
        with pytest.raises(OrderIdTaken):
            await counter.sell("soda")


@pytest.mark.parametrize(
    ("name", "services"), [("bar", ["Bar"]), ("kitchen", ["Kitchen"]), ("bakery", ["Bakery"]), ("grill", [])]
)
async def test_only_a_department_with_a_frozen_contract_has_a_counter(
    name: str, services: list[str], tmp_path: Path
) -> None:
    plain = small_menu(coffee=1)
    menu = Menu(name, plain.titles, plain.goods, plain.items)
    async with open_department(menu, tmp_path) as department:
        found = counters(menu, Counter(department, new_id))
        assert [path for each in found for path in each.__mapping__()] == [
            f"/{service.lower()}.{service}/GetOrder" for service in services
        ]
