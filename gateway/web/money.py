"""Prices as text on the server, as a browser's Intl.NumberFormat writes them, so that modules change nothing."""

from collections.abc import Mapping

_NARROW: Mapping[str, str] = {
    "EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "KRW": "₩", "CNY": "CN¥", "INR": "₹", "BRL": "R$", "ILS": "₪",
    "VND": "₫", "MXN": "MX$", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "HKD": "HK$", "TWD": "NT$", "PHP": "₱",
}  # fmt: skip
"""The signs of an English text; a currency that is not here stands as its code."""

_OTHERS: Mapping[str, Mapping[str, str]] = {
    "en": {},
    "ko": {"USD": "US$", "JPY": "JP¥", "AUD": "AU$", "PHP": "PHP"},
    "es": {
        "USD": "US$", "GBP": "GBP", "JPY": "JPY", "KRW": "KRW", "CNY": "CNY", "INR": "INR", "BRL": "BRL", "ILS": "ILS",
        "MXN": "MXN", "CAD": "CAD", "AUD": "AUD", "NZD": "NZD", "HKD": "HKD", "TWD": "TWD", "PHP": "PHP",
    },
}  # fmt: skip

NO_BREAK = "\u00a0"


def money(amount: int, currency: str, exponent: int, language: str) -> str:
    """Return an amount in minor units, which are 10 to the power of `-exponent`, as text in a language."""
    sign = _OTHERS[language].get(currency) or _NARROW.get(currency, currency)
    whole, part = divmod(abs(amount), 10**exponent)
    minus = "-" if amount < 0 else ""
    if language == "es":
        digits = f"{whole:,}".replace(",", ".") if whole >= 10_000 else str(whole)
        return f"{minus}{digits}{_part(part, exponent, ',')}{NO_BREAK}{sign}"
    space = NO_BREAK if sign[-1].isalpha() else ""
    return f"{minus}{sign}{space}{whole:,}{_part(part, exponent, '.')}"


def _part(part: int, exponent: int, point: str) -> str:
    return f"{point}{part:0{exponent}d}" if exponent else ""
