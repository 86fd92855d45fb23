from pathlib import Path

import pytest

from bench import preload
from bench.menus import stations, write_menus
from bench.sections.recovery import audit
from bench.systems import variables_of

pytestmark = pytest.mark.long


def test_the_audit_finds_nothing_wrong_with_orders_that_were_never_placed(tmp_path: Path) -> None:
    system = stations(3)
    write_menus(tmp_path / "menus", system)
    settings = variables_of(tmp_path, tmp_path / "menus")
    preload.migrate(settings)
    preload.finished(tmp_path, system, 250)
    assert "250 orders, 750 tickets, 0 of them sold over the counter" in audit(settings)


def test_unfinished_orders_are_undecided_and_not_wrong(tmp_path: Path) -> None:
    system = stations(3)
    write_menus(tmp_path / "menus", system)
    settings = variables_of(tmp_path, tmp_path / "menus")
    preload.migrate(settings)
    preload.unfinished(tmp_path, system, 20)
    assert "20 orders, 0 tickets" in audit(settings)
