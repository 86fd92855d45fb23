"""docs/architecture.md says about imports what import-linter proves."""

import pytest

from tests.architecture import PAGE, contracts, section, written


def test_the_page_has_the_contracts_as_they_are() -> None:
    assert PAGE.read_text() == written(PAGE.read_text()), "run `just fix`"


def test_a_contract_that_changes_changes_the_page() -> None:
    rules = contracts()
    rules[0] = rules[0] | {"layers": [*rules[0]["layers"], "new"]}
    assert section(rules) != section(contracts())
    assert "--> new" in section(rules)


def test_a_page_without_the_section_is_refused() -> None:
    with pytest.raises(ValueError, match="has no section between"):
        written("# Architecture\n")
