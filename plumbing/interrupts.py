"""Ctrl-C while a program is still loading: it ends without Python's traceback. Imports next to nothing, to be first."""

import os
import signal
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a program that Ctrl-C ended before it was able to stop by itself."""


def exit_quietly(code: int = INTERRUPTED) -> None:
    """End this process at once on SIGINT: for the time in which it imports, and has nothing to clean up."""

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(code)

    signal.signal(signal.SIGINT, end)


def raise_interrupts() -> None:
    """Raise KeyboardInterrupt on SIGINT again: what was begun is cleaned up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
