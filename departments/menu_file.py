"""Reads a department's menu from a TOML file."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec

from departments.domain.language import canonical_tag
from departments.domain.menu import Menu, MenuItem
from departments.domain.text import compose
from infra.errors import StartError

SHIPPED = Path(__file__).parent / "menus"

Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]*\Z", max_length=40)]
TITLE_LENGTH = 80
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_LENGTH)]


DEFAULT_LANGUAGE = "en"
UNLIMITED = "unlimited"


class Titled(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table of a menu file that has a title in one language or several.

    The keys of `titles` are language tags (BCP 47); `title` is the English title.
    """

    title: Text | None = None
    titles: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Check the titles; raises ValueError with the key and the reason."""
        self.by_language()

    def by_language(self) -> dict[str, str]:
        """Return the titles by canonical language tag; raises ValueError with the key and the reason."""
        titles = {DEFAULT_LANGUAGE: self.title} if self.title is not None else {}
        for key, title in self.titles.items():
            tag = canonical_tag(key)
            if tag is None:
                raise ValueError(f".titles: {key!r} is not a language tag (BCP 47), such as en, ko or pt-BR")
            if tag in titles:
                raise ValueError(f".titles.{key}: there is another title in this language")
            if not 1 <= len(title) <= TITLE_LENGTH:
                raise ValueError(
                    f".titles.{key}: Expected `str` of length {'>= 1' if not title else f'<= {TITLE_LENGTH}'}"
                )
            titles[tag] = title
        if not titles:
            raise ValueError('.titles: at least one is needed, such as title = "Coffee" or titles = { en = "Coffee" }')
        return titles


class ItemEntry(Titled, frozen=True, kw_only=True):
    """`[[items]]` of a menu file.

    `price` is in minor units. `stock` is the quantity when the item is first read, or "unlimited" for an item that has
    no stock figure. `category` is what kind of item it is, in the restaurant's words. `prep_seconds` is how long one
    takes to prepare.
    """

    id: Id
    price: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
    stock: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] | str
    category: Annotated[str, msgspec.Meta(max_length=40)] = ""
    prep_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] | None = None

    def __post_init__(self) -> None:
        """Check the titles and the stock; raises ValueError with the key and the reason."""
        super().__post_init__()
        if isinstance(self.stock, str) and self.stock != UNLIMITED:
            raise ValueError(f".stock: {self.stock!r} is neither a whole number nor {UNLIMITED!r}")

    def item(self) -> MenuItem:
        """Return the item on the menu."""
        unlimited = isinstance(self.stock, str)
        stock = 0 if isinstance(self.stock, str) else self.stock
        titles = self.by_language()
        return MenuItem(self.id, titles, self.price, stock, unlimited, self.category, self.prep_seconds or 0)


class MenuFile(Titled, frozen=True, kw_only=True):
    """A menu file. `goods` is the counter's word for an item: Drink, Meal, Dessert.

    `late_seconds` has two numbers: how many seconds after it was placed a ticket that is not ready is late, and very
    late.
    """

    name: Id
    goods: Text
    items: Annotated[list[ItemEntry], msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    late_seconds: (
        Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=86_400)]], msgspec.Meta(min_length=2, max_length=2)] | None
    ) = None


def find_menu(name_or_path: str, folder: Path) -> Path:
    """Return the path of a menu file, given its name in `folder` or its path; raises StartError."""
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
    """Return the menu files of a folder, sorted by name; raises StartError where there are none."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise StartError(f"there is no menu file (*.toml) in {folder}")
    return files


def read_menu(path: Path) -> Menu:
    """Return the menu of a file; raises StartError with the file, the key and the reason."""
    try:
        file = msgspec.convert(_composed(tomllib.loads(path.read_text("utf-8"))), MenuFile)
    except OSError as error:
        raise StartError(f"menu {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StartError(f"menu {path} is not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise StartError(f"menu {path}: {_key_first(str(error))}") from None
    items = {entry.id: entry.item() for entry in file.items}
    menu = Menu(file.name, file.by_language(), file.goods, items, file.port, *(file.late_seconds or (0, 0)))
    for reason in _contradictions(file, menu):
        raise StartError(f"menu {path}: {reason}")
    return menu


def _contradictions(file: MenuFile, menu: Menu) -> Iterator[str]:
    ids = Counter(entry.id for entry in file.items)
    for item, times in ids.items():
        if times > 1:
            yield f"items: the id {item!r} stands {times} times; it may stand once"
    if menu.very_late_seconds < menu.late_seconds:
        yield f"late_seconds: a ticket is very late after {menu.very_late_seconds} s, before it is late"
    for text, one, other in menu.ambiguities():
        yield f"items: {text!r} names two items, {one.id!r} and {other.id!r}; an id or title may name one"


def _composed(value: Any) -> Any:
    """Return a TOML value with all its text in normalisation form C."""
    if isinstance(value, str):
        return compose(value)
    if isinstance(value, dict):
        return {compose(key): _composed(each) for key, each in value.items()}
    return [_composed(each) for each in value] if isinstance(value, list) else value


def _key_first(message: str) -> str:
    """Return "key: reason" for msgspec's "reason - at `$.key`"; a reason may begin with a key of its own."""
    reason, _, place = message.partition(" - at `$")
    place = place.strip(".`")
    if reason.startswith("."):
        return f"{place}{reason}".lstrip(".")
    return f"{place}: {reason}" if place else reason
