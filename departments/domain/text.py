"""Unicode text: one form for storage and comparison, and one for the names of items.

The same letters may arrive composed or decomposed, as keyboards and file systems differ. Text is stored in
normalisation form C, so that equal text is equal in every comparison and its length counts composed characters.
"""

from unicodedata import normalize


def compose(text: str) -> str:
    """Return the text in normalisation form C."""
    return text if text.isascii() else normalize("NFC", text)


def fold(text: str) -> str:
    """Return the text without surrounding blanks, in a form that ignores case and composition."""
    return normalize("NFC", normalize("NFD", text.strip()).casefold())
