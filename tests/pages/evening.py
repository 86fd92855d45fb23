"""A restaurant in the middle of an evening, with the menus that ship: what pictures and pages are looked at with."""

from typing import Any

import httpx

from tests.pages.support import ROOT
from tests.support.keys import AUTHORIZED
from tests.support.systems import System, Systems

Json = dict[str, Any]

ORDERS: tuple[tuple[str, tuple[tuple[str, str, int, str, bool], ...]], ...] = (
    ("4", (("kitchen", "pasta", 2, "", False), ("bar", "coffee", 2, "", False))),
    ("7", (("kitchen", "pizza", 1, "No nuts, please. Not even traces.", True), ("bar", "soda", 1, "no ice", False))),
    ("Terrace 1", (("kitchen", "pizza", 2, "one without olives", False), ("kitchen", "pasta", 1, "", False))),
    ("12", (("kitchen", "pasta", 3, "", False), ("bakery", "donut", 1, "", False), ("bakery", "cookie", 4, "", False))),
    ("2", (("bar", "coffee", 3, "one decaf", False), ("bakery", "cookie", 2, "", False))),
)
"""Tables, each with its lines: department, item, quantity, note, allergy."""


def open_restaurant(systems: Systems, **settings: Any) -> System:
    """Open the restaurant whose menus ship."""
    menus = ROOT / "departments" / "menus"
    return systems.open({name: {} for name in ("bar", "kitchen", "bakery")}, MENUS=menus, **settings)


def have_an_evening(system: System) -> list[str]:
    """Place the orders, and take some steps; return the orders' ids."""
    with httpx.Client(base_url=system.url, headers=AUTHORIZED, trust_env=False) as staff:
        ids = [_place(staff, table, lines) for table, lines in ORDERS]
        _step(staff, "kitchen", ids[0], "start", "queued")
        _step(staff, "kitchen", ids[0], "finish", "preparing")
        _step(staff, "kitchen", ids[1], "start", "queued")
        _step(staff, "bar", ids[0], "start", "queued")
        staff.put(f"/tickets/kitchen/{ids[1]}/lines/0", json={"made": True}).raise_for_status()
        staff.put("/stock/bakery/donut/sale", json={"on_sale": False}).raise_for_status()
    return ids


def _place(staff: httpx.Client, table: str, lines: tuple[tuple[str, str, int, str, bool], ...]) -> str:
    fields = ("department", "item", "quantity", "note", "allergy")
    wish = {"table": table, "lines": [dict(zip(fields, line, strict=True)) for line in lines]}
    placed: Json = staff.post("/orders", json=wish).raise_for_status().json()
    order_id: str = placed["order_id"]
    return order_id


def _step(staff: httpx.Client, department: str, order_id: str, verb: str, expected: str) -> None:
    step = {"verb": verb, "expected": expected, "step_id": f"{order_id}-{verb}", "moved_by": "Ada"}
    staff.post(f"/tickets/{department}/{order_id}/moves", json=step).raise_for_status()
