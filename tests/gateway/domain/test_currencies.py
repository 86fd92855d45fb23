"""Currencies: the codes of ISO 4217, and nothing else."""

import copy

import pytest

from gateway.domain.currencies import EXPONENTS, Currency


@pytest.mark.parametrize(
    ("code", "exponent"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("BHD", 3), ("CLF", 4)]
)
def test_a_currency_knows_how_many_digits_of_its_prices_are_decimals(code: str, exponent: int) -> None:
    currency = Currency(code)
    assert (currency, currency.code, currency.exponent) == (code, code, exponent)
    assert type(currency.code) is str


@pytest.mark.parametrize("text", ["", "EURO", "EU", "ABC", "DEM", "BGN", "XAU", "XXX", "XTS", " EUR", "€"])
def test_what_is_not_the_code_of_a_currency_in_use_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected the ISO 4217 code of a currency in use, such as EUR, JPY or KWD$"):
        Currency(text)


def test_a_code_in_lower_case_is_refused_with_the_one_that_is_right() -> None:
    with pytest.raises(ValueError, match=r"; did you mean EUR\?$"):
        Currency("eur")


def test_a_copy_is_the_same_currency() -> None:
    assert copy.deepcopy(Currency("KWD")).exponent == 3


def test_every_code_has_three_letters_and_stands_once() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)
    assert len(EXPONENTS) == 17 + 139 + 7 + 2
