"""The currencies of ISO 4217, and how many digits of a price are decimals in each.

Source: List One of ISO 4217, as SIX publishes it for ISO, of 2026-01-01. It has 13 more codes, such as XAU and XXX, for
which it names no exponent ("N.A."): nothing can be priced in them, so they are left out.
"""

from typing import Self

_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY"
    " COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS"
    " INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR"
    " MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP"
    " STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS = {code: exponent for exponent, codes in _CODES.items() for code in codes.split()}
"""Code -> exponent: a price is a whole number of units of 10 to the power of minus this."""


class Currency(str):
    """A currency as its code; raises ValueError for anything else, so that every one has an exponent."""

    __slots__ = ("code", "exponent")

    code: str
    """The same as plain text, which encoders and databases take."""
    exponent: int
    """How many digits of a price are decimals: 2 for EUR, 0 for JPY, 3 for KWD."""

    def __new__(cls, code: str) -> Self:
        """Find a currency."""
        exponent = EXPONENTS.get(code)
        if exponent is None:
            hint = f"; did you mean {code.upper()}?" if code.upper() in EXPONENTS else ""
            raise ValueError(f"expected the ISO 4217 code of a currency in use, such as EUR, JPY or KWD{hint}")
        currency = super().__new__(cls, code)
        currency.code, currency.exponent = str(code), exponent
        return currency
