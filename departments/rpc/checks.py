"""Checks of a request's columns and texts; each raises InvalidRequest with the field and the place in it.

Text is returned in normalisation form C, and its length counts the characters of that form.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from departments.domain.errors import InvalidRequest
from departments.domain.text import compose

T = TypeVar("T")

LAST_REVISION = 2**63 - 1
"""The highest number that a database column can hold."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_UUID_RULE = "a UUID in lower case is expected"
_NUL_RULE = "a NUL character is not"


def check_order_id(order_id: str) -> None:
    """Check that an order id is a canonical UUID."""
    if _UUID(order_id) is None:
        raise InvalidRequest("order_id", f"{shorten(order_id)} is not allowed: {_UUID_RULE}")


def check_order_ids(order_ids: Sequence[str], most: int) -> None:
    """Check that there are 1 to `most` order ids, each a canonical UUID."""
    if not 1 <= len(order_ids) <= most:
        raise InvalidRequest("order_ids", f"there are {len(order_ids)}; 1 to {most} are allowed")
    check_each("order_ids", order_ids, lambda text: _UUID(text) is not None, _UUID_RULE)


def check_revision(field: str, revision: int) -> None:
    """Check that a revision is one that a database column can hold."""
    if revision > LAST_REVISION:
        raise InvalidRequest(field, f"{revision} is not allowed: at most {LAST_REVISION} is")


def check_length(field: str, column: Sequence[object], length: int, other: str) -> None:
    """Check that a column is as long as the column `other`."""
    if len(column) != length:
        raise InvalidRequest(
            field, f"there are {len(column)}, but {length} {other}; the columns must be of equal length"
        )


def check_range(field: str, column: Sequence[int], most: int) -> None:
    """Check that each number is 1 to `most`."""
    if column and not (min(column) >= 1 and max(column) <= most):
        check_each(field, column, lambda number: 1 <= number <= most, f"1 to {most} is allowed")


def read_texts(field: str, column: list[str], least: int, most: int) -> list[str]:
    """Return a column of texts, each of `least` to `most` characters and without a NUL character."""
    joined = "".join(column)
    if not joined.isascii():
        column = list(map(compose, column))
    lengths = list(map(len, column))
    if lengths and not (min(lengths) >= least and max(lengths) <= most):
        check_each(field, column, lambda text: least <= len(text) <= most, _length_rule(least, most))
    if "\0" in joined:  # which no column of a database can hold
        check_each(field, column, lambda text: "\0" not in text, _NUL_RULE)
    return column


def read_text(field: str, text: str, least: int, most: int) -> str:
    """Return a text of `least` to `most` characters and without a NUL character."""
    text = compose(text)
    if not least <= len(text) <= most:
        raise InvalidRequest(field, f"{shorten(text)} is not allowed: {_length_rule(least, most)}")
    if "\0" in text:
        raise InvalidRequest(field, f"{shorten(text)} is not allowed: {_NUL_RULE}")
    return text


def check_each(field: str, column: Sequence[T], allowed: Callable[[T], bool], rule: str) -> None:
    """Check each value of a column; the error names the first that is not allowed, and the rule."""
    for number, value in enumerate(column):
        if not allowed(value):
            raise InvalidRequest(f"{field}[{number}]", f"{shorten(value)} is not allowed: {rule}")


def shorten(value: object) -> str:
    """Return a value as a message shows it, in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _length_rule(least: int, most: int) -> str:
    return f"{least} to {most} characters are allowed"
