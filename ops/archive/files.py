"""Archive files: JSON lines, compressed by gzip, with a checksum as the last line. docs/archive.md has the format.

A file is complete, on disk and read back before anything that is in it may be removed.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from infra.db.sqlite_files import OWNER_ONLY, make_folder
from infra.errors import StartError

SUFFIX = ".jsonl.gz"


class Header(msgspec.Struct, kw_only=True):
    """The first line: what the file holds. `source` is "gateway" or a department's name."""

    comanda: Literal["archive"] = "archive"
    format: Literal[1] = 1
    kind: Literal["orders", "tickets"]
    restaurant: str
    source: str
    made_at_ms: int


class Footer(msgspec.Struct):
    """The last line: how many records are between it and the header, and the SHA-256 of all lines before it."""

    records: int
    sha256: str


Record = dict[str, Any]
"""A row by its columns' names, under `order` or `ticket`; with it `tickets` or `steps`, a list of rows."""

_encode = msgspec.json.Encoder().encode
_header = msgspec.json.Decoder(Header).decode
_footer = msgspec.json.Decoder(Footer).decode
_record = msgspec.json.Decoder(dict[str, Any]).decode


def write_archive(folder: Path, header: Header, records: Sequence[Record]) -> Path:
    """Write a file, durably, and read it back; return its path. Raises StartError.

    Its name has its checksum, so a file is never replaced by another one.
    """
    lines = [_encode(header), *map(_encode, records)]
    data = b"".join(line + b"\n" for line in lines)
    digest = hashlib.sha256(data).hexdigest()
    data += _encode(Footer(len(records), digest)) + b"\n"
    path = folder / f"{header.kind}-{header.source}-{header.made_at_ms}-{digest[:16]}{SUFFIX}"
    part = folder / f".{path.name}.part"
    try:
        _make_folder(folder)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY), "wb") as file:
            file.write(gzip.compress(data, 6, mtime=0))
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        _sync_folder(folder)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StartError(f"the archive {path} cannot be written: {error.strerror}") from error
    if sum(1 for _ in read_archive(path)[1]) != len(records):
        raise StartError(f"{path} does not have what was written")
    return path


def read_archive(path: Path) -> tuple[Header, Iterator[Record]]:
    """Return a file's header and its records; raises StartError unless the whole file is as it was written."""
    try:
        with gzip.open(path) as file:
            lines = file.read().splitlines(keepends=True)
        header, footer = _header(lines[0]), _footer(lines[-1])
    except (gzip.BadGzipFile, zlib.error, EOFError, IndexError, msgspec.MsgspecError) as error:
        raise StartError(f"{path} is no complete archive: {error}") from error
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror}") from error
    body = lines[:-1]
    if hashlib.sha256(b"".join(body)).hexdigest() != footer.sha256 or len(body) - 1 != footer.records:
        raise StartError(f"{path} is damaged: its checksum is not that of its lines")
    return header, map(_record, body[1:])


def key_of(header: Header, record: Record) -> tuple[str, str, str]:
    """Return what identifies a record among all files: kind, source and order id."""
    row = record["order" if header.kind == "orders" else "ticket"]
    return header.kind, header.source, row["order_id"]


def _make_folder(folder: Path) -> None:
    """Create a folder, durably with those above it: else a crash may take the folder, and all files in it."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    make_folder(folder)
    for each in missing:
        _sync_folder(each.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
