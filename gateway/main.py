"""The gateway's composition root: settings, journal, departments and the REST app, from start to drain."""

import argparse
import os
import random
from collections.abc import Iterable, Mapping
from contextlib import closing
from functools import partial

import structlog
import uuid_utils

from gateway.access.access import Access
from gateway.access.administration import Administration
from gateway.access.guest_limits import GuestLimit, GuestLimits
from gateway.access.policy import AccessPolicy
from gateway.access.signing_in import SigningIn
from gateway.department_client.client import CallPolicy, DepartmentClient
from gateway.department_client.metrics import call_families
from gateway.department_client.staff import StaffClient
from gateway.department_client.watch import DepartmentWatch
from gateway.domain.access import Guests
from gateway.domain.days import Calendar
from gateway.domain.limits import OrderLimits
from gateway.orders.backoff import RetryPolicy
from gateway.orders.journal import Journal
from gateway.orders.service import OrderService
from gateway.rest.access_check import AccessCheck
from gateway.rest.access_parts import AccessParts
from gateway.rest.announcement import announce
from gateway.rest.app import create_app
from gateway.rest.event_json import event_json
from gateway.rest.readiness import Readiness
from gateway.rest.request_metrics import RequestMetrics
from gateway.rest.requests import RequestReader
from gateway.settings import GatewaySettings
from gateway.storage import MIGRATIONS, open_database
from gateway.tickets.metrics import event_families
from gateway.tickets.watching import LiveDepartments, live_departments
from gateway.web.site import WebPages
from infra.addresses import Address, join_address
from infra.clock import Clock
from infra.db.database import Database
from infra.db.metrics import database_families
from infra.disk import DiskWatch
from infra.errors import SettingsError
from infra.grpc.peer_guard import WatchedChannel
from infra.http.guard import guarded_http
from infra.http.proxies import Proxies
from infra.http.server import HttpServer
from infra.logs import configure_logs, shows_access
from infra.program import exit_codes, program
from infra.program_metrics import program_metrics
from infra.runtime import run
from infra.setting_names import refuse_unknown_names
from infra.settings import read_settings
from infra.tls import Contexts, Credentials, certificate_name, find_credentials, is_loopback
from infra.tracing.spans import Tracer
from infra.tracing.start import Tracing, open_tracing

log = structlog.get_logger("gateway")


def main() -> None:
    """Run the gateway; a reason not to start is one line on standard error and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Run the gateway.")
    parser.add_argument("--migrate", action="store_true", help="bring the journal up to date, and stop")
    arguments = parser.parse_args()
    with exit_codes("gateway"):
        settings = _configure(os.environ)
        tracing = open_tracing("gateway", os.environ)
        hosts = [at.host for at in settings.departments.values()]
        credentials = find_credentials("gateway", settings, hosts)
        with closing(open_database(settings)) as database:
            database.prepare(MIGRATIONS)
            if not arguments.migrate:
                run(_serve(settings, database, credentials, tracing))


def _configure(environ: Mapping[str, str]) -> GatewaySettings:
    """Read the settings and set the logs up; raises SettingsError."""
    refuse_unknown_names(environ)
    settings = read_settings(GatewaySettings, "gateway", environ)
    if settings.demo and not is_loopback(settings.host):
        raise SettingsError(f"COMANDA_DEMO is for this machine alone: {settings.host} is no loopback address")
    configure_logs("gateway", settings.log_level, settings.log_format)
    return settings


async def _serve(
    settings: GatewaySettings, database: Database, credentials: Credentials | None, tracing: Tracing | None
) -> None:
    """Serve until a signal; the journal is closed by the caller."""
    async with program() as running:
        tracer = running.record_traces(tracing)
        channels = {
            name: _channel(name, at, credentials, settings.tls_domain) for name, at in settings.departments.items()
        }
        clock = Clock()
        watching = {
            name: _channel(name, at, credentials, settings.tls_domain) for name, at in settings.departments.items()
        }
        watches = {name: DepartmentWatch(name, channel) for name, channel in watching.items()}
        calling = CallPolicy(settings.deadline, settings.calls_in_flight, settings.orders_per_call)
        departments = {name: DepartmentClient(name, channel, calling, tracer) for name, channel in channels.items()}
        service = _order_service(settings, database, departments, watches, clock, tracer)
        live = _live_departments(settings, service, watches, clock)
        requests = _request_reader(settings, clock)
        disk = DiskWatch(database.file)
        readiness = Readiness(service, clock=clock, wait_for_departments=settings.wait_for_departments, disk=disk)
        staff = {name: StaffClient(name, channel, settings.deadline) for name, channel in channels.items()}
        access = Access(database, _access_policy(settings), clock)
        requests_metrics = RequestMetrics()
        server = _http_server(
            settings,
            service,
            requests,
            readiness,
            live,
            staff,
            _access_parts(settings, database, service, access, clock),
            clock,
            requests_metrics,
            tracer,
        )
        metrics = program_metrics("gateway", settings.restaurant, credentials)
        metrics.add(service.metrics.families)
        metrics.add(partial(call_families, departments))
        metrics.add(partial(event_families, live))
        metrics.add(requests_metrics.families)
        metrics.add(server.families)
        metrics.add(partial(database_families, database))
        running.on_exit(live.close)
        running.on_exit_await(service.close)
        sock = running.listen(settings.host, settings.port)
        metrics_sock = running.listen(settings.metrics_host, settings.listening_metrics_port())
        with database.start_errors():
            await service.start()
            code = await access.start()
        metrics_address = await running.serve_metrics(metrics, metrics_sock)
        address = join_address(*sock.getsockname()[:2])
        facts = {"database": str(database), "metrics": metrics_address}
        log.info("open", address=address, departments=", ".join(settings.departments), **facts)
        announcing = partial(announce, readiness.is_ready, f"http://{address}", code, settings.departments)
        stopping = partial(server.stop_on, running.signals, settings.linger, partial(_leave, readiness, live))
        await running.in_background(
            {
                "announcement": announcing,
                "stop": stopping,
                "watches": live.run,
                "access": access.watch,
                "disk": disk.run,
            }
        )
        await running.follow_certificates(credentials, partial(_reconnect, [*channels.values(), *watching.values()]))
        await server.serve(sock)
    log.info("closed")


def _channel(name: str, at: Address, credentials: Credentials | None, domain: str) -> WatchedChannel:
    """Make the channel to one department, which connects with its first call."""
    if credentials is None:
        return WatchedChannel(at.host, at.port)
    return WatchedChannel(at.host, at.port, credentials.contexts.client, certificate_name(name, domain))


def _order_service(
    settings: GatewaySettings,
    database: Database,
    departments: Mapping[str, DepartmentClient],
    watches: Mapping[str, DepartmentWatch],
    clock: Clock,
    tracer: Tracer | None,
) -> OrderService:
    """Build the order path: the journal, the departments' clients and watches, and when to try again."""
    retrying = RetryPolicy(settings.time_to_decide, settings.first_retry, settings.retry_cap, settings.max_waiting)
    journal = Journal(database, calendar=Calendar(settings.time_zone.zone), tracer=tracer)
    return OrderService(
        journal,
        departments,
        retrying,
        clock=clock,
        random=random.random,
        watches=watches,
        is_traced=tracer is not None,
    )


