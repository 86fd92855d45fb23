"""Ctrl-C while a program is still loading: it ends without Python's traceback. Imports next to nothing, to be first."""

import signal
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a program that Ctrl-C ended before it was able to stop by itself."""

_held: list[int] = []


def hold_interrupts(*numbers: signal.Signals) -> None:
    """Note these signals, and go on: for the time in which a program imports what it needs.

    A signal that whoever started the program lets it ignore stays ignored.
    """

    def note(number: int, _frame: FrameType | None) -> None:
        _held.append(number)

    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, note)


def has_held_any() -> bool:
    """Tell whether a signal was noted."""
    return bool(_held)


def release_interrupts() -> None:
    """Raise KeyboardInterrupt on SIGINT from here on, and at once where a signal was noted."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if _held:
        raise KeyboardInterrupt
