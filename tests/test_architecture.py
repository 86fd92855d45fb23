"""docs/architecture.md says about imports what import-linter proves, and that finds an import that is planted."""

import pytest
from grimp import ImportGraph, build_graph
from importlinter.configuration import configure
from importlinter.contracts.forbidden import ForbiddenContract

from tests.architecture import PAGE, ROOT_PACKAGES, Contract, contracts, section, written

WITHOUT_GRPC = (
    "departments.domain",
    "gateway.access",
    "gateway.domain",
    "gateway.orders",
    "gateway.rest",
    "gateway.tickets",
    "gateway.web",
)
"""Folders of which no module may import grpclib."""


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


def is_broken(rule: Contract, graph: ImportGraph) -> bool:
    """Tell whether a contract of the type `forbidden` fails, as in `lint-imports`."""
    options = {key: str(value) if isinstance(value, bool) else value for key, value in rule.items()}
    session = {"root_packages": ROOT_PACKAGES, "include_external_packages": "True"}
    return not ForbiddenContract(rule["name"], session, options).check(graph, verbose=False).kept


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    configure()
    return build_graph(*ROOT_PACKAGES, include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("folder", WITHOUT_GRPC)
def test_an_import_of_grpclib_is_found_in_every_module(folder: str, graph: ImportGraph) -> None:
    rules = [rule for rule in contracts() if "grpclib" in rule.get("forbidden_modules", ())]
    modules = [folder, *graph.find_descendants(folder)]
    assert not any(is_broken(rule, graph) for rule in rules)
    for module in modules:
        graph.add_import(importer=module, imported="grpclib")
        assert any(is_broken(rule, graph) for rule in rules), module
        graph.remove_import(importer=module, imported="grpclib")
