"""`python -m departments bar`: settings, database and server of one department, from start to drain."""

import signal

from infra.interrupts import INTERRUPTED, hold_interrupts, release_interrupts

if __name__ == "__main__":
    hold_interrupts(signal.SIGINT)

import argparse
import asyncio
import os
import sys
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path

import structlog
import uuid_utils

from departments.app import DepartmentApp
from departments.domain.menu import Menu
from departments.menu_file import find_menu, read_menu
from departments.menu_reload import MenuReload
from departments.rpc.counter import Counter, counters
from departments.rpc.limits import Limits
from departments.rpc.servicer import DESCRIPTORS, DepartmentServicer
from departments.rpc.status import to_status
from departments.settings import DepartmentSettings, refuse_reserved_name
from departments.storage import MIGRATIONS, menu_folder, open_database
from infra.addresses import join_address
from infra.db.database import Database
from infra.errors import DatabaseError, StartError
from infra.grpc.server import GrpcServer
from infra.logs import configure_logs
from infra.runtime import run
from infra.setting_names import refuse_unknown_names
from infra.settings import read_settings
from infra.sockets import bind
from infra.stop_signals import StopSignals
from infra.supervise import in_background
from infra.tls import Callers, Credentials, certificate_name, find_credentials

log = structlog.get_logger("department")


def main() -> None:
    """Run one department; what keeps it from starting is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m departments", description="Run one department.")
    parser.add_argument("menu", help="name of a menu (bar, kitchen, bakery), or path of a menu file")
    parser.add_argument("--migrate", action="store_true", help="bring the database up to date, and stop")
    arguments = parser.parse_args()
    try:
        release_interrupts()
        path, menu, settings = _configure(arguments.menu)
        credentials = find_credentials(menu.name, settings, [settings.host])
        with closing(open_database(menu, settings)) as database:
            database.prepare(MIGRATIONS)
            if not arguments.migrate:
                run(_serve(path, menu, settings, database, credentials))
    except StartError as error:
        print(f"departments {arguments.menu}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _configure(name: str) -> tuple[Path, Menu, DepartmentSettings]:
    refuse_unknown_names(os.environ)
    path = find_menu(name, menu_folder(os.environ))
    menu = read_menu(path)
    refuse_reserved_name(menu.name)
    settings = read_settings(DepartmentSettings, menu.name, os.environ)
    configure_logs(menu.name, settings.log_level, settings.log_format)
    return path, menu, settings


async def _serve(
    path: Path, menu: Menu, settings: DepartmentSettings, database: Database, credentials: Credentials | None
) -> None:
    signals = StopSignals()
    limits = Limits(
        lines_per_order=settings.max_lines,
        quantity=settings.max_quantity,
        note_length=settings.max_note,
        orders_per_batch=settings.max_batch,
    )
    department = DepartmentApp(menu, database)
    services = [
        DepartmentServicer(department, limits),
        *counters(menu, Counter(department, lambda: str(uuid_utils.uuid7()))),
    ]
    async with AsyncExitStack() as cleanup:
        cleanup.callback(department.close)
        sock = cleanup.enter_context(closing(bind(settings.host, settings.listening_port(menu.port))))
        try:
            await department.open()
        except DatabaseError as error:
            raise StartError(f"database {database} cannot be used: {error}") from error
        server = GrpcServer(
            services,
            descriptors=DESCRIPTORS,
            translate=to_status,
            healthy=department.is_writable,
            max_message_bytes=settings.max_message,
            ping_timeout=settings.ping_timeout,
            callers=Callers(certificate_name("gateway", settings.tls_domain), credentials.name)
            if credentials
            else None,
        )
        cleanup.push_async_callback(server.drain, settings.grace)
        menu_reload = MenuReload(department, path)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, menu_reload.request)
        await cleanup.enter_async_context(in_background({"menu": menu_reload.run}))
        await server.start(sock, credentials.contexts if credentials else None)
        if credentials:
            log.info("only over mutual TLS", certificate=credentials.name, until=credentials.until)
            renewing = {"certificates": partial(credentials.watch, server.renew)}
            await cleanup.enter_async_context(in_background(renewing))
        address = join_address(*sock.getsockname()[:2])
        log.info("open", department=menu.name, address=address, items=len(menu.items), database=str(database))
        await signals.stop.wait()
        log.info("closing", department=menu.name)


if __name__ == "__main__":
    main()
