"""Prints what a command says on standard output."""

import os
import sys
from collections.abc import Callable

Show = Callable[[str], None]
"""Takes a line for the user of a command."""


def show(text: str, end: str = "\n") -> None:
    """Print at once; where the reader has closed the pipe (`just audit | head`), go on without output."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
