"""A disk that fills is told of before it is full, and not with every look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from infra.disk import REPEATED_EVERY, DiskWatch, read_used


def levels(shares: list[float]) -> list[str]:
    """Return the log levels of the lines that a disk with these used shares leads to, one look after another."""
    looks: Iterator[float] = iter(shares)
    watch = DiskWatch(Path("/data/gateway.db"), lambda _: next(looks))
    with capture_logs() as lines:
        for _ in shares:
            watch.check()
    return [line["log_level"] for line in lines]


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.5, 0.84], []),
        ([0.5, 0.85, 0.86, 0.9], ["warning"]),
        ([0.86, 0.95, 0.99], ["warning", "error"]),
        ([0.95, 0.9, 0.5, 0.85], ["error", "warning", "warning"]),
        ([0.9] * REPEATED_EVERY, ["warning"]),
        ([0.9] * (REPEATED_EVERY + 1), ["warning", "warning"]),
    ],
)
def test_a_warning_is_logged_when_a_level_is_reached_and_once_an_hour(shares: list[float], expected: list[str]) -> None:
    assert levels(shares) == expected


def test_the_folder_of_the_file_is_looked_at(tmp_path: Path) -> None:
    watch = DiskWatch(tmp_path / "gateway.db")
    watch.check()

    assert watch.used is not None
    assert 0 < watch.used <= 1
    assert watch.used == pytest.approx(read_used(tmp_path), abs=0.01)


def test_a_disk_that_cannot_be_looked_at_is_not_known_and_told_of(tmp_path: Path) -> None:
    watch = DiskWatch(tmp_path / "nowhere" / "gateway.db")
    with capture_logs() as lines:
        watch.check()

    assert (watch.used, [line["log_level"] for line in lines]) == (None, ["warning"])


async def test_a_database_on_a_server_is_not_watched() -> None:
    watch = DiskWatch(None)
    await watch.run()

    assert watch.used is None
