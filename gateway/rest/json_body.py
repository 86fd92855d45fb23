"""Decodes a JSON body strictly into its struct, and says precisely what is wrong with a body that does not match.

A body that matches is decoded once. Another is decoded a second time with `2.0` written as the whole number `2`. If
that fails, too, it is decoded without a type to find the wrong value: msgspec's error names the place, but neither the
value there nor, mostly, what is allowed.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_415_UNSUPPORTED_MEDIA_TYPE
from msgspec import inspect

from gateway.domain.errors import ABSENT, SHOWN, BodyUnreadable, FieldMissing, FieldNotAllowed
from gateway.rest.json_text import lone_surrogate, normalised, with_whole_numbers

T = TypeVar("T")

JSON = "application/json"

_MARKS = {b"\xef\xbb\xbf": "UTF-8", b"\xff\xfe": "UTF-16 or UTF-32", b"\xfe\xff": "UTF-16", b"\0\0\xfe\xff": "UTF-32"}

_Faults = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Path = Sequence[str | int]

_steps = re.compile(r"\.(\w+)|\[(\d+)\]").findall
_named = re.compile(r"^Object (?:contains unknown|missing required) field `(.*)`$", re.DOTALL).match


class UnsupportedMediaType(HTTPException):
    """The body is not declared as JSON, or is compressed."""

    status_code = HTTP_415_UNSUPPORTED_MEDIA_TYPE


def read_body(content_type: bytes | None, body: bytes, kind: type[T]) -> T:
    """Decode a request's body into its struct; raises UnsupportedMediaType, FieldNotAllowed."""
    if not body:
        raise BodyUnreadable("it is empty")
    if content_type != b"application/json":
        _check_content_type(content_type)
    return read_json(body, kind)


def read_json(body: bytes, kind: type[T]) -> T:
    """Decode JSON into a struct, with texts in NFC; raises FieldNotAllowed."""
    text = body if body.isascii() and b"\\" not in body else normalised(body)
    decode: Callable[[bytes], T] = _decoder(kind).decode  # type: ignore[arg-type]  # a type is hashable
    try:
        return decode(text)
    except _Faults:
        try:
            return decode(with_whole_numbers(text))
        except msgspec.ValidationError as error:
            raise _wrong_field(text, kind, error) from None
        except _Faults as error:
            raise BodyUnreadable(*_why_unreadable(body, error)) from None


def describe_type(kind: Any) -> str:
    """Return in words which values a type allows."""
    return _describe(inspect.type_info(kind))


def describe_parameter(kind: Any) -> str:
    """Return in words which values a parameter allows: it is absent in place of null, and a list is given in turns."""
    found = _without_metadata(inspect.type_info(kind))
    choices = found.types if isinstance(found, inspect.UnionType) else (found,)
    given = [_without_metadata(each) for each in choices if not isinstance(each, inspect.NoneType)]
    return " or ".join(_describe(each.item_type if isinstance(each, inspect.ListType) else each) for each in given)


@cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


def _check_content_type(kind: bytes | None) -> None:
    if kind is None:
        raise UnsupportedMediaType("content-type: it is missing: expected application/json")
    text = kind.decode("latin-1")
    if text.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(f"content-type: {text[:80]!r} is not allowed: expected application/json")


def _why_unreadable(body: bytes, error: Exception) -> tuple[str, str]:
    """Return why a body is not JSON, and what is expected instead."""
    expected = "expected JSON in UTF-8"
    for mark, name in _MARKS.items():
        if body.startswith(mark):
            return f"it begins with a byte order mark of {name}", f"{expected}, without a byte order mark"
    try:
        msgspec.json.decode(body)  # as it was sent, because positions are in bytes of that
    except _Faults as first:
        error = first
    if isinstance(error, RecursionError):
        return "JSON nested too deeply", expected
    reason = str(error)
    if ("surrogate" in reason or "truncated" in reason) and (found := lone_surrogate(body)):
        return f"it has a lone surrogate, {found}", f"{expected}, whose every surrogate is one of a pair"
    return reason, expected


def _wrong_field(body: bytes, kind: Any, error: msgspec.ValidationError) -> FieldNotAllowed:
    reason, _, path = str(error).partition(" - at `$")
    steps: list[str | int] = [name or int(number) for name, number in _steps(path)]
    named = _named(reason)
    if named is None:
        return FieldNotAllowed(_place(steps), _value_at(body, steps), f"expected {_describe(_type_at(kind, steps))}")
    field = [*steps, named[1][:SHOWN]]
    if reason.startswith("Object missing"):
        return FieldMissing(_place(field), f"expected {_describe(_type_at(kind, field))}")
    return FieldNotAllowed(_place(field), _value_at(body, field), f"expected {_describe(_type_at(kind, steps))}")


def _place(steps: _Path) -> str:
    """Return a place as text, such as `lines[0].item`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".") or "body"


def _value_at(body: bytes, steps: _Path) -> object:
    """Return the value at a place, ABSENT if there is none."""
    try:
        value = msgspec.json.decode(body)
        for step in steps:
            value = value[step]
    except (*_Faults, LookupError, TypeError):
        return ABSENT  # such as a number that no type can hold
    return value


def _type_at(kind: Any, steps: _Path) -> inspect.Type:
    """Return the type at a place."""
    found = inspect.type_info(kind)
    for step in steps:
        found = _without_metadata(found)
        if isinstance(found, inspect.StructType):
            found = next((field.type for field in found.fields if field.encode_name == step), inspect.AnyType())
        else:
            found = getattr(found, "item_type", found)
    return found


def _without_metadata(kind: inspect.Type) -> inspect.Type:
    return _without_metadata(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _describe(kind: inspect.Type) -> str:
    match _without_metadata(kind):
        case inspect.UnionType(types=types):
            return " or ".join(map(_describe, types))
        case inspect.NoneType():
            return "null"
        case inspect.IntType(ge=least, le=most):
            return "a whole number" + _range(least, most)
        case inspect.StrType(min_length=least, max_length=most):
            return "text" + _range(least, most, " characters")
        case inspect.BoolType():
            return "true or false"
        case inspect.EnumType() | inspect.LiteralType() as choice:
            return "one of " + ", ".join(_choices(choice))
        case inspect.UUIDType():
            return "a UUID"
        case inspect.ListType(min_length=least, max_length=most):
            return "a list" + _range(least, most)
        case inspect.StructType(fields=fields):
            return "an object with " + ", ".join(field.encode_name for field in fields)
        case other:
            return type(other).__name__.removesuffix("Type").lower()


def _choices(kind: inspect.EnumType | inspect.LiteralType) -> list[str]:
    if isinstance(kind, inspect.EnumType):
        return [str(choice.value) for choice in kind.cls]
    return sorted(map(str, kind.values))


def _range(least: int | None, most: int | None, unit: str = "") -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f" of at least {least}{unit}"
    return f" of {least or 0} to {most}{unit}"
