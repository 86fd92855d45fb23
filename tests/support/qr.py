"""Reads QR codes with another library than the one that draws them."""

import re
from collections.abc import Iterator, Sequence

import zxingcpp

SCALE = 4
DARK, LIGHT = 0, 255

_step = re.compile(r"([Mmh])(-?[0-9.]+)(?: (-?[0-9.]+))?").finditer


def read_svg(svg: str) -> str:
    """Return the text of the code in an SVG document, whose lines are one module high."""
    size = re.search(r'viewBox="0 0 ([0-9]+) ([0-9]+)"', svg)
    path = re.search(r'stroke="#000" d="([^"]*)"', svg)
    assert size is not None
    assert path is not None
    pixels = [[LIGHT] * int(size[1]) for _ in range(int(size[2]))]
    for x, y, length in _lines(path[1]):
        pixels[y][x : x + length] = [DARK] * length
    return _read(pixels)


def read_terminal(lines: Sequence[str]) -> str:
    """Return the text of the code in lines of half blocks, light on dark."""
    pixels = []
    for line in lines:
        pixels.append([LIGHT if each in "█▀" else DARK for each in line])
        pixels.append([LIGHT if each in "█▄" else DARK for each in line])
    return _read(pixels)


def _lines(path: str) -> Iterator[tuple[int, int, int]]:
    """Yield (x, y, length) of each horizontal line of a path, in modules."""
    x = y = 0.0
    for kind, first, second in (found.groups() for found in _step(path)):
        if kind == "h":
            yield int(x), int(y), int(first)
            x += float(first)
        elif kind == "M":
            x, y = float(first), float(second)
        else:
            x, y = x + float(first), y + float(second)


def _read(modules: list[list[int]]) -> str:
    """Return the text of the one code in a picture of rows of grey values."""
    rows = [[value for value in row for _ in range(SCALE)] for row in modules for _ in range(SCALE)]
    picture = memoryview(bytes(value for row in rows for value in row)).cast("B", (len(rows), len(rows[0])))
    (found,) = zxingcpp.read_barcodes(picture)
    return found.text
