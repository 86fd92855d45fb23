"""The id of an event: the positions of all departments, as a text that clients keep and send back.

The text means the same to every gateway of the restaurant, and after a restart.
"""

from collections.abc import Mapping
from zlib import crc32

from gateway.domain.tickets import Position

VOID = "0"
"""The id that stands for no position: what a client knows is void until the next id."""

LONGEST = 4000
"""Characters of an id that is read; a longer one counts as void."""

Vector = Mapping[str, tuple[str, int]]
"""For each department a short form of its incarnation, and a revision."""


def vector(positions: Mapping[str, Position | None]) -> dict[str, tuple[str, int]]:
    """Return the positions that are known, with the incarnations in their short form."""
    return {
        name: (f"{crc32(position.incarnation.encode()):x}", position.revision)
        for name, position in positions.items()
        if position is not None
    }


def write_id(vector: Vector) -> str:
    """Return the id for a vector, such as `bar.5f3a91c2.17~kitchen.09c1d2e3.4`."""
    return "~".join(f"{name}.{short}.{revision}" for name, (short, revision) in vector.items()) or VOID


def read_id(text: str) -> dict[str, tuple[str, int]]:
    """Return the vector of an id; empty where it is not an id that `write_id` returned."""
    if len(text) > LONGEST:
        return {}
    found = {}
    for part in text.split("~"):
        fields = part.rsplit(".", 2)
        if len(fields) != 3 or not (fields[2].isascii() and fields[2].isdigit() and len(fields[2]) < 20):
            return {}
        found[fields[0]] = fields[1], int(fields[2])
    return found
