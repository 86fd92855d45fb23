"""The progress bar."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Show:
    """Shows, on standard error, what is measured and how much is left; where that is no terminal, a line a section."""

    def __init__(self, windows: int) -> None:
        """Expect this many windows."""
        self._console = Console(stderr=True)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=windows)
        self._section = ""

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it is."""
        self._progress.stop()

    def section(self, name: str) -> None:
        """Begin a section."""
        self._section = name
        if not self._console.is_terminal:
            self._console.print(name)

    def say(self, text: str) -> None:
        """Tell what happens now."""
        self._progress.update(self._task, description=f"{self._section}: {text}")

    def advance(self) -> None:
        """Count a window as done."""
        self._progress.advance(self._task)