def _live_departments(
    settings: GatewaySettings, service: OrderService, watches: Mapping[str, DepartmentWatch], clock: Clock
) -> LiveDepartments:
    """Build the events of what the watches tell, and of the orders that follow."""
    live = live_departments(
        watches, service.find_all, event_json, most=settings.max_streams, clock=clock, random=random.random
    )
    service.following.on_change = live.orders_changed
    service.following.on_steps = live.steps_taken
    return live


def _request_reader(settings: GatewaySettings, clock: Clock) -> RequestReader:
    """Build what turns requests into orders."""
    return RequestReader(
        settings.departments,
        OrderLimits(settings.max_lines, settings.max_quantity, settings.max_note),
        settings.currency,
        new_order_id=lambda: str(uuid_utils.uuid7()),
        wall=clock.wall,
    )


def _access_policy(settings: GatewaySettings) -> AccessPolicy:
    """Return who counts as a guest, and whether guests are limited: not on this machine alone."""
    is_local = is_loopback(settings.host)
    wanted = settings.guests if settings.guests != "auto" else "open" if is_local else "tables"
    guests = Guests(wanted)
    is_limited = not (is_local and guests is Guests.OPEN)
    return AccessPolicy(guests, is_limited, settings.pin_idle, settings.confirm, settings.first_key)


def _access_parts(
    settings: GatewaySettings, database: Database, service: OrderService, access: Access, clock: Clock
) -> AccessParts:
    """Build what the REST layer needs of access; raises SettingsError."""
    of_table = GuestLimit(settings.guest_orders_per_minute, settings.guest_open_orders)
    of_address = GuestLimit(of_table.per_minute * 10, of_table.open_orders * 10)
    limits = GuestLimits(of_table, of_address, service.find_all, clock.monotonic)
    try:
        proxies = Proxies(settings.proxies)
    except ValueError as error:
        raise SettingsError(f"COMANDA_PROXIES is not allowed: {error}") from error
    check = AccessCheck(access, proxies, limits)
    return AccessParts(
        check, SigningIn(access, database, clock), Administration(database, clock.wall), settings.public_url
    )


def _http_server(
    settings: GatewaySettings,
    service: OrderService,
    requests: RequestReader,
    readiness: Readiness,
    live: LiveDepartments,
    staff: Mapping[str, StaffClient],
    access: AccessParts,
    clock: Clock,
    metrics: RequestMetrics,
    tracer: Tracer | None,
) -> HttpServer:
    """Build the REST app and the server in front of it."""
    log_requests = shows_access(settings.log_level)
    app = create_app(
        service,
        requests,
        readiness,
        live,
        staff,
        access,
        max_body=settings.max_body,
        cors_origins=settings.cors_origins,
        log_requests=log_requests,
        plugins=[WebPages(str(settings.time_zone), settings.currency, clock.wall, is_demo=settings.demo)],
        metrics=metrics,
        tracer=tracer,
    )
    protocol = guarded_http(
        settings.receive_seconds, settings.max_body, most_streams=settings.max_streams, is_logged=log_requests
    )
    return HttpServer(app, protocol, settings.grace)


def _leave(readiness: Readiness, live: LiveDepartments) -> None:
    """Be ready no more, and end the clients' streams, so that they connect to another gateway."""
    readiness.leave()
    live.events.end()


async def _reconnect(channels: Iterable[WatchedChannel], certificates: Contexts) -> None:
    """Make new calls on connections with renewed certificates."""
    for channel in channels:
        channel.reconnect(certificates.client)
