"""`python -m ops access`: keys, people and codes from the shell, while a gateway runs or not."""

import asyncio
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from gateway.domain.access import Role
from ops.access import KNOWN_SECONDS
from tests.support.database_contents import Store
from tests.support.keys import AUTHORIZED
from tests.support.processes import Finished, environment, run
from tests.support.qr import read_svg, read_terminal
from tests.support.systems import System, Systems
from tests.support.waiting import eventually, wait_for

ADDRESS = re.compile(r"http://[0-9.:]+/(?:pair|t)/[\w.-]+")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    systems = Systems(tmp_path_factory.mktemp("access"), Store)
    yield systems.open({"bar": {"coffee": 100}}, FIRST_KEY="")
    systems.close()


def access(system: System, *arguments: str) -> Finished:
    """Run the command on a system's database."""
    variables = environment(HOME=system.books.store.home, URL=system.url, FIRST_KEY="", KEY="")
    return run(["-m", "ops", "access", *arguments], variables)


def done(finished: Finished) -> list[str]:
    assert (finished.code, finished.stderr) == (0, ""), finished
    return finished.stdout.splitlines()


def nobody(system: System) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=system.url, trust_env=False, headers={"origin": system.url})


async def test_the_first_start_prints_an_address_that_opens_once(system: System) -> None:
    wait_for(lambda: ADDRESS.search(system.gateway.output), "the address is printed")
    path = ADDRESS.findall(system.gateway.output)[0].removeprefix(system.url)
    async with nobody(system) as first, nobody(system) as second:
        assert (await first.get(path)).status_code == 200
        assert (await first.post(path)).status_code == 303
        assert (await first.get("/me")).json()["roles"] == ["guest", "manager"]
        assert (await first.get("/orders")).status_code == 200
        assert (await second.post(path)).status_code == 401
        assert (await second.get("/orders")).status_code == 401
    system.gateway.terminate()
    system.gateway.restart()
    assert len(ADDRESS.findall(system.gateway.output)) == 1, "only the first start prints one"


async def test_a_lost_manager_is_regained_from_the_shell(system: System) -> None:
    address, _ = done(await asyncio.to_thread(access, system, "manager"))
    async with nobody(system) as browser:
        path = address.removeprefix(system.url)
        assert (await browser.post(path)).status_code == 303
        assert Role.MANAGER in (await browser.get("/me")).json()["roles"]


async def test_a_key_is_made_used_listed_and_revoked_within_two_seconds(system: System) -> None:
    (secret,) = done(await asyncio.to_thread(access, system, "key", "till", "--role", "waiter"))
    async with nobody(system) as program:
        program.headers["authorization"] = f"Bearer {secret}"

        async def status() -> int:
            return (await program.get("/orders")).status_code

        async def is_known() -> bool:
            return await status() == 200

        await eventually(is_known, "the gateway knows the key")
        (row,) = [line for line in done(await asyncio.to_thread(access, system)) if " till " in line]
        key_id = row.split()[0]
        begun = asyncio.get_running_loop().time()
        assert done(await asyncio.to_thread(access, system, "revoke", key_id)) == []

        async def is_refused() -> bool:
            return await status() == 401

        await eventually(is_refused, "the key is refused")
        assert asyncio.get_running_loop().time() - begun < 2 + 2  # and the start of the command
        assert AUTHORIZED["authorization"] != f"Bearer {secret}"


def test_a_command_that_has_changed_something_ends_when_gateways_know_it(system: System) -> None:
    began = time.monotonic()
    done(access(system, "key", "script", "--role", "waiter"))
    assert time.monotonic() - began > KNOWN_SECONDS


def test_the_commands_of_the_staff_send_a_key(system: System) -> None:
    (secret,) = done(access(system, "key", "bar shell", "--role", "station", "-d", "bar"))
    refused = run(["-m", "ops", "tickets"], environment(URL=system.url, KEY=""))
    assert refused.code == 1
    assert "COMANDA_KEY" in refused.stderr

    def is_known() -> bool:
        return run(["-m", "ops", "tickets"], environment(URL=system.url, KEY=secret)).code == 0

    wait_for(is_known, "the gateway knows the key")
    away = run(["-m", "ops", "stock", "bar", "coffee", "+1"], environment(URL=system.url, KEY=secret))
    assert (away.code, "stock.change is not allowed" in away.stderr) == (1, True)


