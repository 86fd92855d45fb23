"""The staff cancel single lines at a terminal, over real programs: ticket, stock, order and report follow."""

import httpx
import pytest

from tests.e2e.test_staff import ops, rows
from tests.support.keys import AUTHORIZED
from tests.support.order_tests import MENUS
from tests.support.rest_clients import Json, outcomes
from tests.support.systems import System, Systems
from tests.support.waiting import START_SECONDS, wait_for


@pytest.fixture(scope="module")
def system(systems: Systems) -> System:
    return systems.open(MENUS)


def test_lines_are_cancelled_at_a_terminal_and_the_last_one_takes_its_ticket_with_it(system: System) -> None:
    with httpx.Client(base_url=system.url, timeout=START_SECONDS, trust_env=False, headers=AUTHORIZED) as client:
        wishes = [("kitchen", "pasta", 1), ("kitchen", "pizza", 2), ("kitchen", "pasta", 2), ("bar", "coffee", 1)]
        lines = [{"department": name, "item": item, "quantity": quantity} for name, item, quantity in wishes]
        placed = client.post("/orders", json={"table": "9", "lines": lines}).json()
        assert outcomes(placed) == ["accepted"] * 4
        order_id, number = placed["order_id"], str(placed["number"])

        def order_is(*expected: str) -> Json:
            def found() -> Json:
                order: Json = client.get(f"/orders/{order_id}").json()
                return order if outcomes(order) == list(expected) else {}

            return wait_for(found, f"order {order_id} is {expected}")

        def pasta() -> Json:
            stock: list[Json] = client.get("/stock", params={"department": "kitchen"}).json()["stock"]
            return next(each for each in stock if each["item"] == "pasta")

        before = pasta()
        several = ops(system, "move", number, "cancel", "--line", "pasta", "-d", "kitchen")
        assert (several.code, several.stdout) == (1, "")
        assert several.stderr == (
            f"ops: {number} at kitchen has several lines pasta: it has 1 pasta, 2 pizza, 3 pasta\n"
        )
        done = ops(system, "move", number, "cancel", "--line", "3", "--reason", "no dough", "-d", "kitchen")
        assert rows(done)[0][3] == "queued"
        assert done.stdout.rstrip().endswith("1 pasta, 2 pizza, 2 pasta CANCELLED (no dough)")
        order = order_is("accepted", "accepted", "cancelled", "accepted")
        assert order["lines"][2]["reason"] == "kitchen has withdrawn it: no dough"
        assert order["total"] == placed["total"] - 2 * placed["lines"][2]["unit_price"]
        assert (pasta()["on_hand"], pasta()["sold"]) == (before["on_hand"] + 2, before["sold"] - 2)

        assert rows(ops(system, "move", number, "start", "-d", "kitchen"))[0][3] == "preparing"
        again = ops(system, "move", number, "cancel", "--line", "3", "-d", "kitchen")
        assert (again.code, again.stderr) == (1, f"ops: {number} at kitchen has no line 3: it has 1 pasta, 2 pizza\n")
        assert "2 pizza CANCELLED" in ops(system, "move", number, "cancel", "--line", "pizza", "-d", "kitchen").stdout
        order_is("accepted", "cancelled", "cancelled", "accepted")
        listed = ops(system, "tickets", "kitchen", "--number", number)
        assert "1 pasta, 2 pizza CANCELLED, 2 pasta CANCELLED (no dough)" in listed.stdout
        last = ops(system, "move", number, "cancel", "--line", "pasta", "--reason", "fire", "-d", "kitchen", "--json")
        assert (last.code, '"state": "cancelled"' in last.stdout) == (0, True)
        order = order_is("cancelled", "cancelled", "cancelled", "accepted")
        assert [line["reason"] for line in order["lines"][:3]] == [
            "kitchen has withdrawn it: fire",
            "kitchen has withdrawn it",
            "kitchen has withdrawn it: no dough",
        ]
        assert [line["progress"] for line in order["lines"]] == ["withdrawn"] * 3 + ["queued"]
        assert pasta()["wasted"] == before["wasted"] + 1
    system.books.check("kitchen")
    system.books.check("bar")
