"""What the systems that are fuzzed have, and what their logs must not."""

import re

MENUS = {
    "bar": {"coffee": 1_000_000, "soda": 500, "tea": 100_000, "beer": 0},
    "kitchen": {"pizza": 1000, "pasta": 5},
    "bakery": {"cookie": 1000, "donut": 5},
}

_FAULT = re.compile(r"^.*(?:\[error|Traceback|a handler failed|Fatal)(?:.*\n){1,60}", re.MULTILINE)


def fault_in(log: str) -> str:
    """Find the first fault that a log tells of, with what follows it."""
    found = _FAULT.search(log)
    return found[0] if found else ""
