"""Checks of texts that requests carry."""

from gateway.domain.errors import NulCharacter


def refuse_nul(prefix: str = "", /, **texts: str | None) -> None:
    """Raise NulCharacter for a text with a NUL character; `prefix` stands before the names of the fields."""
    for name, text in texts.items():
        if text and "\0" in text:
            raise NulCharacter(f"{prefix}{name}", text)
