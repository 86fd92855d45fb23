"""What keeps a program from starting is one clear line on standard error and a non-zero exit code."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes import Finished, Program, environment, free_ports, run, start_and_wait
from tests.support.systems import write_menu
from tests.support.waiting import wait_for

PROGRAMS = {"bar": ["-m", "departments", "bar"], "gateway": ["-m", "gateway"]}

# Root may write anywhere; without this power of its, a folder's mode counts for root too.
WITHOUT_POWER = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", free_ports(1)[0]))
        sock.listen()
        yield sock.getsockname()[1]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_port_in_use(program: str, tmp_path: Path, taken: int) -> None:
    done = start_and_wait(PROGRAMS[program], environment(HOME=tmp_path, PORT=taken))

    assert said(done).endswith(f"cannot listen on 127.0.0.1:{taken}: Address already in use")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_port_of_metrics_in_use(program: str, tmp_path: Path, taken: int) -> None:
    done = run(PROGRAMS[program], environment(HOME=tmp_path, PORT=0, METRICS_PORT=taken))

    assert said(done).endswith(f"cannot listen on 127.0.0.1:{taken}: Address already in use")


@pytest.mark.parametrize(
    ("program", "variable", "value", "reason"),
    [
        ("gateway", "DEADLINE", "soon", "Expected `float`, got `str`"),
        ("gateway", "DEPARTMENTS", "bar", "expected name=host:port, separated by commas"),
        ("gateway", "DEPARTMENTS", "bar=localhost:99999", "'localhost:99999' has no port from 1 to 65535"),
        ("gateway", "TIME_ZONE", "Berlin", "expected the name of a time zone, such as Europe/Berlin or Asia/Seoul"),
        ("gateway", "TIME_ZONE", "../../etc", "expected the name of a time zone, such as Europe/Berlin or Asia/Seoul"),
        ("gateway", "CURRENCY", "EURO", "expected the ISO 4217 code of a currency in use, such as EUR, JPY or KWD"),
        ("bar", "BAR_PORT", "65536", "Expected `int` <= 65535"),
    ],
)
def test_a_setting_that_is_not_allowed(program: str, variable: str, value: str, reason: str, tmp_path: Path) -> None:
    done = run(PROGRAMS[program], environment(**{"HOME": tmp_path, variable: value}))

    assert f"COMANDA_{variable}={value!r} is not allowed: {reason}" in said(done)


def test_a_demo_that_others_could_reach(tmp_path: Path) -> None:
    done = run(PROGRAMS["gateway"], environment(HOME=tmp_path, DEMO="true", HOST="0.0.0.0"))

    assert said(done).endswith("COMANDA_DEMO is for this machine alone: 0.0.0.0 is no loopback address")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_setting_that_does_not_exist(program: str, tmp_path: Path) -> None:
    done = run(PROGRAMS[program], environment(HOME=tmp_path, DATABSE_URL="postgresql://host/name"))

    assert said(done).endswith("COMANDA_DATABSE_URL is no setting: did you mean COMANDA_DATABASE_URL?")


@pytest.mark.parametrize("name", ["gateway", "public"])
def test_a_department_under_a_name_that_is_taken(name: str, tmp_path: Path) -> None:
    menu = write_menu(tmp_path, name, {"coffee": 1})

    done = run(["-m", "departments", str(menu)], environment(HOME=tmp_path))

    assert f"a department cannot be called {name!r}: " in said(done)


def test_a_postgresql_that_cannot_be_reached(tmp_path: Path) -> None:
    (port,) = free_ports(1)

    done = run(
        PROGRAMS["bar"], environment(HOME=tmp_path, DATABASE_URL=f"postgresql://chef:secret@127.0.0.1:{port}/comanda")
    )

    assert f"127.0.0.1:{port}/comanda cannot be used: " in said(done)
    assert "refused" in said(done)
    assert "secret" not in said(done)


def test_a_menu_that_is_not_toml(tmp_path: Path) -> None:
    menu = tmp_path / "bar.toml"
    menu.write_text("name = ")

    done = run(["-m", "departments", str(menu)], environment(HOME=tmp_path))

    assert said(done).endswith(f"menu {menu} is not TOML: Invalid value (at end of document)")


def test_an_item_with_a_price_below_zero(tmp_path: Path) -> None:
    menu = write_menu(tmp_path, "bar", {"coffee": 1, "tea": 1})
    menu.write_text(menu.read_text().replace("price = 200", "price = -200"))

    done = run(["-m", "departments", str(menu)], environment(HOME=tmp_path))

    assert said(done).endswith(f"menu {menu}: items[1].price: Expected `int` >= 0")


def test_an_unknown_menu(tmp_path: Path) -> None:
    write_menu(tmp_path, "grill", {"steak": 1})

    done = run(["-m", "departments", "sushi"], environment(HOME=tmp_path, MENUS=tmp_path))

    assert "there is no menu 'sushi'" in said(done)
    assert "(grill)" in said(done)


def test_a_data_directory_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)

    done = run(["-c", WITHOUT_POWER, *PROGRAMS["gateway"]], environment(HOME=tmp_path))

    assert said(done).endswith(f"the data directory {tmp_path} cannot be used: Permission denied")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "bar.db").write_text("a shopping list\n" * 100)

    done = run(PROGRAMS["bar"], environment(HOME=tmp_path))

    assert said(done).endswith("bar.db cannot be used: file is not a database")


def test_a_database_of_a_later_version(tmp_path: Path) -> None:
    variables = environment(HOME=tmp_path)
    assert run([*PROGRAMS["bar"], "--migrate"], variables).code == 0
    with closing(sqlite3.connect(tmp_path / "bar.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")

    done = run(PROGRAMS["bar"], variables)

    assert said(done).endswith("bar.db is another version's: Can't locate revision identified by '9999'")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_second_process_on_the_same_sqlite_file(program: str, tmp_path: Path) -> None:
    variables = environment(HOME=tmp_path, PORT=free_ports(1)[0])
    first = Program(program, PROGRAMS[program], variables, int(variables["COMANDA_PORT"]), tmp_path)
    first.start()
    try:
        wait_for(lambda: " open " in first.output, f"the {program} is open")
        done = run(PROGRAMS[program], variables | {"COMANDA_PORT": "0"})
    finally:
        first.close()

    assert said(done).endswith(f"{tmp_path}/{program}.db is in use by another process; a SQLite file serves one")


def said(done: Finished) -> str:
    """Return the one line that a failed start may write."""
    assert done.code > 0, done
    assert done.stdout == "", done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.rstrip("\n")


@pytest.mark.parametrize(("program", "table"), [("bar", "stock"), ("gateway", "gateways")])
def test_a_database_that_lacks_something(program: str, table: str, tmp_path: Path) -> None:
    variables = environment(HOME=tmp_path, PORT=0)
    assert run([*PROGRAMS[program], "--migrate"], variables).code == 0
    with closing(sqlite3.connect(tmp_path / f"{program}.db")) as connection:
        connection.execute(f"DROP TABLE {table}")

    done = run(PROGRAMS[program], variables)

    assert f"{program}.db cannot be used: no such table: {table}" in said(done)
