"""Ctrl-C while a program is still being imported: the program exits without a traceback. Imports almost nothing."""

import signal
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a program that Ctrl-C ended before it handled signals by itself."""

_held: list[int] = []
_recorded: set[signal.Signals] = set()


def hold_interrupts(*numbers: signal.Signals) -> None:
    """Record these signals instead of handling them, while the program imports its modules.

    A signal that the program was started to ignore stays ignored.
    """

    def record(number: int, _frame: FrameType | None) -> None:
        _held.append(number)

    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, record)
            _recorded.add(number)


def has_held_any() -> bool:
    """Return whether a signal was recorded."""
    return bool(_held)


def release_interrupts() -> None:
    """Raise KeyboardInterrupt on SIGINT, and on every other signal that is recorded, from here on.

    It is raised at once if a signal was recorded.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in _recorded:
        signal.signal(number, signal.default_int_handler)
    if _held:
        raise KeyboardInterrupt
