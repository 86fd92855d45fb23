"""Seams: the product's named attributes that a planted bug replaces, in a process of its own, by wrong ones.

A seam is an attribute of a module or of a class. The owner is imported, so mypy reports an owner that was renamed; an
attribute that is missing raises MissingSeam with the seam's name. A wrong function gets the original as its first
argument, followed by the arguments that the product passes; its docstring says in one line what is wrong.

A name that a module imports from another (`from x import f`) is a seam of the module that imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

Catcher = Literal[
    "draw",
    "hard",
    "wavering",
    "reconfigured",
    "frozen",
    "echo",
    "recalled",
    "torn",
    "forgetful",
    "calm",
    "restored",
    "watched",
    "archived",
    "clocks",
    "clocks_and_deaths",
    "durability",
]


class MissingSeam(Exception):
    """The product has no attribute of this name any more."""


@dataclass(frozen=True, slots=True)
class Seam:
    """An attribute of a module or class, and what takes its place: a wrong function, or a value."""

    owner: ModuleType | type
    name: str
    wrong: Any
    is_value: bool = False

    def __str__(self) -> str:
        if isinstance(self.owner, ModuleType):
            return f"{self.owner.__name__}:{self.name}"
        return f"{self.owner.__module__}:{self.owner.__qualname__}.{self.name}"

    def original(self) -> Any:
        """What the product has there; raises MissingSeam."""
        if self.name not in vars(self.owner):
            raise MissingSeam(f"the product has no {self}: was it renamed, moved or removed?")
        return vars(self.owner)[self.name]

    def replace(self) -> None:
        """Replace it in this process, for good; raises MissingSeam."""
        original = self.original()
        setattr(self.owner, self.name, self.wrong if self.is_value else _bound(self, original))


@dataclass(frozen=True, slots=True)
class Plant:
    """A bug, and what has to catch it: a simulation of a kind, or a look at the pragmas.

    `seed` is known to catch it. Where the product has changed since, others are tried from there on.
    """

    name: str
    wrong: str
    seams: list[Seam]
    catcher: Catcher
    seed: int

    def plant(self) -> None:
        """Put the bug into this process, for good; raises MissingSeam, and then nothing is replaced."""
        for seam in self.seams:
            seam.original()
        for seam in self.seams:
            seam.replace()

    def unreached(self) -> list[str]:
        """The seams that the product has, and whose wrong functions it did not call: it may have copied the name."""
        return [str(seam) for seam in self.seams if not seam.is_value and str(seam) not in REACHED]


PLANTS: list[Plant] = []
"""All, in the order in which their modules are imported."""

REACHED: set[str] = set()
"""The seams whose wrong functions this process has called."""


def plant(
    name: str, owner: ModuleType | type, attribute: str, catcher: Catcher = "draw", seed: int = 0
) -> Callable[[F], F]:
    """Plant a bug of this name: the decorated function takes the attribute's place."""

    def register(wrong: F) -> F:
        PLANTS.append(Plant(name, wrong.__doc__ or "", [Seam(owner, attribute, wrong)], catcher, seed))
        return wrong

    return register


def and_with_it(name: str, owner: ModuleType | type, attribute: str) -> Callable[[F], F]:
    """Let the plant of this name, which stands just before, have one more seam."""

    def register(wrong: F) -> F:
        assert PLANTS[-1].name == name
        PLANTS[-1].seams.append(Seam(owner, attribute, wrong))
        return wrong

    return register


def plant_value(
    name: str, owner: ModuleType | type, attribute: str, wrong: str, value: object, catcher: Catcher = "draw"
) -> None:
    """Plant a bug of this name: `value` takes the place of a constant; `wrong` says what is wrong."""
    PLANTS.append(Plant(name, wrong, [Seam(owner, attribute, value, is_value=True)], catcher, 0))


def _bound(seam: Seam, original: Any) -> Callable[..., Any]:
    """Return a plain function, which a class makes a method of."""
    wrong, name = seam.wrong, str(seam)

    def replacement(*arguments: Any, **named: Any) -> Any:
        REACHED.add(name)
        return wrong(original, *arguments, **named)

    return replacement
