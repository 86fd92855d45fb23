"""Writes the lines of several programs to one stream, each with its program's name in front.

A line of JSON names its program itself, and is passed on as it is.
"""

import os
import select
from collections.abc import Callable, Sequence
from itertools import cycle

_COLOURS = (36, 33, 32, 35, 34, 31)  # cyan, yellow, green, magenta, blue, red


class Output:
    """Lines of several programs, on one file descriptor."""

    def __init__(
        self, descriptor: int, names: Sequence[str], *, coloured: bool, on_failure: Callable[[], None]
    ) -> None:
        """`on_failure` is called when a write fails: the terminal or the pipe is gone."""
        self._descriptor = descriptor
        self._on_failure = on_failure
        width = max(map(len, names))
        colours = cycle(_COLOURS) if coloured else cycle([0])
        self._tags = {name: _tag(name.ljust(width), colour) for name, colour in zip(names, colours, strict=False)}

    def write(self, name: str, line: bytes, *, is_json: bool = False) -> None:
        """Write one line, which has no line feed."""
        tag = b"" if is_json else self._tags[name]
        text = memoryview(tag + line + b"\n")
        while text:
            try:
                text = text[os.write(self._descriptor, text) :]
            except BlockingIOError:  # another process has made it non-blocking: wait all the same
                select.select([], [self._descriptor], [])
            except OSError:
                self._on_failure()
                return


def _tag(name: str, colour: int) -> bytes:
    return (f"\x1b[{colour}m{name} |\x1b[0m " if colour else f"{name} | ").encode()


class OwnLines:
    """A text file, as far as a logger needs one, whose lines are written to an `Output`."""

    def __init__(self, output: Output, name: str, *, is_json: bool) -> None:
        """`name` stands in front of each line."""
        self._output = output
        self._name = name
        self._is_json = is_json

    def write(self, text: str) -> int:
        """Write whole lines."""
        for line in text.splitlines():
            self._output.write(self._name, line.encode(), is_json=self._is_json)
        return len(text)

    def flush(self) -> None:
        """Do nothing: `write` keeps nothing back."""

    def isatty(self) -> bool:
        """Return False, so that the lines are not coloured."""
        return False
