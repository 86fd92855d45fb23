"""How many examples Hypothesis tries."""

from hypothesis import settings


def examples(most: int) -> int:
    """Return `most`, or a fifth of it where only fast tests run: their profile tries 20 instead of 100."""
    return settings().max_examples * most // 100
