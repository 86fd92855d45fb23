"""The two clocks of a program: the time of day, and the time that passes.

Somebody may set the time of day, ahead or back, at any moment. So it is only noted, shown and compared across restarts;
whatever waits in a running program waits by the time that passes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

_SINCE_BOOT = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic


@dataclass(frozen=True, slots=True)
class Clock:
    """Both clocks, in seconds; by default the machine's.

    `wall` returns seconds since 1970. `monotonic` never goes back, and nobody can set it; its zero means nothing, and
    no other process knows it. On Linux it goes on while the machine is suspended.
    """

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = _SINCE_BOOT
