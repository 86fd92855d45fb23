"""A department's composition root: settings, menu, database and gRPC server, from start to drain."""

import argparse
import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import structlog
import uuid_utils

from departments.app import DepartmentApp
from departments.domain.menu import Menu
from departments.menu_file import find_menu, read_menu
from departments.menu_folder import menu_folder
from departments.menu_reload import MenuReload
from departments.metrics import DepartmentMetrics
from departments.rpc.counter import Counter, counters
from departments.rpc.limits import Limits
from departments.rpc.servicer import DESCRIPTORS, WATCH_CHANGES, DepartmentServicer
from departments.rpc.status import to_status
from departments.settings import DepartmentSettings, refuse_reserved_name
from departments.storage import MIGRATIONS, open_database
from infra.addresses import join_address
from infra.db.database import Database
from infra.db.metrics import database_families
from infra.disk import DiskWatch
from infra.grpc.server import GrpcServer
from infra.logs import configure_logs
from infra.metrics import Metrics
from infra.program import exit_codes, program
from infra.program_metrics import program_metrics
from infra.runtime import run
from infra.setting_names import refuse_unknown_names
from infra.settings import read_settings
from infra.tls import Callers, Credentials, certificate_name, find_credentials
from infra.tracing.start import Tracing, open_tracing

log = structlog.get_logger("department")


def main() -> None:
    """Run one department; a reason not to start is one line on standard error and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m departments", description="Run one department.")
    parser.add_argument("menu", help="name of a menu (bar, kitchen, bakery), or path of a menu file")
    parser.add_argument("--migrate", action="store_true", help="bring the database up to date, and stop")
    arguments = parser.parse_args()
    with exit_codes(f"departments {arguments.menu}"):
        path, menu, settings = _configure(arguments.menu, os.environ)
        tracing = open_tracing(menu.name, os.environ)
        credentials = find_credentials(menu.name, settings, [settings.host])
        with closing(open_database(menu, settings)) as database:
            database.prepare(MIGRATIONS)
            if not arguments.migrate:
                run(_serve(path, menu, settings, database, credentials, tracing))


def _configure(name: str, environ: Mapping[str, str]) -> tuple[Path, Menu, DepartmentSettings]:
    """Read the menu file and the settings, and set the logs up; raises StartError."""
    refuse_unknown_names(environ)
    path = find_menu(name, menu_folder(environ))
    menu = read_menu(path)
    refuse_reserved_name(menu.name)
    settings = read_settings(DepartmentSettings, menu.name, environ)
    configure_logs(menu.name, settings.log_level, settings.log_format)
    return path, menu, settings


async def _serve(
    path: Path,
    menu: Menu,
    settings: DepartmentSettings,
    database: Database,
    credentials: Credentials | None,
    tracing: Tracing | None,
) -> None:
    """Serve until a signal; the database is closed by the caller."""
    async with program() as running:
        tracer = running.record_traces(tracing)
        department = DepartmentApp(menu, database, tracer)
        running.on_exit(department.close)
        sock = running.listen(settings.host, settings.listening_port(menu.port))
        metrics_sock = running.listen(settings.metrics_host, settings.listening_metrics_port(menu.port))
        with database.start_errors():
            await department.open()
        servicer = DepartmentServicer(department, _limits(settings), tracer)
        server = _grpc_server(servicer, department, menu, settings, credentials)
        metrics = program_metrics(menu.name, settings.restaurant, credentials)
        _add_metrics(metrics, department, servicer, server, database)
        metrics_address = await running.serve_metrics(metrics, metrics_sock)
        running.on_exit_await(lambda: server.drain(settings.grace))
        menu_reload = MenuReload(department, path, settings.menu_check)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, menu_reload.request)
        await running.in_background({"menu": menu_reload.run, "disk": DiskWatch(database.file).run})
        await server.start(sock, credentials.contexts if credentials else None)
        await running.follow_certificates(credentials, server.renew)
        address = join_address(*sock.getsockname()[:2])
        facts = {"items": len(menu.items), "database": str(database), "metrics": metrics_address}
        log.info("open", department=menu.name, address=address, **facts)
        await running.signals.stop.wait()
        log.info("closing", department=menu.name)


def _add_metrics(
    metrics: Metrics, department: DepartmentApp, servicer: DepartmentServicer, server: GrpcServer, database: Database
) -> None:
    """Let each layer add its own."""
    own = DepartmentMetrics(department, servicer.watching)
    metrics.prepare(own.read)
    metrics.add(own.families)
    metrics.add(server.families)
    metrics.add(partial(database_families, database))


def _limits(settings: DepartmentSettings) -> Limits:
    """Return the limits of every request."""
    return Limits(
        lines_per_order=settings.max_lines,
        quantity=settings.max_quantity,
        note_length=settings.max_note,
        orders_per_batch=settings.max_batch,
    )


def _grpc_server(
    servicer: DepartmentServicer,
    department: DepartmentApp,
    menu: Menu,
    settings: DepartmentSettings,
    credentials: Credentials | None,
) -> GrpcServer:
    """Build the server with the department service and the counters; over TLS the gateway alone may call it."""
    counter = Counter(department, lambda: str(uuid_utils.uuid7()))
    gateway = certificate_name("gateway", settings.tls_domain)
    return GrpcServer(
        [servicer, *counters(menu, counter)],
        descriptors=DESCRIPTORS,
        translate=to_status,
        healthy=department.is_writable,
        max_message_bytes=settings.max_message,
        cut_if_unread=[WATCH_CHANGES],
        ping_timeout=settings.ping_timeout,
        callers=Callers(gateway, credentials.name) if credentials else None,
    )
