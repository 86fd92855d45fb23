"""The walk of docs/staff.md over real programs: an evening's order at its stations, deliveries, and what all see."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import httpx
import pytest

from infra.interrupts import INTERRUPTED
from tests.support.keys import AUTHORIZED
from tests.support.order_tests import MENUS
from tests.support.processes import ROOT, Finished, environment, run
from tests.support.rest_clients import Json, outcomes
from tests.support.systems import System, Systems
from tests.support.waiting import START_SECONDS, STOP_SECONDS


@pytest.fixture(scope="module")
def system(systems: Systems) -> System:
    return systems.open(MENUS)


def ops(system: System, *arguments: str) -> Finished:
    """Run a command of the staff."""
    return run(["-m", "ops", *arguments], environment(URL=system.url))


def rows(done: Finished) -> list[list[str]]:
    """The rows of the table that a command has printed, as words, without the heads."""
    assert (done.code, done.stderr) == (0, ""), done
    return [line.split() for line in done.stdout.splitlines()[1:]]


class Watch:
    """`python -m ops watch --json` while it runs."""

    def __init__(self, system: System) -> None:
        self.seen: list[Json] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ops", "watch", "--json"],
            cwd=ROOT,
            env=environment(URL=system.url),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._lines: IO[str] = self._process.stdout

    def until(self, kind: str, **fields: object) -> Json:
        """Read events to the first of a kind that has these fields; the test's timeout is the limit."""
        for line in self._lines:
            event: Json = json.loads(line)
            self.seen.append(event)
            if event["kind"] == kind and fields.items() <= event["data"].items():
                data: Json = event["data"]
                return data
        raise AssertionError(f"the watch ended before {kind} {fields}: {self.seen[-3:]}")

    def close(self) -> None:
        self._process.terminate()
        assert self._process.wait(STOP_SECONDS) == INTERRUPTED
        self._lines.close()


@pytest.fixture
def watch(system: System) -> Iterator[Watch]:
    watch = Watch(system)
    watch.until("tick")
    yield watch
    watch.close()


def test_an_order_walks_through_its_stations_and_everybody_sees_it(system: System, watch: Watch) -> None:
    with httpx.Client(base_url=system.url, timeout=START_SECONDS, trust_env=False, headers=AUTHORIZED) as client:
        lines = [
            {"department": "kitchen", "item": "pasta", "note": "no nuts", "allergy": True},
            {"department": "bar", "item": "rum", "quantity": 2},
        ]
        order_id = client.post("/orders", json={"table": "7", "lines": lines}).json()["order_id"]
        seen = watch.until("ticket", department="kitchen", order_id=order_id)
        assert (seen["state"], seen["table"], seen["lines"][0]["allergy"]) == ("queued", "7", True)

        # The kitchen: list, start, tick, finish, serve; a second cook comes too late.
        listed = client.get("/tickets", params={"department": "kitchen", "table": "7", "state": "queued"}).json()
        assert listed["tickets"] == [seen]
        ticket = f"/tickets/kitchen/{order_id}"
        start = {"verb": "start", "expected": "queued", "step_id": "ada-1", "moved_by": "Ada"}
        started = client.post(f"{ticket}/moves", json=start).json()
        assert client.post(f"{ticket}/moves", json=start).json() == started
        late = client.post(f"{ticket}/moves", json={**start, "step_id": "bob-1", "moved_by": "Bob"})
        assert late.status_code == 409
        assert late.json()["ticket"] == started
        assert (started["state"], started["moved_by"]) == ("preparing", "Ada (manager)")
        assert watch.until("ticket", order_id=order_id, state="preparing") == started
        ticked = client.put(f"{ticket}/lines/0", json={"made": True}).json()
        assert ticked["lines"][0]["made"] is True
        assert watch.until("ticket", revision=ticked["revision"], department="kitchen") == ticked
        assert "✓" not in ops(system, "tick", order_id, "pasta", "-d", "kitchen", "--off").stdout
        assert "✓" in ops(system, "tick", str(seen["number"]), "1", "-d", "kitchen").stdout
        unknown = ops(system, "tick", order_id, "cake", "-d", "kitchen")
        assert (unknown.code, unknown.stdout) == (1, "")
        assert unknown.stderr.endswith(" at kitchen has no line cake: it has 1 pasta\n")
        assert rows(ops(system, "move", order_id[-8:], "finish", "-d", "kitchen", "--by", "Ada"))[0][3] == "ready"
        assert watch.until("ticket", order_id=order_id, state="ready")["moved_by"] == "Ada (manager)"
        assert rows(ops(system, "move", order_id, "serve"))[0][3] == "served"
        watch.until("ticket", order_id=order_id, state="served")
        number = str(seen["number"])
        assert [row[:2] for row in rows(ops(system, "tickets", "--table", "7"))] == [[number, "bar"]]
        assert rows(ops(system, "move", number, "start"))[0][:4] == [number, "bar", "7", "preparing"]

        # The bar: a delivery, a count, waste; off sale, and an order that learns it.
        before = client.get("/stock", params={"department": "bar"}).json()["stock"]
        rum = next(each for each in before if each["item"] == "rum")["on_hand"]
        assert rows(ops(system, "stock", "bar", "rum", "+24", "--by", "Ada"))[0][2] == str(rum + 24)
        assert watch.until("stock", department="bar", item="rum", on_hand=rum + 24)["received"] == rum + 26
        wrong = ops(system, "stock", "bar", "rum", "=", "20", "--expected", str(rum))
        assert (wrong.code, wrong.stdout, wrong.stderr) == (1, "", f"ops: rum has {rum + 24} on hand, not {rum}\n")
        assert rows(ops(system, "stock", "bar", "rum", "=", "20"))[0][2] == "20"
        assert rows(ops(system, "stock", "bar", "rum", "-2"))[0][2] == "18"
        watch.until("stock", item="rum", on_hand=18, wasted=2)
        history = client.get("/stock/bar/rum/changes", params={"limit": 3}).json()["changes"]
        assert [change["reason"] for change in history] == ["waste", "count", "delivery"]
        assert rows(ops(system, "sell", "off", "bar", "rum"))[0][-1] == "OFF"
        watch.until("stock", item="rum", on_sale=False)
        refused = client.post("/orders", json={"lines": [{"department": "bar", "item": "rum"}]})
        assert refused.status_code == 409
        assert outcomes(refused.json()["order"]) == ["off_sale"]
        assert rows(ops(system, "sell", "on", "bar", "rum"))[0][-1] == "on"
        watch.until("stock", item="rum", on_sale=True)
    system.books.check("bar")
    system.books.check("kitchen")
