"""The log lines that say where orders can be placed, and where their tickets appear."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import structlog

FIRST_CHECK, CHECK_GROWTH, LAST_CHECK = 0.1, 1.2, 10.0
"""Seconds before the first check of readiness, the factor from one delay to the next, and the longest delay. Each check
writes to a journal that may be out of order."""

log = structlog.get_logger("gateway")


async def announce(
    is_ready: Callable[[], Awaitable[bool]],
    url: str,
    pairing_code: str | None = None,
    departments: Collection[str] = (),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Log the URLs of the pages and of the API's page, once orders can be placed: a line for each station.

    After the first start there is another one: with `pairing_code`, it makes one browser the manager's.
    """
    delay = FIRST_CHECK
    while not await is_ready():
        await sleep(delay)
        delay = min(delay * CHECK_GROWTH, LAST_CHECK)
    log.info("ready for orders", order=f"{url}/", menu=f"{url}/menu", api=f"{url}/schema")
    for name in departments:
        log.info("a station", department=name, address=f"{url}/stations/{name}")
    log.info("for the staff", **{name: f"{url}/{name}" for name in ("waiter", "pass", "board", "office")})
    if pairing_code is not None:
        log.info("open this once, within 15 minutes, to be the manager", address=f"{url}/pair/{pairing_code}")
