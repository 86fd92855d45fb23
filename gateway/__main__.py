"""`python -m gateway`: settings, journal, departments and the REST app, from start to drain."""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import structlog
import uuid_utils
import uvicorn

from gateway.app import create_app
from gateway.floor import Calling, Department
from gateway.house import House, Rules
from gateway.journal import Journal
from gateway.ordering import Ordering, Patience
from gateway.settings import GatewaySettings
from plumbing.database import Database
from plumbing.errors import DatabaseError, StartError
from plumbing.grpc_peer_guard import WatchedChannel
from plumbing.http_guard import guarded_http
from plumbing.logs import configure_logs, shows_access
from plumbing.runtime import run
from plumbing.settings import read_settings
from plumbing.sockets import bind
from plumbing.tls import Contexts, Credentials, certificate_name, find_credentials

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"

log = structlog.get_logger("gateway")


def main() -> None:
    """Run the gateway; what keeps it from starting is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Run the gateway.")
    parser.add_argument("--migrate", action="store_true", help="bring the journal up to date, and stop")
    arguments = parser.parse_args()
    try:
        settings = read_settings(GatewaySettings, "gateway", os.environ)
        configure_logs("gateway", settings.log_level, settings.log_format)
        hosts = [at.rpartition(":")[0] for at in settings.departments.values()]
        credentials = find_credentials("gateway", settings, hosts)
        database = open_database(settings)
        database.prepare(MIGRATIONS)
        if not arguments.migrate:
            run(_serve(settings, database, credentials))
        database.close()
    except StartError as error:
        print(f"gateway: {error}", file=sys.stderr)
        sys.exit(2)


def open_database(settings: GatewaySettings, *, read_only: bool = False) -> Database:
    """Open the journal: a SQLite file, or a schema on PostgreSQL."""
    path = Path(settings.home).absolute() / "gateway.db"
    url = settings.database_url or f"sqlite:///{path}"
    return Database(url, schema="gateway", read_only=read_only, timeout=settings.database_timeout)


async def _serve(settings: GatewaySettings, database: Database, credentials: Credentials | None) -> None:
    channels = {name: _channel(name, at, credentials, settings.tls_domain) for name, at in settings.departments.items()}
    calling = Calling(settings.deadline, settings.calls_in_flight, settings.orders_per_call)
    departments = {name: Department(name, channel, calling) for name, channel in channels.items()}
    patience = Patience(settings.time_to_decide, settings.first_retry, settings.retry_cap, settings.max_waiting)
    ordering = Ordering(Journal(database), departments, patience, clock=time.time, random=random.random)
    house = House(
        ordering,
        Rules(settings.max_lines, settings.max_quantity, settings.max_note),
        settings.currency,
        new_order_id=lambda: str(uuid_utils.uuid7()),
        clock=time.time,
        wait_for_departments=settings.wait_for_departments,
    )
    sock = bind(settings.host, settings.port)
    log_requests = shows_access(settings.log_level)
    config = uvicorn.Config(
        create_app(house, max_body=settings.max_body, cors_origins=settings.cors_origins, log_requests=log_requests),
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
    log.info("open", address=f"{host}:{port}", departments=", ".join(settings.departments), database=str(database))
    if credentials:
        log.info("only over mutual TLS", certificate=credentials.name, until=credentials.until)
    renewing = asyncio.create_task(credentials.watch(partial(_renew, channels.values()))) if credentials else None
    announcement = asyncio.create_task(_announce(house, f"http://{host}:{port}"))
    await _Server(config, house, settings.linger).serve([sock])
    announcement.cancel()
    if renewing:
        renewing.cancel()
    await ordering.close()
    log.info("closed")


class _Server(uvicorn.Server):
    """Stops on a signal and returns, so that the journal can be closed; uvicorn would raise the signal once more."""

    def __init__(self, config: uvicorn.Config, house: House, linger: float) -> None:
        super().__init__(config)
        self._house = house
        self._linger = linger

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, at the first signal only after a while in which whoever sends orders here can turn elsewhere."""
        if self._linger and not self._house.is_leaving:
            self._house.is_leaving = True
            log.info("leaving", seconds=self._linger)
            asyncio.get_running_loop().call_later(self._linger, self.handle_exit, sig, frame)
        else:
            super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)
        yield


async def _announce(house: House, url: str) -> None:
    """Tell where to order, once it can be done."""
    while not await house.is_ready():  # noqa: ASYNC110 - a look ten times a second, at a start only
        await asyncio.sleep(0.1)
    log.info("ready for orders", menu=f"{url}/menu", api=f"{url}/schema")


async def _renew(channels: Iterable[WatchedChannel], certificates: Contexts) -> None:
    for channel in channels:
        channel.reconnect(certificates.client)


def _channel(name: str, address: str, credentials: Credentials | None, domain: str) -> WatchedChannel:
    host, _, port = address.rpartition(":")
    if credentials is None:
        return WatchedChannel(host, int(port))
    return WatchedChannel(host, int(port), credentials.contexts.client, certificate_name(name, domain))


if __name__ == "__main__":
    main()
