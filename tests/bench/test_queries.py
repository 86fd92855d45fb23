from pathlib import Path

import pytest

from bench import preload, queries
from bench.menus import stations, write_menus
from bench.systems import variables_of

pytestmark = pytest.mark.long


def test_each_query_is_timed_and_finds_what_was_preloaded(tmp_path: Path) -> None:
    system = stations(3)
    write_menus(tmp_path / "menus", system)
    preload.migrate(variables_of(tmp_path, tmp_path / "menus"))
    preload.tickets(tmp_path, system[0], preload.QUEUED + 50)
    seen = queries.run(tmp_path / "bar.db", preload.QUEUED + 50, repeats=2 * preload.QUEUED)
    assert list(seen) == [queries.SNAPSHOT, queries.CHANGES, queries.TICKET, queries.MOVE]
    assert all(len(taken) == 2 * preload.QUEUED and min(taken) > 0 for taken in seen.values())


def test_a_query_that_finds_something_else_is_no_measurement(tmp_path: Path) -> None:
    system = stations(3)
    write_menus(tmp_path / "menus", system)
    preload.migrate(variables_of(tmp_path, tmp_path / "menus"))
    preload.tickets(tmp_path, system[0], preload.QUEUED - 1)
    with pytest.raises(queries.NothingFound, match="open tickets"):
        queries.run(tmp_path / "bar.db", preload.QUEUED, repeats=1)
