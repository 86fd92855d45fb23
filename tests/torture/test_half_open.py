"""Connections that are dead and do not say so: the peer has vanished, or a network forgot about it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.harness import eventually
from tests.torture.conftest import OpenSite
from tests.torture.site import Site
from tests.torture.test_replicas import order

FOUND_SECONDS = 3.0
SLACK_SECONDS = 0.7  # what two busy cores may add to a measurement
ESTABLISHED = "01"
MENUS = {"bar": {"coffee": 100}, "kitchen": {"pizza": 100}}


def connections(*, local: int = 0, remote: int = 0) -> int:
    """Count the established TCP connections of this machine with this port at our end, or at the other."""
    count = 0
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, here, there, state, *_ = row.split()
        ports = int(here.rpartition(":")[2], 16), int(there.rpartition(":")[2], 16)
        count += state == ESTABLISHED and (not local or ports[0] == local) and (not remote or ports[1] == remote)
    return count


async def test_both_ends_find_out_about_an_idle_connection_that_is_dead(open_site: OpenSite) -> None:
    site = await open_site(menus=MENUS)
    proxy, bar = site.proxies[0, "bar"], site.departments[0]
    assert connections(remote=proxy.port) == connections(local=bar.port) == 1
    proxy.stall()
    began = time.monotonic()
    gateway_seconds = department_seconds = 0.0
    while not (gateway_seconds and department_seconds) and time.monotonic() - began < 3 * FOUND_SECONDS:
        await asyncio.sleep(0.02)
        if not gateway_seconds and not connections(remote=proxy.port):
            gateway_seconds = time.monotonic() - began
        if not department_seconds and not connections(local=bar.port):
            department_seconds = time.monotonic() - began

    print(f"found by the gateway within {gateway_seconds:.1f} s, by the department within {department_seconds:.1f} s")
    assert 0 < gateway_seconds < FOUND_SECONDS + SLACK_SECONDS
    assert 0 < department_seconds < FOUND_SECONDS + SLACK_SECONDS


async def test_an_order_on_a_dead_connection_is_served_on_a_new_one(open_site: OpenSite) -> None:
    """A firewall that forgot a connection: the call's deadline is far away, and yet nobody waits for it."""
    site = await open_site(menus=MENUS, DEADLINE=60)
    site.proxies[0, "bar"].stall()
    site.proxies[0, "bar"].resume()
    async with client(site) as guest:
        began = time.monotonic()
        placed = await guest.post("/orders", json=order(bar=("coffee", 1)))
        seconds = time.monotonic() - began

    print(f"served on a new connection within {seconds:.1f} s")
    assert (placed.status_code, placed.json()["status"]) == (201, "accepted")
    assert seconds < FOUND_SECONDS + SLACK_SECONDS


async def test_a_department_behind_a_stalled_network_delays_nobody_and_is_found_again(open_site: OpenSite) -> None:
    site = await open_site(menus=MENUS)
    proxy = site.proxies[0, "bar"]
    proxy.stall()
    async with client(site) as guest:
        began = time.monotonic()
        placed = await guest.post("/orders", json=order(bar=("coffee", 1), kitchen=("pizza", 1)))
        seconds = time.monotonic() - began
        began = time.monotonic()
        other = await guest.post("/orders", json=order(kitchen=("pizza", 1)))
        other_seconds = time.monotonic() - began
        health = (await guest.get("/health/ready")).json()["departments"]
        proxy.resume()
        began = time.monotonic()

        async def is_decided() -> bool:
            found: dict[str, Any] = (await guest.get(placed.headers["location"])).json()
            return bool(found["status"] == "accepted")

        await eventually(is_decided, "the bar has answered")
        reconnected = time.monotonic() - began

    print(f"pending after {seconds:.1f} s; decided {reconnected:.1f} s after the network was back")
    assert (placed.status_code, other.status_code) == (202, 201)
    assert health == {"bar": "unreachable", "kitchen": "reachable"}
    assert seconds < FOUND_SECONDS
    assert other_seconds < 0.7
    assert reconnected < FOUND_SECONDS + SLACK_SECONDS


def client(site: Site) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=site.urls[0], timeout=90, trust_env=False)
