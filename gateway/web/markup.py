"""HTML that cannot be injected into: every value is escaped, unless it is HTML that was made here."""

from collections.abc import Iterable
from html import escape
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def html(template: str, /, **values: object) -> Html:
    """Return a template with values in its `{fields}`, each escaped unless it is Html; None is nothing.

    A template is a literal in the code, never text from elsewhere.
    """
    return Html(template.format(**{name: _safe(value) for name, value in values.items()}))


def joined(parts: Iterable[Html]) -> Html:
    """Return parts one after another."""
    return Html("".join(parts))


def data_block(element_id: str, data: Any) -> Html:
    """Return data as JSON in an element that no browser executes; modules read it."""
    text = _encode(data).decode().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return html('<script type="application/json" id="{id}">{text}</script>', id=element_id, text=Html(text))


def _safe(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, Html) else escape(str(value))
