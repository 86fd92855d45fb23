"""`python -m gateway`: settings, journal, departments and the REST app, from start to drain."""

import signal

from infra.interrupts import INTERRUPTED, hold_interrupts, release_interrupts

if __name__ == "__main__":
    hold_interrupts(signal.SIGINT)

import argparse
import asyncio
import logging
import os
import random
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, AsyncExitStack, closing, nullcontext, suppress
from functools import partial
from pathlib import Path

import structlog
import uuid_utils
import uvicorn

from gateway.department_client.client import CallPolicy, DepartmentClient
from gateway.orders.journal import Journal
from gateway.orders.service import OrderService, RetryPolicy
from gateway.rest.app import create_app
from gateway.rest.restaurant import House, OrderLimits
from gateway.settings import GatewaySettings
from infra.addresses import Address, join_address
from infra.clock import Clock
from infra.db.database import Database
from infra.errors import DatabaseError, StartError
from infra.grpc.peer_guard import WatchedChannel
from infra.http.guard import guarded_http
from infra.logs import configure_logs, shows_access
from infra.runtime import run
from infra.setting_names import refuse_unknown_names
from infra.settings import read_settings
from infra.sockets import bind
from infra.stop_signals import StopSignals
from infra.supervise import in_background
from infra.tls import Contexts, Credentials, certificate_name, find_credentials

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"

FIRST_LOOK, LOOK_GROWTH, LAST_LOOK = 0.1, 1.2, 10.0
"""Seconds between two looks whether orders can be placed: a sixth of the time that it has taken so far. Each is a write
to a journal that may be out of order."""

log = structlog.get_logger("gateway")


def main() -> None:
    """Run the gateway; what keeps it from starting is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Run the gateway.")
    parser.add_argument("--migrate", action="store_true", help="bring the journal up to date, and stop")
    arguments = parser.parse_args()
    try:
        release_interrupts()
        refuse_unknown_names(os.environ)
        settings = read_settings(GatewaySettings, "gateway", os.environ)
        configure_logs("gateway", settings.log_level, settings.log_format)
        hosts = [at.host for at in settings.departments.values()]
        credentials = find_credentials("gateway", settings, hosts)
        with closing(open_database(settings)) as database:
            database.prepare(MIGRATIONS)
            if not arguments.migrate:
                run(_serve(settings, database, credentials))
    except StartError as error:
        print(f"gateway: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def open_database(settings: GatewaySettings, *, read_only: bool = False) -> Database:
    """Open the journal: a SQLite file, or a schema on PostgreSQL."""
    url = settings.database_url or Path(settings.home).absolute() / "gateway.db"
    return Database(url, schema="gateway", read_only=read_only, timeout=settings.database_timeout)


async def _serve(settings: GatewaySettings, database: Database, credentials: Credentials | None) -> None:
    signals = StopSignals()
    channels = {name: _channel(name, at, credentials, settings.tls_domain) for name, at in settings.departments.items()}
    calling = CallPolicy(settings.deadline, settings.calls_in_flight, settings.orders_per_call)
    departments = {name: DepartmentClient(name, channel, calling) for name, channel in channels.items()}
    patience = RetryPolicy(settings.time_to_decide, settings.first_retry, settings.retry_cap, settings.max_waiting)
    clock = Clock()
    ordering = OrderService(Journal(database), departments, patience, clock=clock, random=random.random)
    house = House(
        ordering,
        OrderLimits(settings.max_lines, settings.max_quantity, settings.max_note),
        settings.currency,
        new_order_id=lambda: str(uuid_utils.uuid7()),
        clock=clock,
        wait_for_departments=settings.wait_for_departments,
    )
    async with AsyncExitStack() as cleanup:
        cleanup.push_async_callback(ordering.close)
        sock = cleanup.enter_context(closing(bind(settings.host, settings.port)))
        log_requests = shows_access(settings.log_level)
        config = uvicorn.Config(
            create_app(
                house, max_body=settings.max_body, cors_origins=settings.cors_origins, log_requests=log_requests
            ),
            access_log=False,
            proxy_headers=False,
            http=guarded_http(settings.receive_seconds, settings.max_body, is_logged=log_requests),
            ws="none",
            log_config=None,
            timeout_graceful_shutdown=settings.grace,
            server_header=False,
        )
        try:
            await ordering.start()
        except DatabaseError as error:
            raise StartError(f"database {database} cannot be used: {error}") from error
        host, port = sock.getsockname()[:2]
        address = join_address(host, port)
        log.info("open", address=address, departments=", ".join(settings.departments), database=str(database))
        logging.getLogger("uvicorn.error").addFilter(_is_no_request_cut_off)  # whoever cuts them off logs how many
        server = _Server(config)
        background = {
            "announcement": partial(announce, house.is_ready, f"http://{address}"),
            "stop": partial(_stop, server, house, settings.linger, signals),
        }
        if credentials:
            log.info("only over mutual TLS", certificate=credentials.name, until=credentials.until)
            background["certificates"] = partial(credentials.watch, partial(_renew, channels.values()))
        await cleanup.enter_async_context(in_background(background))
        await server.serve([sock])
    log.info("closed")


def _is_no_request_cut_off(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Server(uvicorn.Server):
    """Leaves the signals to `_stop`, and returns, so that the journal can be closed."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


async def _stop(server: uvicorn.Server, house: House, linger: float, signals: StopSignals) -> None:
    """Stop as the signals ask: first after a while in which clients can turn elsewhere, then at once, then by force.

    Requests that run are cut off by the third signal only, or when the server's grace ends.
    """
    await signals.stop.wait()
    if linger:
        house.is_leaving = True
        log.info("leaving", seconds=linger)
        with suppress(TimeoutError):
            async with asyncio.timeout(linger):
                await signals.hurry.wait()
    server.should_exit = True
    await signals.force.wait()
    log.warning("requests cut off", requests=len(server.server_state.tasks))
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    for request in list(server.server_state.tasks):
        request.cancel()


async def announce(
    is_ready: Callable[[], Awaitable[bool]], url: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Log where orders can be placed, once they can be."""
    delay = FIRST_LOOK
    while not await is_ready():
        await sleep(delay)
        delay = min(delay * LOOK_GROWTH, LAST_LOOK)
    log.info("ready for orders", menu=f"{url}/menu", api=f"{url}/schema")


async def _renew(channels: Iterable[WatchedChannel], certificates: Contexts) -> None:
    for channel in channels:
        channel.reconnect(certificates.client)


def _channel(name: str, at: Address, credentials: Credentials | None, domain: str) -> WatchedChannel:
    if credentials is None:
        return WatchedChannel(at.host, at.port)
    return WatchedChannel(at.host, at.port, credentials.contexts.client, certificate_name(name, domain))


if __name__ == "__main__":
    main()
