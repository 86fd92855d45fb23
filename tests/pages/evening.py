"""A restaurant in the middle of an evening, with the menus that ship: what pictures and pages are looked at with."""

import asyncio
from contextlib import closing
from itertools import takewhile
from typing import Any

import httpx

from infra import setting_names
from ops.demo.director import OFFICE, Director, make_station_keys
from ops.demo.evening import evening
from ops.demo.place import MENUS, read_menus
from ops.staff.rest import Rest
from tests.pages.support import ROOT
from tests.support.keys import AUTHORIZED, KEY
from tests.support.systems import System, Systems

Json = dict[str, Any]

DEMO_SECONDS, DEMO_SPEED = 44.0, 2.0

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


class Staying:
    """A department's program that does not leave."""

    def hold(self) -> None:
        raise AssertionError("this evening ends before anybody leaves")

    def release(self) -> None:
        raise AssertionError("this evening ends before anybody leaves")


def open_demo(systems: Systems) -> System:
    """Open the restaurant of the demo."""
    return systems.open({name: {} for name in read_menus()}, MENUS=MENUS, DEMO="true")


def have_an_evening_of_the_demo(system: System) -> None:
    """Let the first part of the demo's evening happen, faster than it would."""
    menus = read_menus()
    with closing(Rest(system.url, {setting_names.KEY: KEY})) as office:
        keys = {OFFICE: KEY} | make_station_keys(office, menus)
    script = takewhile(lambda timed: timed.at < DEMO_SECONDS, evening(1, menus))
    staying = {name: Staying() for name in menus}
    director = Director(lambda name: Rest(system.url, {setting_names.KEY: keys.get(name, "")}), staying, DEMO_SPEED)
    asyncio.run(director.run(script))
    assert director.refused == 0


def _place(staff: httpx.Client, table: str, lines: tuple[tuple[str, str, int, str, bool], ...]) -> str:
    fields = ("department", "item", "quantity", "note", "allergy")
    wish = {"table": table, "lines": [dict(zip(fields, line, strict=True)) for line in lines]}
    placed: Json = staff.post("/orders", json=wish).raise_for_status().json()
    order_id: str = placed["order_id"]
    return order_id


def _step(staff: httpx.Client, department: str, order_id: str, verb: str, expected: str) -> None:
    step = {"verb": verb, "expected": expected, "step_id": f"{order_id}-{verb}", "moved_by": "Ada"}
    staff.post(f"/tickets/{department}/{order_id}/moves", json=step).raise_for_status()
