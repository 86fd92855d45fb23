"""Keys, PINs and table codes."""

import hashlib
import re

import pytest

from gateway.access import secrets


def test_keys_are_random_and_long() -> None:
    keys = {secrets.new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.match(secrets.KEY_PATTERN, key) for key in keys)


def test_a_pin_is_hashed_slowly() -> None:
    assert secrets.PIN_COST == {"n": 2**14, "r": 8, "p": 1}
    salt, _, hashed = secrets.hash_pin("1234").partition("$")
    assert hashlib.scrypt(b"1234", salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32).hex() == hashed


def test_a_pin_is_hashed_with_a_salt_of_its_own() -> None:
    one, other = secrets.hash_pin("1234"), secrets.hash_pin("1234")
    assert one != other
    assert "1234" not in one
    assert secrets.is_pin_of("1234", one)
    assert not secrets.is_pin_of("1235", one)


@pytest.mark.parametrize("pin", ["", "0000", "1234"])
def test_nobody_has_a_pin(pin: str) -> None:
    assert not secrets.is_pin_of(pin, None)


@pytest.mark.parametrize("text", ["", "123", "123456789", "12a4", "\uff11\uff12\uff13\uff14", "1234\n", " 1234"])
def test_what_is_no_pin(text: str) -> None:
    assert not secrets.is_pin(text)


@pytest.mark.parametrize("table", ["7", "Terrace 1", "창가 2", "a/b.c?d=e", "é"])
def test_a_code_holds_its_table(table: str) -> None:
    secret = secrets.new_table_secret()
    code = secrets.table_code(secret, table)
    assert re.fullmatch(r"[\w.-]+", code, re.ASCII)
    assert secrets.table_of_code(secret, code) == table


@pytest.mark.parametrize(
    "change", [lambda code: code[:-1], lambda code: "x" + code, lambda code: code + ".x", str.upper]
)
def test_a_code_that_was_changed_is_none(change: "type[str]") -> None:
    secret = secrets.new_table_secret()
    assert secrets.table_of_code(secret, change(secrets.table_code(secret, "window"))) is None


@pytest.mark.parametrize("code", ["", ".", "..", "é.é", "7", "\ud800"])
def test_garbage_is_no_code(code: str) -> None:
    assert secrets.table_of_code(secrets.new_table_secret(), code) is None
