"""The loop of `python -m ops`."""

import asyncio
from collections.abc import Callable


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests on the loop that commands run on."""
    return {"asyncio": asyncio.new_event_loop}
