"""Archive files: complete, checked, and read back; and the command's refusals."""

import argparse
import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.errors import StartError
from ops.archive import command
from ops.archive.files import Header, read_archive, write_archive
from tests.support.processes import ROOT, environment, run


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


def test_a_file_with_a_byte_changed_anywhere_is_refused_or_the_same(tmp_path: Path) -> None:
    written = [row(str(number)) for number in range(50)]
    path = write_archive(tmp_path, header(), written)
    data = path.read_bytes()
    refused = 0
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            found, records = read_archive(path)
        except StartError:
            refused += 1
        else:
            assert (found, list(records)) == (header(), written)  # a byte of gzip's that says nothing of the content

    assert refused > 0.9 * len(data)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"none\.gz cannot be read: No such file or directory$"):
        read_archive(tmp_path / "none.gz")


def test_folders_that_are_made_are_on_disk_before_anything_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", note)
    folder = tmp_path / "a" / "b"
    path = write_archive(folder, header(), [])
    again = write_archive(folder, header(2), [])

    parts = [folder / f".{each.name}.part" for each in (path, again)]
    assert synced == [tmp_path / "a", tmp_path, parts[0], folder, parts[1], folder]


def test_a_reader_that_leaves_ends_the_output_without_a_word(tmp_path: Path) -> None:
    made = [
        write_archive(tmp_path, header(number), [row(f"{number}-{n}-{'x' * 200}") for n in range(2000)])
        for number in (1, 2)
    ]
    command = f"{sys.executable} -m ops archive read {made[0]} {made[1]} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environment(), capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert msgspec.json.decode(done.stdout) == row(f"1-0-{'x' * 200}")


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
    return argparse.Namespace(action=action, path=[str(path) for path in paths], days=None)


@pytest.mark.parametrize(("days", "said"), [(0, "COMANDA_KEEP_DAYS is 0"), (29, "COMANDA_KEEP_DAYS is 29")])
def test_nothing_is_archived_unless_it_is_wanted(tmp_path: Path, days: int, said: str) -> None:
    done = run(["-m", "ops", "archive", "write", str(tmp_path)], environment(HOME=tmp_path, KEEP_DAYS=days))

    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ops: {said}, so nothing is archived: 30 or more are allowed")
    assert done.stderr.count("\n") == 1


def test_days_that_are_too_few_are_said_to_be_the_options(tmp_path: Path) -> None:
    done = run(["-m", "ops", "archive", "write", str(tmp_path), "--days", "20"], environment(HOME=tmp_path))
    assert done.stderr.startswith("ops: --days is 20, so nothing is archived: 30 or more are allowed")


def test_a_folder_without_a_name_is_not_the_current_one(tmp_path: Path) -> None:
    done = run(["-m", "ops", "archive", "write", " ", "--days", "40"], environment(HOME=tmp_path))
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("ops: the folder of the archives has no name")


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(["-m", "ops", "archive", "write", str(tmp_path / "a"), "--days", "40"], environment(HOME=tmp_path))

    assert (done.code, done.stderr) == (2, f"ops: there is no database {tmp_path / 'gateway.db'}\n")
    assert not (tmp_path / "a").exists()
