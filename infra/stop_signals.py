"""SIGINT and SIGTERM, counted: the first asks to stop, the second to hurry, the third to stop by force."""

import asyncio
import signal


class StopSignals:
    """Events that are set by the first, second and third signal after this object was created."""

    def __init__(self) -> None:
        """Install the handlers in the running loop, except for a signal that the process was started to ignore."""
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self.force = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_IGN:
                continue
            asyncio.get_running_loop().add_signal_handler(number, self._count)

    def _count(self) -> None:
        if not self.stop.is_set():
            self.stop.set()
        elif not self.hurry.is_set():
            self.hurry.set()
        else:
            self.force.set()
