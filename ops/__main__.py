"""`python -m ops COMMAND`: runs one of `COMMANDS`."""

import signal

from infra.imports import leave_rich_out, without_collecting
from infra.interrupts import INTERRUPTED, hold_interrupts, release_interrupts

if __name__ == "__main__":
    hold_interrupts(signal.SIGINT, signal.SIGTERM)
    leave_rich_out()

import argparse
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

from infra.errors import DatabaseError, StartError
from infra.logs import configure_logs
from infra.setting_names import refuse_unknown_names
from ops.printing import show
from ops.refusals import Refused


class Command(NamedTuple):
    """A command: `module` has `run(arguments, environ)`, which returns the exit code, and perhaps `add_arguments`.

    A module is imported only when its command is run: `up` stays in memory, and needs none of the others.
    """

    module: str
    summary: str


COMMANDS: Mapping[str, Command] = {
    "up": Command("ops.up", "Run a department for each menu file and the gateway, until Ctrl-C or SIGTERM."),
    "demo": Command("ops.demo.command", "Run a made-up evening in a restaurant of its own, until Ctrl-C or SIGTERM."),
    "migrate": Command("ops.migrate", "Bring every database up to date."),
    "audit": Command(
        "ops.audit.command",
        "Compare journal, orders, tickets and stock across all databases, while the programs are running or stopped.",
    ),
    "archive": Command(
        "ops.archive.command",
        "Move what was finished long ago from the databases into files, or print such files.",
    ),
    "backup": Command(
        "ops.backup", "Copy every SQLite database into a new folder, while the programs are running or stopped."
    ),
    "restore": Command(
        "ops.restore", "Put the copies in a folder back, while all programs are stopped; the old files are kept."
    ),
    "renew": Command(
        "ops.renew",
        "Void positions in departments' tickets after a restore by PostgreSQL's own tools; `restore` does it itself.",
    ),
    "settle": Command(
        "ops.settle",
        "List tickets whose orders the journal does not have, as a restore may leave them, or cancel them.",
    ),
    "tickets": Command("ops.staff.tickets", "List the tickets of the departments."),
    "move": Command(
        "ops.staff.move", "Take a step with tickets: start, finish, serve, recall or cancel, whole or one line."
    ),
    "tick": Command("ops.staff.tick", "Mark lines of a ticket as made, or as not made."),
    "stock": Command("ops.staff.stock", "List the stock, or change it: deliveries, counts, waste, corrections."),
    "sell": Command("ops.staff.sell", "Take an item off sale, or put it back."),
    "watch": Command("ops.staff.watch", "Print a line for each change, as it happens, until Ctrl-C."),
    "access": Command("ops.access", "List, make and revoke keys, people and codes: who may do what."),
    "settings": Command("ops.settings_page", "Print docs/settings.md, the page of all settings."),
}


def main() -> None:
    """Run a command; an error is one line on standard error and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m ops")
    parsers = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        own = parsers.add_parser(
            name,
            help=command.summary,
            description=command.summary,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if sys.argv[1:2] == [name]:
            with without_collecting():
                module = import_module(command.module)
            own.set_defaults(run=module.run)
            if hasattr(module, "add_arguments"):
                module.add_arguments(own)
    sys.exit(_run(parser.parse_args()))


def _run(arguments: argparse.Namespace) -> int:
    configure_logs("ops", "warning", "console")
    try:
        if arguments.command not in ("up", "demo"):  # which begin with looking for a signal that was held
            release_interrupts()
        refuse_unknown_names(os.environ)
        code: int = arguments.run(arguments, os.environ)
        show("", end="")
    except (StartError, DatabaseError) as error:
        print(f"ops: {error}", file=sys.stderr)
        return 2
    except Refused as error:
        print(f"ops: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


if __name__ == "__main__":
    main()
