"""The quick version; the long one is `python -m tests.fuzz`."""

import pytest

from tests.e2e.harness import House
from tests.fuzz import rest

pytestmark = pytest.mark.proof

CASES = 300


def test_no_case_from_the_description_is_answered_against_it_or_with_a_fault(house: House) -> None:
    answers = rest.besiege(house, CASES, 1, lambda _: None)
    assert not answers.faults, answers
    assert answers.cases >= CASES
    assert {name for name, status in answers.statuses if status in {200, 201}} == {
        "placeOrder",
        "placeSetMenu",
        "getOrder",
        "listOrders",
        "cancelOrder",
        "getMenu",
        "getLiveness",
        "getReadiness",
    }
