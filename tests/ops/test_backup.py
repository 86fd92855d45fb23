"""Copies of databases: whole, of one moment, and put back only while no program runs."""

import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.db.database import lock_file
from infra.db.sqlite_files import refuse_half_restored
from infra.errors import StartError
from ops.backup import back_up
from ops.restore import restore
from tests.support.processes import ROOT, environment, run


class Shop:
    """A database that is being written, as a program does it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("CREATE TABLE sales (item TEXT)")

    def sell(self, item: str) -> None:
        self.connection.execute("INSERT INTO sales VALUES (?)", [item])


def sales(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [item for (item,) in connection.execute("SELECT item FROM sales ORDER BY rowid")]


def kept(path: Path) -> list[Path]:
    """List what restores have kept of a database."""
    return sorted(file for file in path.parent.glob(f"{path.name}.old-*") if not file.name.endswith(("-wal", "-shm")))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "bar.db")
    yield shop
    shop.connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def test_a_copy_holds_what_was_written_last_and_nothing_of_what_is_not_committed(shop: Shop, folder: Path) -> None:
    shop.sell("coffee")
    shop.connection.execute("BEGIN")
    shop.sell("soda")
    told: list[str] = []

    back_up({"bar": shop.path}, folder, told.append)
    shop.connection.execute("COMMIT")

    assert sales(folder / "bar.db") == ["coffee"]
    assert sales(shop.path) == ["coffee", "soda"]
    assert told == [f"{shop.path} is copied to {folder / 'bar.db'}: 0.0 MB"]
    assert [each.name for each in folder.iterdir()] == ["bar.db"]


def test_a_backup_never_touches_an_earlier_one(shop: Shop, folder: Path) -> None:
    shop.sell("coffee")
    back_up({"bar": shop.path}, folder, print)
    shop.sell("soda")

    with pytest.raises(
        StartError, match=r"copies is not empty; a backup needs a new folder, such as .*copies/20\d{6}T"
    ):
        back_up({"bar": shop.path}, folder, print)

    assert sales(folder / "bar.db") == ["coffee"]


def test_a_backup_that_fails_half_way_leaves_nothing(shop: Shop, folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "kitchen.db"
    broken.write_bytes(b"no database " * 1000)

    with pytest.raises(StartError, match=r"kitchen\.db cannot be copied: file is not a database"):
        back_up({"bar": shop.path, "kitchen": broken}, folder, print)

    assert not folder.exists()


def test_only_their_owner_may_read_the_copies(shop: Shop, folder: Path) -> None:
    back_up({"bar": shop.path}, folder, print)

    assert stat.S_IMODE((folder / "bar.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "bar.db").chmod(0o644)
    restore({"bar": shop.path}, folder, print)
    assert stat.S_IMODE(shop.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize("folder", ["", " "])
def test_a_folder_without_a_name_is_refused(command: str, folder: str, tmp_path: Path) -> None:
    done = run(["-m", "ops", command, folder], environment(HOME=tmp_path))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("ops: the folder of the copies has no name; give one, such as ")


def test_what_was_copied_is_put_back_and_what_was_there_is_kept(shop: Shop, folder: Path) -> None:
    shop.sell("coffee")
    back_up({"bar": shop.path}, folder, print)
    shop.sell("soda")
    # As after a crash: the last sale is in the write-ahead log only, which no checkpoint has emptied.
    told: list[str] = []

    restore({"bar": shop.path}, folder, told.append)

    assert sales(shop.path) == ["coffee"]
    (old,) = kept(shop.path)
    assert sales(old) == ["coffee", "soda"]
    assert told == [f"{shop.path} is as it was in {folder / 'bar.db'}; what it was before is {old}"]


def test_what_one_restore_has_kept_another_one_keeps_too(shop: Shop, folder: Path) -> None:
    back_up({"bar": shop.path}, folder, print)
    shop.sell("coffee")
    shop.connection.close()
    for item in ("soda", "beer"):
        restore({"bar": shop.path}, folder, print)
        shop.connection = sqlite3.connect(shop.path, isolation_level=None)
        shop.sell(item)
        shop.connection.close()

    restore({"bar": shop.path}, folder, print)

    assert sorted(map(sales, kept(shop.path))) == [["beer"], ["coffee"], ["soda"]]


def test_what_is_done_with_a_copy_is_done_before_it_takes_its_place(shop: Shop, folder: Path) -> None:
    back_up({"bar": shop.path}, folder, print)

    def alter(name: str, copy: Path) -> None:
        assert copy != shop.path
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("INSERT INTO sales VALUES (?)", [f"altered {name}"])

    restore({"bar": shop.path}, folder, print, alter)

    assert sales(shop.path) == ["altered bar"]
    assert sales(folder / "bar.db") == []


def test_what_was_lost_altogether_is_put_back(shop: Shop, folder: Path, tmp_path: Path) -> None:
    shop.sell("coffee")
    back_up({"bar": shop.path}, folder, print)

    path = tmp_path / "new" / "bar.db"
    told: list[str] = []

    restore({"bar": path}, folder, told.append)

    assert sales(path) == ["coffee"]
    assert told == [f"{path} is as it was in {folder / 'bar.db'}"]


def test_nothing_is_put_back_under_a_program_that_runs(shop: Shop, folder: Path) -> None:
    back_up({"bar": shop.path}, folder, print)
    shop.sell("coffee")

    with lock_file(shop.path), pytest.raises(StartError, match=r"bar\.db is in use by another process"):
        restore({"bar": shop.path}, folder, print)

    assert sales(shop.path) == ["coffee"]


def test_all_databases_are_put_back_or_none(shop: Shop, folder: Path, tmp_path: Path) -> None:
    back_up({"bar": shop.path}, folder, print)
    shop.sell("coffee")

    with pytest.raises(StartError, match=r"kitchen\.db cannot be read: unable to open database file"):
        restore({"bar": shop.path, "kitchen": tmp_path / "kitchen.db"}, folder, print)

    assert sales(shop.path) == ["coffee"]


def test_a_copy_that_is_damaged_is_not_put_back(shop: Shop, folder: Path) -> None:
    for number in range(2000):
        shop.sell(f"coffee {number}")
    back_up({"bar": shop.path}, folder, print)
    with (folder / "bar.db").open("r+b") as copy:
        copy.seek(4096)  # the second page's head
        copy.write(b"\xff" * 3000)

    with pytest.raises(StartError, match=r"bar\.db (is damaged|cannot be read): "):
        restore({"bar": shop.path}, folder, print)

    assert len(sales(shop.path)) == 2000


def test_a_damaged_database_is_not_copied(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "bar.db"
    path.write_bytes(b"no database " * 1000)
    folder.mkdir()

    with pytest.raises(StartError, match=r"bar\.db cannot be copied: file is not a database"):
        back_up({"bar": path}, folder, print)

    assert list(folder.iterdir()) == []


def test_what_is_not_there_cannot_be_copied(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"there is no database .*bar\.db"):
        back_up({"bar": tmp_path / "bar.db"}, folder, print)


def test_a_folder_that_cannot_be_written_is_reported(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartError, match=r"file/bar\.db cannot be written: (File exists|Not a directory)"):
        back_up({"bar": shop.path}, tmp_path / "file", print)


@pytest.mark.parametrize("copying", [back_up, restore])
def test_a_database_is_never_its_own_copy(copying: Callable[..., None], shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    shop.sell("coffee")

    with pytest.raises(StartError, match=r"link is where .*bar\.db itself is; its copy needs another folder$"):
        copying({"bar": shop.path}, tmp_path / "link", print)
    shop.sell("soda")

    assert sales(shop.path) == ["coffee", "soda"]
    assert kept(shop.path) == []


CRASHING = """
import json, os, sys
from pathlib import Path
from ops.restore import restore

