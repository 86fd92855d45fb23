"""Language tags as BCP 47 (RFC 5646) writes them, such as en, pt-BR and zh-Hant-TW."""

import re

_WELL_FORMED = re.compile(
    r"""
    (?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})    # language
    (?:-[a-z]{4})?                                 # script
    (?:-(?:[a-z]{2}|[0-9]{3}))?                    # region
    (?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*       # variants
    (?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*           # extensions
    (?:-x(?:-[a-z0-9]{1,8})+)?                     # private use
    | x(?:-[a-z0-9]{1,8})+
    | en-gb-oed | sgn-(?:be-fr|be-nl|ch-de)        # registered before these rules existed
    | i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)
    """,
    re.VERBOSE,
).fullmatch


def canonical_tag(text: str) -> str | None:
    """Return a language tag in its canonical case, such as zh-Hant-TW, or None where the text is not a language tag."""
    if not text.isascii() or _WELL_FORMED(text.lower()) is None:
        return None
    subtags = text.lower().split("-")
    canonical, after_singleton = [subtags[0]], len(subtags[0]) == 1
    for subtag in subtags[1:]:
        after_singleton = after_singleton or len(subtag) == 1
        change = {} if after_singleton else {2: str.upper, 4: str.title}
        canonical.append(change.get(len(subtag), str)(subtag))
    return "-".join(canonical)
