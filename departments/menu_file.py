"""Reads a department's menu from a TOML file."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from departments.domain.menu import Menu, MenuItem
from plumbing.errors import StartError

SHIPPED = Path(__file__).parent / "menus"

Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]*\Z", max_length=40)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class Titles(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A title in each language that Comanda speaks."""

    en: Text
    ko: Text


class ItemEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`[[items]]` of a menu file. `price` is in minor units; `stock` is laid in when the item is first seen."""

    id: Id
    titles: Titles
    price: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
    stock: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class MenuFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A menu file. `goods` is what the counter calls what it sells: Drink, Meal, Dessert."""

    name: Id
    titles: Titles
    goods: Text
    items: Annotated[list[ItemEntry], msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None


def find_menu(name_or_path: str, folder: Path) -> Path:
    """Find the menu file of a department: the name of a file in `folder`, or any path; raises StartError."""
    path = folder / f"{name_or_path}.toml"
    if path.is_file():
        return path
    path = Path(name_or_path)
    if path.suffix == ".toml" and path.is_file():
        return path
    known = ", ".join(sorted(file.stem for file in folder.glob("*.toml"))) or "none"
    raise StartError(
        f"there is no menu {name_or_path!r}: expected one of {folder} ({known}), or a path to a .toml file"
    )


def menu_files(folder: Path) -> list[Path]:
    """List the menu files of a folder, by name; raises StartError where there are none."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise StartError(f"there is no menu file (*.toml) in {folder}")
    return files


def read_menu(path: Path) -> Menu:
    """Read a menu file; raises StartError with the file, the key and the reason."""
    try:
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), MenuFile)
    except OSError as error:
        raise StartError(f"menu {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StartError(f"menu {path} is not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise StartError(f"menu {path}: {_key_first(str(error))}") from None
    for reason in _contradictions(file):
        raise StartError(f"menu {path}: {reason}")
    items = {entry.id: MenuItem(entry.id, _titles(entry.titles), entry.price, entry.stock) for entry in file.items}
    return Menu(file.name, _titles(file.titles), file.goods, items, file.port)


def _contradictions(file: MenuFile) -> Iterator[str]:
    ids = Counter(entry.id for entry in file.items)
    for item, times in ids.items():
        if times > 1:
            yield f"items: the id {item!r} stands {times} times; it may stand once"


def _key_first(message: str) -> str:
    """Turn msgspec's "reason - at `$.key`" into "key: reason"."""
    reason, _, place = message.partition(" - at `$")
    return f"{place.strip('.`')}: {reason}" if place else reason


def _titles(titles: Titles) -> dict[str, str]:
    return msgspec.structs.asdict(titles)
