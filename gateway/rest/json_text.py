"""Rewrites the tokens of a JSON text before it is decoded: strings in NFC, whole numbers without a fraction.

A token is replaced only by a token of the same kind, so a text that is not JSON does not become JSON.
"""

import re
from decimal import Decimal, InvalidOperation
from unicodedata import is_normalized, normalize

import msgspec

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
"""It also matches a string that does not end: else the search would start again at each quotation mark in it, which
takes quadratic time."""

_strings = re.compile(_STRING, re.DOTALL)
_strings_and_numbers = re.compile(_STRING + rb"|-?[0-9][0-9.eE+-]*+", re.DOTALL)
_is_number = re.compile(rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?").fullmatch
_lone_surrogates = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)

DIGITS = 18
"""Most digits of a whole number that is rewritten: no field of a request takes a longer one."""

_decode_text = msgspec.json.Decoder(str).decode
_encode_text = msgspec.json.Encoder().encode


def normalised(text: bytes) -> bytes:
    """Return a JSON text whose strings are in NFC; the same object if they are in NFC already."""
    if b"\\u" not in text:
        # Without such escapes, all strings of a text in NFC are in NFC.
        if text.isascii():
            return text
        try:
            if is_normalized("NFC", text.decode()):
                return text
        except UnicodeDecodeError:
            return text
    return _strings.sub(_normalised_string, text)


def with_whole_numbers(text: bytes) -> bytes:
    """Return a JSON text in which `2.0` and `2e0` are written `2`: JSON does not tell whole numbers from others."""
    return _strings_and_numbers.sub(_whole_number, text)


def lone_surrogate(text: bytes) -> str | None:
    r"""Return the first escape that is half of a surrogate pair, such as `\ud800 (byte 12)`, or None."""
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
    except InvalidOperation:  # an exponent that is out of range
        return token
    if number.adjusted() >= DIGITS or number != number.to_integral_value():
        return token
    return b"%d" % int(number)
