"""A department that fails every call: it is not called more often for it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server

from generated.restaurant import v1
from tests.support.processes import Program, environment, free_ports
from tests.torture.test_replicas import order

pytestmark = pytest.mark.proof

AMPLIFICATION = 1.1
CLIENTS = 16
SECONDS = 4.0
PAUSE_SECONDS = 0.1


class Failing(v1.DepartmentServiceBase):
    """Responds to no call, and counts them, and the orders they carry; `hangs` where others would fail at once."""

    def __init__(self) -> None:
        self.hangs = False
        self.calls: Counter[str] = Counter()
        self.carried = 0

    async def get_menu(self, get_menu_request: v1.GetMenuRequest) -> Any:
        await self._fail("get_menu")

    async def place_orders(self, place_orders_request: v1.PlaceOrdersRequest) -> Any:
        self.carried += len(place_orders_request.order_ids)
        await self._fail("place_orders")

    async def _fail(self, call: str) -> None:
        self.calls[call] += 1
        if self.hangs:
            await asyncio.Event().wait()
        raise GRPCError(Status.UNAVAILABLE, "closed for repairs")


@pytest.fixture
async def bar() -> AsyncIterator[tuple[Failing, int]]:
    failing = Failing()
    server = Server([failing])
    (port,) = free_ports(1)
    await server.start("127.0.0.1", port)
    yield failing, port
    server.close()
    await server.wait_closed()


@pytest.fixture
async def gateway(bar: tuple[Failing, int], tmp_path: Path) -> AsyncIterator[Program]:
    """Open a gateway as it is set up by default."""
    (port,) = free_ports(1)
    departments = f"bar=127.0.0.1:{bar[1]}"
    settings = environment(HOME=tmp_path, PORT=port, DEPARTMENTS=departments, WAIT_FOR_DEPARTMENTS=0)
    gateway = Program("gateway", ["-m", "gateway"], settings, port, tmp_path)
    gateway.start()
    await asyncio.to_thread(gateway.wait_ready)
    yield gateway
    await asyncio.to_thread(gateway.close)


@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
async def test_a_department_that_fails_every_call_is_called_no_more_often_than_it_is_asked(
    bar: tuple[Failing, int], gateway: Program, hangs: bool
) -> None:
    failing, _ = bar
    failing.hangs = hangs
    statuses: Counter[int] = Counter()
    enough = time.monotonic() + SECONDS

    async def dine(client: httpx.AsyncClient) -> None:
        while time.monotonic() < enough:
            response = await client.post("/orders", json=order(bar=("coffee", 1)))
            statuses[response.status_code] += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.port}", timeout=30, trust_env=False) as client:
        before = failing.calls.total()
        await asyncio.gather(*(dine(client) for _ in range(CLIENTS)))
        calls = failing.calls.total() - before

    asked = statuses.total()
    print(
        f"{asked} orders, {dict(failing.calls)}, amplification {calls / asked:.3f}; {failing.carried} orders were sent"
    )
    assert statuses.keys() == {202}
    assert failing.calls["place_orders"] >= 1
    assert calls / asked <= AMPLIFICATION
    assert failing.carried / asked <= AMPLIFICATION
