"""The texts of problems."""

from typing import Literal

import pytest

from gateway.domain.errors import ABSENT, SHOWN, FieldNotAllowed
from gateway.domain.order import Status
from gateway.rest.json_body import describe_parameter, describe_type


def test_a_value_is_cut_to_what_a_message_shows() -> None:
    shown = FieldNotAllowed("note", "x" * 1000, "expected less")
    assert len(str(shown)) < SHOWN + 60
    assert FieldNotAllowed("note", "x" * SHOWN, "expected less").value == "x" * SHOWN


def test_where_there_is_no_value_none_is_shown() -> None:
    assert (
        str(FieldNotAllowed("quantity", ABSENT, "expected less"))
        == "quantity: this value is not allowed: expected less"
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "a whole number"),
        (float, "float"),
        (bool, "true or false"),
        (str | None, "text or null"),
        (list[int], "a list"),
        (Literal["json", "csv"], "one of csv, json"),
        (Status, "one of pending, accepted, partly_accepted, refused, cancelled"),
    ],
)
def test_a_type_is_described_by_the_values_that_it_allows(kind: object, words: str) -> None:
    assert describe_type(kind) == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int | None, "a whole number"),
        (list[Status] | None, "one of pending, accepted, partly_accepted, refused, cancelled"),
        (list[int], "a whole number"),
    ],
)
def test_a_parameter_is_described_by_what_it_may_be_where_it_is_given(kind: object, words: str) -> None:
    assert describe_parameter(kind) == words
