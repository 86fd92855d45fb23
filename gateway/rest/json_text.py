"""Rewrites a JSON text before it is decoded, token by token: strings in NFC, whole numbers without a fraction.

A token is replaced only by another spelling of the same kind, so a text that is not JSON does not become JSON here.
"""

import re
from decimal import Decimal, InvalidOperation
from unicodedata import is_normalized, normalize

import msgspec

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
"""Also one that does not end: a search that tried its every quotation mark again would take quadratic time."""

_strings = re.compile(_STRING, re.DOTALL)
_strings_and_numbers = re.compile(_STRING + rb"|-?[0-9][0-9.eE+-]*+", re.DOTALL)
_is_number = re.compile(rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?").fullmatch
_lone_surrogates = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)

DIGITS = 18
"""Whole numbers of more digits stay as they are: no field of a request takes one."""

_decode_text = msgspec.json.Decoder(str).decode
_encode_text = msgspec.json.Encoder().encode


def normalised(text: bytes) -> bytes:
    """Return a JSON text whose strings are in NFC; the very same bytes where they are already."""
    if b"\\u" not in text:
        # Without such escapes, a text in NFC has nothing but strings in NFC.
        if text.isascii():
            return text
        try:
            if is_normalized("NFC", text.decode()):
                return text
        except UnicodeDecodeError:
            return text
    return _strings.sub(_normalised_string, text)


def with_whole_numbers(text: bytes) -> bytes:
    """Return a JSON text in which `2.0` and `2e0` are written `2`, for JSON has one kind of number."""
    return _strings_and_numbers.sub(_whole_number, text)


def lone_surrogate(text: bytes) -> str | None:
    r"""Find the first escape that is half of a character, as `\ud800 (byte 12)`."""
    for match in _lone_surrogates.finditer(text):
        if match[1]:
            return f"\\{match[1].decode()} (byte {match.start()})"
    return None


def _normalised_string(match: "re.Match[bytes]") -> bytes:
    token = match[0]
    if token.isascii() and b"\\u" not in token:
        return token
    try:
        text = _decode_text(token)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return token
    composed = normalize("NFC", text)
    return token if composed == text else _encode_text(composed)


def _whole_number(match: "re.Match[bytes]") -> bytes:
    token = match[0]
    if token.startswith(b'"') or token.isdigit() or not _is_number(token):
        return token
    try:
        number = Decimal(token.decode())
    except InvalidOperation:  # an exponent beyond all bounds
        return token
    if number.adjusted() >= DIGITS or number != number.to_integral_value():
        return token
    return b"%d" % int(number)
