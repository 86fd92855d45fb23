"""Reads a JSON body straight into its struct, strictly, and says precisely what is wrong with one that does not fit.

A body that fits costs one pass. One that does not is decoded again with `2.0` as the whole number that it is. Where
that does not fit either, it is read once more: msgspec names the place, but neither the value that stands there nor,
for most faults, all that could.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_415_UNSUPPORTED_MEDIA_TYPE
from msgspec import inspect

from gateway.domain.errors import ABSENT, SHOWN, BodyUnreadable, FieldMissing, RuleBroken
from gateway.rest.json_text import lone_surrogate, normalised, with_whole_numbers

T = TypeVar("T")

JSON = "application/json"

_MARKS = {b"\xef\xbb\xbf": "UTF-8", b"\xff\xfe": "UTF-16 or UTF-32", b"\xfe\xff": "UTF-16", b"\0\0\xfe\xff": "UTF-32"}

_Faults = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Path = Sequence[str | int]

_steps = re.compile(r"\.(\w+)|\[(\d+)\]").findall
_named = re.compile(r"^Object (?:contains unknown|missing required) field `(.*)`$", re.DOTALL).match


class UnsupportedMediaType(HTTPException):
    """The body is not said to be JSON, or is compressed."""

    status_code = HTTP_415_UNSUPPORTED_MEDIA_TYPE


def read_body(content_type: bytes | None, body: bytes, kind: type[T]) -> T:
    """Read a request's body into its struct; raises UnsupportedMediaType, RuleBroken."""
    if not body:
        raise BodyUnreadable("it is empty")
    if content_type != b"application/json":
        _demand_json(content_type)
    return read_json(body, kind)


def read_json(body: bytes, kind: type[T]) -> T:
    """Read JSON into a struct, texts in NFC; raises RuleBroken."""
    text = body if body.isascii() and b"\\" not in body else normalised(body)
    decode: Callable[[bytes], T] = _decoder(kind).decode  # type: ignore[arg-type]  # a type is hashable
    try:
        return decode(text)
    except _Faults:
        try:
            return decode(with_whole_numbers(text))
        except msgspec.ValidationError as error:
            raise _explain(text, kind, error) from None
        except _Faults as error:
            raise BodyUnreadable(*_why_unreadable(body, error)) from None


def rule(kind: Any) -> str:
    """Say what a type allows, in words."""
    return _describe(inspect.type_info(kind))


@cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


def _demand_json(kind: bytes | None) -> None:
    if kind is None:
        raise UnsupportedMediaType("content-type: it is missing: expected application/json")
    text = kind.decode("latin-1")
    if text.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(f"content-type: {text[:80]!r} is not allowed: expected application/json")


def _why_unreadable(body: bytes, error: Exception) -> tuple[str, str]:
    """Say what keeps a body from being JSON, and what is expected instead."""
    expected = "expected JSON in UTF-8"
    for mark, name in _MARKS.items():
        if body.startswith(mark):
            return f"it begins with a byte order mark of {name}", f"{expected}, without a byte order mark"
    try:
        msgspec.json.decode(body)  # as it was sent, for its places are counted in bytes
    except _Faults as first:
        error = first
    if isinstance(error, RecursionError):
        return "JSON nested too deeply", expected
    reason = str(error)
    if ("surrogate" in reason or "truncated" in reason) and (found := lone_surrogate(body)):
        return f"it has a lone surrogate, {found}", f"{expected}, whose every surrogate is one of a pair"
    return reason, expected


def _explain(body: bytes, kind: Any, error: msgspec.ValidationError) -> RuleBroken:
    reason, _, path = str(error).partition(" - at `$")
    steps: list[str | int] = [name or int(number) for name, number in _steps(path)]
    named = _named(reason)
    if named is None:
        return RuleBroken(_spell(steps), _look(body, steps), f"expected {_describe(_follow(kind, steps))}")
    field = [*steps, named[1][:SHOWN]]
    if reason.startswith("Object missing"):
        return FieldMissing(_spell(field), f"expected {_describe(_follow(kind, field))}")
    return RuleBroken(_spell(field), _look(body, field), f"expected {_describe(_follow(kind, steps))}")


def _spell(steps: _Path) -> str:
    """Write a place as `lines[0].item`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".") or "body"


def _look(body: bytes, steps: _Path) -> object:
    """Read the value that stands at a place."""
    try:
        value = msgspec.json.decode(body)
        for step in steps:
            value = value[step]
    except (*_Faults, LookupError, TypeError):
        return ABSENT  # a number that nothing can hold, say
    return value


def _follow(kind: Any, steps: _Path) -> inspect.Type:
    """Find the type at a place."""
    found = inspect.type_info(kind)
    for step in steps:
        found = _bare(found)
        if isinstance(found, inspect.StructType):
            found = next((field.type for field in found.fields if field.encode_name == step), inspect.AnyType())
        else:
            found = getattr(found, "item_type", found)
    return found


def _bare(kind: inspect.Type) -> inspect.Type:
    return _bare(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _describe(kind: inspect.Type) -> str:
    match _bare(kind):
        case inspect.UnionType(types=types):
            return " or ".join(map(_describe, types))
        case inspect.NoneType():
            return "null"
        case inspect.IntType(ge=least, le=most):
            return "a whole number" + _range(least, most)
        case inspect.StrType(min_length=least, max_length=most):
            return "text" + _range(least, most, " characters")
        case inspect.EnumType(cls=choices):
            return "one of " + ", ".join(str(choice.value) for choice in choices)
        case inspect.UUIDType():
            return "a UUID"
        case inspect.ListType(min_length=least, max_length=most):
            return "a list" + _range(least, most)
        case inspect.StructType(fields=fields):
            return "an object with " + ", ".join(field.encode_name for field in fields)
        case other:
            return type(other).__name__.removesuffix("Type").lower()


def _range(least: int | None, most: int | None, unit: str = "") -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f" of at least {least}{unit}"
    return f" of {least or 0} to {most}{unit}"
