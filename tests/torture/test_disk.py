"""A disk that is full, read-only, or fails to sync: nothing that was acknowledged is lost, and everybody is told."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.support.audits import figures
from tests.support.processes import Program
from tests.support.recorded_clients import ResponseLog
from tests.support.waiting import START_SECONDS, eventually
from tests.torture.conftest import OpenSite
from tests.torture.disks import can_mount, full_file_system, limited_files, mount, read_only, unmount, without_log
from tests.torture.mined import Point
from tests.torture.site import Site
from tests.torture.test_replicas import order

pytestmark = pytest.mark.proof

MENUS = {"bar": {"coffee": 100_000}, "kitchen": {"pizza": 100_000}}
BUSY = 8
MOUNTS = can_mount()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system, where that can be done; else this is a folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if MOUNTS:
        mount(folder)
    yield folder
    if MOUNTS:
        unmount(folder)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[ResponseLog]:
    with ResponseLog(tmp_path / "told.jsonl") as book:
        yield book


class Clients:
    """Clients who order all the time, and note what they were told."""

    def __init__(self, site: Site, book: ResponseLog) -> None:
        self.book = book
        self.problems: list[httpx.Response] = []
        self._site = site
        self._enough = asyncio.Event()
        self._working: list[asyncio.Task[None]] = []

    async def come(self, client: httpx.AsyncClient) -> None:
        self._working = [asyncio.create_task(self._order(client)) for _ in range(BUSY)]
        await self.have_received(50)

    async def have_received(self, more: int) -> None:
        """Wait until so many more orders are acknowledged."""
        before = len(self.book.orders)

        async def enough() -> bool:
            return len(self.book.orders) >= before + more

        await eventually(enough, f"{more} more orders are acknowledged")

    async def leave(self) -> None:
        self._enough.set()
        await asyncio.gather(*self._working)

    async def _order(self, client: httpx.AsyncClient) -> None:
        while not self._enough.is_set():
            body = order(bar=("coffee", 1), kitchen=("pizza", 1))
            try:
                response = await client.post("/orders", json=body)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if response.status_code in (201, 202):
                self.book.note(body["order_id"], response.json())
            else:
                self.problems.append(response)
                await asyncio.sleep(0.05)


def fill(program: Program, disk: Path, how: str) -> AbstractContextManager[None]:
    return full_file_system(disk) if how == "file system" else limited_files(program)


KINDS = [*(["file system"] if MOUNTS else []), "limit"]


@pytest.mark.parametrize("how", KINDS)
async def test_a_gateway_whose_disk_is_full_says_so_and_recovers(
    disk: Path, open_site: OpenSite, book: ResponseLog, how: str
) -> None:
    site = await open_site(menus=MENUS, GATEWAY_HOME=disk)
    (gateway,) = site.gateways
    clients = Clients(site, book)
    async with httpx.AsyncClient(base_url=site.urls[0], timeout=30, trust_env=False) as client:
        # Whose record is written, and not only made: of another, nobody is told more than is on the disk.
        placed = await client.post("/orders", json=order(bar=("coffee", 1)))
        await eventually(site.is_settled, "the order's outcome is on record")
        await clients.come(client)
        await client.get(placed.headers["location"])  # under a limit, SQLite cannot even begin to read
        with fill(gateway, disk, how):
            await eventually(lambda: _status(client, 503), "the gateway is not ready")
            refused = await client.post("/orders", json=order(bar=("coffee", 1)))
            found = await client.get(placed.headers["location"])
        await eventually(lambda: _status(client, 200), "the gateway is ready again")
        await clients.have_received(50)
        await clients.leave()

    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["title"] == "The journal cannot be used"
    assert "Nothing is acknowledged" in refused.json()["detail"]
    assert (found.status_code, found.json()["status"]) == (200, "accepted")
    assert {problem.status_code for problem in clients.problems} == {503}
    await everything_is_true(site, clients)


@pytest.mark.parametrize("how", KINDS)
async def test_a_department_whose_disk_is_full_is_waited_for(
    disk: Path, open_site: OpenSite, book: ResponseLog, how: str
) -> None:
    site = await open_site(menus=MENUS, BAR_HOME=disk)
    bar = site.departments[0]
    clients = Clients(site, book)
    async with httpx.AsyncClient(base_url=site.urls[0], timeout=30, trust_env=False) as client:
        await clients.come(client)
        with fill(bar, disk, how):
            placed = await _pending(client)
        await clients.have_received(50)
        await clients.leave()

        async def is_decided() -> bool:
            found = await client.get(f"/orders/{placed}")
            return bool(found.json()["status"] == "accepted")

        await eventually(is_decided, "the bar has taken what waited for it")

    assert clients.problems == []
    await everything_is_true(site, clients)


@pytest.mark.parametrize("name", ["gateway", "bar"])
async def test_a_disk_that_fails_to_sync_loses_nothing_that_was_acknowledged(
    open_site: OpenSite, book: ResponseLog, name: str
) -> None:
    """What was not synced was not acknowledged: not even a copy of the disk as it was before lacks it."""
    site = await open_site(menus=MENUS)
    program = next(each for each in site.programs if each.name == name)
    clients = Clients(site, book)
    async with httpx.AsyncClient(base_url=site.urls[0], timeout=30, trust_env=False) as client:
        await clients.come(client)
        mine = site.lay(program, Point.FSYNC_FAILS)
        await eventually(lambda: _is_gone(mine), "the disk fails")
        if name == "gateway":
            await eventually(lambda: _status(client, 503), "the gateway is not ready")
            refused = await client.post("/orders", json=order(bar=("coffee", 1)))
            assert (refused.status_code, refused.json()["title"]) == (503, "The journal cannot be used")
        else:
            await _pending(client)
        await site.kill(program)
        await site.revive(program)
        await eventually(lambda: _status(client, 200), "the gateway is ready")
        await clients.have_received(50)
        await clients.leave()

    await everything_is_true(site, clients)


@pytest.mark.parametrize("name", ["gateway", "bar"])
async def test_a_database_that_cannot_be_written_keeps_a_program_from_starting(
    disk: Path, open_site: OpenSite, name: str
) -> None:
    site = await open_site(menus=MENUS, **{f"{name.upper()}_HOME": disk})
    program = next(each for each in site.programs if each.name == name)
    async with httpx.AsyncClient(base_url=site.urls[0], timeout=30, trust_env=False) as client:
        placed = await client.post("/orders", json=order(bar=("coffee", 1)))
        await site.kill(program)
        written = len(program.output)
        with unwritable(disk, name):
            program.start()
            code = await asyncio.to_thread(program.wait, 2 * START_SECONDS)
        said = program.output[written:].strip().splitlines()
        await site.revive(program)
        await eventually(lambda: _status(client, 200), "the gateway is ready")

        async def is_as_told() -> bool:  # its departments are asked again where that was not on record yet
            return bool((await client.get(placed.headers["location"])).json()["status"] == "accepted")

        await eventually(is_as_told, "the order is what its client was told")

    assert code == 2
    assert len(said) == 1, said
    assert placed.json()["status"] == "accepted"
    assert "cannot be used" in said[0]


def unwritable(disk: Path, name: str) -> AbstractContextManager[None]:
    return read_only(disk) if MOUNTS else without_log(disk / f"{name}.db")


async def everything_is_true(site: Site, clients: Clients) -> None:
    await eventually(site.is_settled, "everything is settled")
    assert site.journal.orders().keys() >= clients.book.orders
    audit = await asyncio.to_thread(site.audit, clients.book.path)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    counts = figures(audit)
    assert counts.pop("acknowledged") == len(clients.book.orders)
    assert not any(counts.values()), audit.stdout


async def _status(client: httpx.AsyncClient, status: int) -> bool:
    return (await client.get("/health/ready")).status_code == status


async def _is_gone(path: Path) -> bool:
    return not await asyncio.to_thread(path.exists)


async def _pending(client: httpx.AsyncClient) -> str:
    """Order until an order stays pending; return its id."""
    found = ""

    async def is_pending() -> bool:
        nonlocal found
        found = str(uuid.uuid4())
        response = await client.post("/orders", json=order(bar=("coffee", 1)) | {"order_id": found})
        return response.status_code == 202

    await eventually(is_pending, "an order is pending")
    return found
