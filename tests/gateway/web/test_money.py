"""Prices as text: the expected ones are what Node's Intl.NumberFormat writes."""

import pytest

from gateway.web.money import money

NO_BREAK = "\u00a0"


@pytest.mark.parametrize(
    ("amount", "currency", "exponent", "english", "korean", "spanish"),
    [
        (123450, "EUR", 2, "€1,234.50", "€1,234.50", "1234,50_€"),
        (350, "EUR", 2, "€3.50", "€3.50", "3,50_€"),
        (5, "EUR", 2, "€0.05", "€0.05", "0,05_€"),
        (123450, "USD", 2, "$1,234.50", "US$1,234.50", "1234,50_US$"),
        (1234567, "KRW", 0, "₩1,234,567", "₩1,234,567", "1.234.567_KRW"),
        (1235, "JPY", 0, "¥1,235", "JP¥1,235", "1235_JPY"),
        (123450, "CHF", 2, "CHF_1,234.50", "CHF_1,234.50", "1234,50_CHF"),
        (1234500, "KWD", 3, "KWD_1,234.500", "KWD_1,234.500", "1234,500_KWD"),
    ],
)
def test_a_price_is_written_as_a_browser_writes_it(
    amount: int, currency: str, exponent: int, english: str, korean: str, spanish: str
) -> None:
    for language, text in (("en", english), ("ko", korean), ("es", spanish)):
        assert money(amount, currency, exponent, language) == text.replace("_", NO_BREAK)
