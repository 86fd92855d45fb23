"""SIGINT and SIGTERM, counted: each further one says that whoever sends it is in more of a hurry."""

import asyncio
import signal


class StopSignals:
    """What the signals ask for, from the moment in which this is made: `stop`, then `hurry`, then `force`."""

    def __init__(self) -> None:
        """Take the signals of the running loop's process, but for one that it was started to ignore."""
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
