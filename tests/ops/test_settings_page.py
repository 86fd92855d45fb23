from pathlib import Path

import msgspec
import pytest

from departments.settings import DepartmentSettings
from gateway.settings import GatewaySettings
from infra.settings import describe, read_settings
from ops.settings_page import settings_page

PAGE = Path(__file__).parent.parent.parent / "docs" / "settings.md"
PROGRAMS = [GatewaySettings, DepartmentSettings]


def test_the_page_is_what_the_programs_say() -> None:
    assert PAGE.read_text() == settings_page(), "run `just fix`"


@pytest.mark.parametrize("kind", PROGRAMS)
def test_every_setting_is_on_the_page_with_its_meaning(kind: type[msgspec.Struct]) -> None:
    rows = list(describe(kind))
    assert len(rows) == len(kind.__struct_fields__)
    for variable, default, meaning in rows:
        assert meaning.endswith("."), variable
        assert f"| `{variable}` | {f'`{default}`' if default else ''} | {meaning} |" in settings_page()


@pytest.mark.parametrize("kind", PROGRAMS)
def test_every_default_is_allowed(kind: type[msgspec.Struct]) -> None:
    defaults = {variable: default for variable, default, _ in describe(kind)}
    assert read_settings(kind, "", defaults) == kind()
