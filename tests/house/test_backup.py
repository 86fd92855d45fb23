"""Copies of databases: whole, of one moment, and put back only where nobody is at work."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from house.backup import back_up, restore
from plumbing.database import lock_file
from plumbing.errors import StartError


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


def test_a_newer_copy_takes_the_place_of_an_older(shop: Shop, folder: Path) -> None:
    for item in ("coffee", "soda"):
        shop.sell(item)
        back_up({"bar": shop.path}, folder, print)

    assert sales(folder / "bar.db") == ["coffee", "soda"]


def test_what_was_copied_is_put_back_and_what_was_there_is_kept(shop: Shop, folder: Path) -> None:
    shop.sell("coffee")
    back_up({"bar": shop.path}, folder, print)
    shop.sell("soda")
    # As after a crash: the last sale is in the write-ahead log only, which no checkpoint has emptied.
    told: list[str] = []

    restore({"bar": shop.path}, folder, told.append)

    assert sales(shop.path) == ["coffee"]
    assert sales(Path(f"{shop.path}.old")) == ["coffee", "soda"]
    assert told == [f"{shop.path} is as it was in {folder / 'bar.db'}; what it was before is {shop.path}.old"]


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


def test_a_house_is_put_back_as_a_whole_or_not_at_all(shop: Shop, folder: Path, tmp_path: Path) -> None:
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


def test_a_damaged_database_does_not_take_the_place_of_a_good_copy(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "bar.db"
    path.write_bytes(b"no database " * 1000)
    folder.mkdir()
    (folder / "bar.db").write_bytes(b"the good copy")

    with pytest.raises(StartError, match=r"bar\.db cannot be copied: file is not a database"):
        back_up({"bar": path}, folder, print)

    assert (folder / "bar.db").read_bytes() == b"the good copy"


def test_what_is_not_there_cannot_be_copied(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"there is no database .*bar\.db"):
        back_up({"bar": tmp_path / "bar.db"}, folder, print)


def test_a_folder_that_cannot_be_written_is_told(shop: Shop, tmp_path: Path) -> None:
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
    assert not Path(f"{shop.path}.old").exists()
