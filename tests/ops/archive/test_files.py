"""Archive files: complete, checked, and read back; and the command's refusals."""

import argparse
import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.errors import StartError
from ops.archive import command
from ops.archive.files import Header, read_archive, write_archive
from tests.support.processes import environment, run


def header(made_at_ms: int = 1) -> Header:
    return Header(kind="orders", restaurant="main", source="gateway", made_at_ms=made_at_ms)


def row(order_id: str, status: str = "accepted") -> dict[str, Any]:
    return {"order": {"order_id": order_id, "status": status}, "tickets": []}


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "archive", header(), [row("a"), row("b")])
    found, records = read_archive(path)

    assert (found, list(records)) == (header(), [row("a"), row("b")])
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path, header(), [row("a")])
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b'"format":1', b'"format":2')))

    with pytest.raises(StartError, match="is no complete archive"):
        read_archive(path)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "a line less"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    path = write_archive(tmp_path, header(), [row("a"), row("b")])
    data, text = path.read_bytes(), gzip.decompress(path.read_bytes())
    lines = text.splitlines(keepends=True)
    path.write_bytes(
        {
            "cut": data[: len(data) // 2],
            "changed": gzip.compress(text.replace(b"accepted", b"refused!")),
            "empty": b"",
            "a line less": gzip.compress(b"".join([*lines[:1], *lines[2:]])),
        }[damage]
    )

    with pytest.raises(StartError, match=r"is no complete archive|is damaged"):
        read_archive(path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be written: ") as refusal:
        write_archive(tmp_path / "file", header(), [])
    assert "\n" not in str(refusal.value)


def test_what_two_files_have_is_printed_once_from_the_later_one(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    later = write_archive(tmp_path, header(2), [row("a", "cancelled"), row("c")])
    earlier = write_archive(tmp_path, header(1), [row("a"), row("b")])
    command.run(command_line("read", later, earlier), {})
    printed = [msgspec.json.decode(line) for line in capfdbinary.readouterr().out.splitlines()]

    assert printed == [row("a", "cancelled"), row("c"), row("b")]


def command_line(action: str, *paths: Path) -> Any:
    return argparse.Namespace(action=action, path=list(paths), days=None)


@pytest.mark.parametrize(("days", "said"), [(0, "COMANDA_KEEP_DAYS is 0"), (29, "COMANDA_KEEP_DAYS is 29")])
def test_nothing_is_archived_unless_it_is_wanted(tmp_path: Path, days: int, said: str) -> None:
    done = run(["-m", "ops", "archive", "write", str(tmp_path)], environment(HOME=tmp_path, KEEP_DAYS=days))

    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ops: {said}, so nothing is archived: 30 or more are allowed")
    assert done.stderr.count("\n") == 1