async def test_sessions_are_listed_and_ended(system: System) -> None:
    address, _ = done(await asyncio.to_thread(access, system, "pair", "sessions tablet", "--role", "waiter"))
    async with nobody(system) as tablet:
        assert (await tablet.post(address.removeprefix(system.url))).status_code == 303
        heads, *rows = done(await asyncio.to_thread(access, system, "sessions"))
        assert heads.split("  ")[0] == "ID"
        (row,) = [row for row in rows if "sessions tablet" in row]

        async def is_nobody() -> bool:
            return (await tablet.get("/me")).json()["name"] is None

        assert not await is_nobody()
        assert done(await asyncio.to_thread(access, system, "revoke", row.split()[0])) == []
        await eventually(is_nobody, "the session has ended")
    assert access(system, "revoke", row.split()[0]).code == 1
    assert done(await asyncio.to_thread(access, system, "end-sessions")) == []
    assert done(await asyncio.to_thread(access, system, "--json", "sessions")) == ["{", '  "sessions": []', "}"]


def test_people_get_a_pin_and_another_one(system: System) -> None:
    (line,) = done(access(system, "person", "Ada", "--role", "waiter"))
    person_id, pin = line.split()[0], line.split()[-1]
    assert re.fullmatch(r"[0-9]{6}", pin)
    taken = access(system, "person", "Ada", "--role", "waiter")
    assert (taken.code, taken.stderr) == (1, "ops: there is a person 'Ada' already\n")
    (line,) = done(access(system, "pin", person_id))
    assert line.startswith(f"{person_id}: PIN ")
    assert done(access(system, "revoke", person_id)) == []
    assert access(system, "revoke", person_id).code == 1


def test_tables_codes_and_the_log(system: System) -> None:
    lines = done(access(system, "table", "7", "Terrace 1"))
    assert [line.rpartition("  ")[0] for line in lines] == ["7", "Terrace 1"]
    assert all(ADDRESS.search(line) for line in lines)
    assert done(access(system, "void-tables")) == []
    assert done(access(system, "table", "7"))[0] != lines[0]
    log = "\n".join(done(access(system, "log")))
    assert "table codes voided" in log
    assert "shell: " in log


def test_tables_codes_are_drawn_in_the_terminal_and_written_as_files(system: System, tmp_path: Path) -> None:
    folder = tmp_path / "codes"
    lines = done(access(system, "table", "7-8", "Terrace/1", "--terminal", "--svg", str(folder)))
    addresses = [found[0] for line in lines if (found := ADDRESS.search(line))]
    begins = [number for number, line in enumerate(lines) if ADDRESS.search(line)] + [len(lines)]
    drawn = [lines[begin + 1 : end] for begin, end in pairwise(begins)]
    assert [read_terminal(each) for each in drawn] == addresses
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["table-7.svg", "table-8.svg", "table-Terrace%2F1.svg"]
    assert [read_svg(file.read_text()) for file in files] == addresses
    (tmp_path / "file").write_text("")
    refused = access(system, "table", "7", "--svg", str(tmp_path / "file"))
    assert (refused.code, "cannot be written" in refused.stderr) == (2, True)


def test_a_pairing_code_is_drawn_in_the_terminal(system: System) -> None:
    address, *drawn, words = done(access(system, "pair", "bar tablet", "--role", "waiter", "--terminal"))
    assert read_terminal(drawn) == address
    assert "once" in words


def test_codes_have_the_address_of_the_setting(system: System) -> None:
    variables = environment(HOME=system.books.store.home, PUBLIC_URL="https://orders.example.org", FIRST_KEY="", KEY="")
    assert "https://orders.example.org/t/" in run(["-m", "ops", "access", "table", "7"], variables).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["key", "x", "--role", "station"], "departments"),
        (["key", "x", "--role", "waiter", "-d", "bar"], "departments"),
        (["key", "x", "--role", "service"], "rights"),
        (["key", "x", "--role", "service", "--right", "access.manage"], "rights"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(system: System, arguments: list[str], words: str) -> None:
    refused = access(system, *arguments)
    assert refused.code == 1
    assert words in refused.stderr


def test_there_has_to_be_a_database(tmp_path: Path) -> None:
    refused = run(["-m", "ops", "access"], environment(HOME=tmp_path))
    assert refused.code == 2
    assert "start the gateway once" in refused.stderr
    assert list(tmp_path.iterdir()) == []
