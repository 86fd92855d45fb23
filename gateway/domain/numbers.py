"""Short numbers of orders, which people call out: unique on a day and the day before, and no count of the day's orders.

The orders of a day have ranks 0, 1, 2 and so on. A rank becomes a number by a permutation that a random key of the day
chooses, so that two numbers do not tell how many orders were taken between them. The first 450 orders of a day have
three digits, the next 4,500 four, and so on. Even days use the lower half of the numbers of a length, odd days the
upper half: an order that is still open after midnight keeps its number for itself.
"""

_PERMUTED = 450
"""How many numbers of three digits a day has."""

_MASK = 2**64 - 1


def order_number(day: int, rank: int, key: int) -> int:
    """Return the number of an order; `key` is the day's random number of 64 bits."""
    size, least = _PERMUTED, 100
    while rank >= size:
        rank -= size
        size, least = size * 10, least * 10
    return least + (size if day % 2 else 0) + _permute(rank, size, key)


def _permute(rank: int, size: int, key: int) -> int:
    """Return another number below `size`, a different one for each rank: a Feistel network of two unequal halves."""
    width = size // 18
    left, right = divmod(rank, width)
    left = (left + _mix(right ^ key)) % 18
    right = (right + _mix(left ^ key + 1)) % width
    left = (left + _mix(right ^ key + 2)) % 18
    right = (right + _mix(left ^ key + 3)) % width
    return left * width + right


def _mix(value: int) -> int:
    """Return 32 bits that depend on all bits of a value."""
    value = value * 0xBF58476D1CE4E5B9 & _MASK
    return (value ^ value >> 32) * 0x94D049BB133111EB >> 32 & 0xFFFFFFFF
