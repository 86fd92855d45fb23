"""Prints what a command says on standard output.

Where the reader has closed the pipe (`just audit | head`), a command goes on without output.
"""

import os
import sys
from collections.abc import Callable

Show = Callable[[str], None]
"""Takes a line for the user of a command."""


def show(text: str, end: str = "\n") -> None:
    """Print at once."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        _print_no_more()


def show_bytes(data: bytes) -> None:
    """Print lines as they are, at once."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        _print_no_more()


def _print_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
