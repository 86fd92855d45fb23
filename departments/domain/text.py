"""Unicode text: one form for what is stored and compared, and one for what names an item.

The same letters may arrive composed or decomposed, as keyboards and file systems differ. Text is stored in
normalisation form C, so that equal text is equal in every comparison and has the length that people count.
"""

from unicodedata import normalize


def compose(text: str) -> str:
    """Return the text in normalisation form C."""
    return text if text.isascii() else normalize("NFC", text)


def fold(text: str) -> str:
    """Return the text without differences in case, composition and blanks around it."""
    return normalize("NFC", normalize("NFD", text.strip()).casefold())