def crash(event, arguments):
    global left
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if event in ("os.rename", "os.remove", "os.mkdir") or writes:
        left -= 1
        if left < 0:
            os._exit(9)

for text in sys.stdin:
    left, home, folder = json.loads(text)
    if not os.fork():
        sys.addaudithook(crash)
        restore({name: Path(home, f"{name}.db") for name in ("gateway", "bar")}, Path(folder), lambda text: None)
        sys.exit()
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
"""Restores in a process of its own for each line, which dies before the change of a file whose number it is given."""


@pytest.fixture
def crash() -> Iterator[Callable[[int, Path, Path], int]]:
    """Return what lets a restore die, and returns its exit code; the modules are imported once for all of them."""
    command = [sys.executable, "-c", CRASHING]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crashing:

        def crash(step: int, home: Path, folder: Path) -> int:
            assert crashing.stdin is not None
            assert crashing.stdout is not None
            print(json.dumps([step, str(home), str(folder)]), file=crashing.stdin, flush=True)
            return int(crashing.stdout.readline())

        yield crash
    assert crashing.returncode == 0


def test_a_restore_that_is_killed_at_any_step_changes_nothing_or_is_refused_until_it_is_finished(
    tmp_path: Path, crash: Callable[[int, Path, Path], int]
) -> None:
    names = ("gateway", "bar")
    refusals, step, code = 0, 0, 9
    while code:
        home, folder = tmp_path / str(step), tmp_path / f"{step}-copies"
        home.mkdir()
        shops = [Shop(home / f"{name}.db") for name in names]
        databases = {shop.path.stem: shop.path for shop in shops}
        back_up(databases, folder, print)
        for shop in shops:
            shop.sell("coffee")
            _die(shop)

        code = crash(step, home, folder)

        for path in databases.values():
            reason = f"a restore of {path} was interrupted, so it may be half done: "
            assert _refusal(path) in ("", f"{reason}give the same command once more, restore {folder}")
        if any(map(_refusal, databases.values())):
            refusals += 1
        else:
            assert [sales(path) for path in databases.values()] in ([["coffee"]] * 2, [[]] * 2), step
        restore(databases, folder, print)
        assert not any(map(_refusal, databases.values()))
        assert [sales(path) for path in databases.values()] == [[], []]
        assert all(["coffee"] in map(sales, kept(path)) for path in databases.values()), step
        assert [file.name for file in home.iterdir() if file.name.startswith(".")] == []
        step += 1
    assert refusals > len(names)


def _refusal(path: Path) -> str:
    """Say why a program would not start on a database; nothing where it would."""
    try:
        refuse_half_restored(path)
    except StartError as error:
        return str(error)
    return ""


def _die(shop: Shop) -> None:
    """Leave the files as a killed program does, with what it wrote last in the write-ahead log only."""
    files = {file: file.read_bytes() for file in (shop.path, Path(f"{shop.path}-wal"))}
    shop.connection.close()
    for file, content in files.items():
        file.write_bytes(content)
