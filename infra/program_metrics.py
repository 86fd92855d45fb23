"""The metrics that every program has: its build, its loop, its certificate."""

import asyncio
import platform
import time
from collections.abc import Iterator

from infra.metrics import Family, Metrics, one
from infra.tls import Credentials
from infra.version import VERSION


class ProgramMetrics:
    """What a scrape reads of a program."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._loop_seconds = 0.0

    async def measure_loop(self) -> None:
        """Measure one iteration of the event loop: what else is ready takes so long."""
        began = time.perf_counter()
        await asyncio.sleep(0)
        self._loop_seconds = time.perf_counter() - began

    def families(self) -> Iterator[Family]:
        """Return what is known of the program."""
        build = ("version", "python")
        versions = (VERSION, platform.python_version())
        yield Family("build_info", "gauge", "1, with the versions of the program.", build, [(versions, 1)])
        yield one(
            "event_loop_seconds",
            "gauge",
            "How long one iteration of the event loop took at this scrape.",
            self._loop_seconds,
        )
        if self._credentials is not None:
            yield one(
                "certificate_expiry_timestamp_seconds",
                "gauge",
                "When the program's own certificate expires, in seconds since 1970.",
                self._credentials.contexts.until.timestamp(),
            )


def program_metrics(program: str, restaurant: str, credentials: Credentials | None) -> Metrics:
    """Return the metrics of a program, to which its layers add their own."""
    metrics = Metrics({"program": program, "restaurant": restaurant})
    own = ProgramMetrics(credentials)
    metrics.prepare(own.measure_loop)
    metrics.add(own.families)
    return metrics
