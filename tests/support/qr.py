"""Reads QR codes with another library than the one that draws them."""

import re
import zlib
from collections.abc import Iterator, Sequence

import zxingcpp

SCALE = 4
DARK, LIGHT = 0, 255
MM_PER_POINT = 25.4 / 72

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


def read_pdf(document: bytes) -> list[tuple[str, float]]:
    """Return the text of each code in a PDF that Chromium printed, and its width on the paper in millimetres."""
    found: list[tuple[str, float]] = []
    for stream in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL):
        try:
            content = zlib.decompress(stream[1]).decode("latin-1")
        except zlib.error:
            continue  # a font, or a picture: it has no codes
        found += _codes(content)
    return found


def _codes(content: str) -> Iterator[tuple[str, float]]:
    """Yield the codes of a page: a light square, and on it the stroke of one path, both counted in modules."""
    scales, scale, size = [], 1.0, 0
    lines: list[tuple[int, int, int]] = []
    start = (0.0, 0.0)
    for line in content.splitlines():
        *numbers, operator = line.split() or [""]
        if operator == "q":
            scales.append(scale)
        elif operator == "Q":
            scale = scales.pop()
        elif operator == "cm":
            scale *= abs(float(numbers[0]))
        elif operator == "re":
            size, lines = int(float(numbers[2])), []
        elif operator == "m":
            start = float(numbers[0]), float(numbers[1])
        elif operator == "l":
            lines.append((int(start[0]), int(start[1]), int(float(numbers[0]) - start[0])))
        elif operator == "S" and len(lines) > size > 0:
            pixels = [[LIGHT] * size for _ in range(size)]
            for x, y, length in lines:
                pixels[y][x : x + length] = [DARK] * length
            yield _read(pixels), size * scale * MM_PER_POINT


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
