"""`python -m ops audit`: its table, its exit codes, and one line for each error."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ops.audit.rules import Column
from tests.ops.books import MENUS, STOCK, Books, record
from tests.support.processes import free_ports

Command = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
def command(empty_books: Books) -> Command:
    books = empty_books
    variables = {
        "COMANDA_HOME": str(books.home),
        "COMANDA_DATABASE_URL": books.postgresql or "",
        "COMANDA_MENUS": str(books.home / "menus"),
    }
    (books.home / "menus").mkdir()
    for name, menu in MENUS.items():
        items = "".join(
            f'[[items]]\nid = "{item.id}"\ntitles = {{ en = "A", ko = "B" }}\nprice = {item.price}\nstock = {STOCK}\n'
            for item in menu.items.values()
        )
        head = f'name = "{name}"\ntitles = {{ en = "A", ko = "B" }}\ngoods = "Dish"\n'
        (books.home / "menus" / f"{name}.toml").write_text(head + items)

    async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await run_audit(variables, *arguments)

    return run


async def run_audit(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COMANDA_")}
    line = [sys.executable, "-m", "ops", "audit", *arguments]
    return await asyncio.to_thread(
        subprocess.run, line, env=inherited | variables, capture_output=True, text=True, check=False, timeout=30
    )


async def test_the_command_prints_a_table(books: Books, command: Command) -> None:
    order = await books.place()
    books.log(record(order))
    right = await command("--acknowledged", str(books.client_log))
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{order.order_id}'")
    wrong = await command()

    assert (right.returncode, right.stderr) == (0, "")
    names, figures, summary = right.stdout.splitlines()
    assert " ".join(names.split()) == "acknowledged lost doubled oversold half stock law unfollowed undecided withdrawn"
    assert figures.split() == ["1", *["0"] * 8]
    assert summary == "4 orders, 8 tickets, 0 of them sold over the counter"
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert f"lost: {order.order_id}: bar: 1 coffee was accepted, and there is no ticket" in wrong.stdout
    assert "stock law: bar coffee" in wrong.stdout


async def test_databases_of_stopped_programs_can_be_audited(books: Books, command: Command) -> None:
    books.close()
    done = await command()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].split() == ["3", *["0"] * 8]


async def test_open_orders_of_a_department_without_a_menu_file_are_not_all_right(
    books: Books, command: Command
) -> None:
    (books.home / "menus" / "kitchen.toml").rename(books.home / "kitchen.toml")
    finished = await command()
    await books.place_half()
    unfinished = await command()
    (books.home / "kitchen.toml").rename(books.home / "menus" / "kitchen.toml")
    known = await command()

    note = "not looked at, as there is no menu file: kitchen"
    assert (finished.returncode, finished.stdout.splitlines()[3:]) == (0, [note])
    assert (unfinished.returncode, unfinished.stderr) == (2, "")
    assert "not known: 1 open orders are owed something by kitchen, which has no menu file" in unfinished.stdout
    assert known.returncode == 0


async def test_an_order_that_cannot_be_read_does_not_keep_the_audit_from_the_others(
    books: Books, command: Command
) -> None:
    spoiled, lost = await books.place(), await books.place()
    books.log(record(spoiled), record(lost))
    await books.falsify(
        "gateway", f"""UPDATE orders SET owed = '{{"bar": "reserve"}}' WHERE order_id = '{spoiled.order_id}'"""
    )
    unknown = await command("--acknowledged", str(books.client_log))
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{lost.order_id}'")
    wrong = await command("--acknowledged", str(books.client_log))

    assert (unknown.returncode, unknown.stderr) == (2, "")
    assert unknown.stdout.splitlines()[2].startswith("5 orders, 10 tickets, 0 of them")
    assert f"not known: {spoiled.order_id} cannot be read: Invalid enum value 'reserve'" in unknown.stdout
    assert unknown.stdout.splitlines()[1].split() == ["2", *["0"] * 8]
    assert wrong.returncode == 1
    assert f"lost: {lost.order_id}: bar: 1 coffee was accepted, and there is no ticket" in wrong.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [("lines = '['", "Input data was truncated"), ("state = 'plated'", "'plated' is not a valid TicketState")],
)
async def test_a_ticket_that_cannot_be_read_is_reported_and_the_others_are_checked(
    books: Books, command: Command, words: str, reason: str
) -> None:
    strange, lost = await books.place(), await books.place()
    await books.falsify("bar", f"UPDATE tickets SET {words} WHERE order_id = '{strange.order_id}'")
    incomplete = await command()
    await books.falsify("kitchen", f"DELETE FROM tickets WHERE order_id = '{lost.order_id}'")
    wrong = await command()

    assert (incomplete.returncode, incomplete.stderr) == (2, "")
    assert incomplete.stdout.splitlines()[1].split() == ["5", *["0"] * 8]
    assert f"not known: bar {strange.order_id} cannot be read: {reason}" in incomplete.stdout
    assert wrong.returncode == 1
    assert f"lost: {lost.order_id}: kitchen: 1 pizza was accepted, and there is no ticket" in wrong.stdout


async def test_a_database_without_tables_is_one_line(empty_books: Books, command: Command) -> None:
    await empty_books.falsify("kitchen", "DROP TABLE tickets")
    done = await command()

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ops: {empty_books.departments['kitchen']}, kitchen, cannot be read: ")
    assert "tickets" in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_missing_database_is_one_line(tmp_path: Path) -> None:
    done = await run_audit({"COMANDA_HOME": str(tmp_path), "COMANDA_DATABASE_URL": ""})

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"ops: there is no database {tmp_path}/gateway.db\n"


async def test_a_postgresql_that_does_not_run_is_one_line_without_its_password() -> None:
    at = f"127.0.0.1:{free_ports(1)[0]}/comanda"
    done = await run_audit({"COMANDA_DATABASE_URL": f"postgresql://chef:secret@{at}"})

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ops: postgresql+psycopg://chef:***@{at}, gateway, cannot be read: ")
    assert "refused" in done.stderr
    assert done.stderr.count("\n") == 1


async def test_the_help_explains_the_columns_and_the_exit_codes() -> None:
    done = await run_audit({}, "--help")

    assert done.returncode == 0
    for column in Column:
        assert f"\n  {column} " in done.stdout
    assert (
        "exit code: 0 all is right, 1 something is wrong, 2 it could not be found out, or not of everything"
        in done.stdout
    )
