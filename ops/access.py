"""The command `access`: keys, people and codes, from the machine's own shell, also where every key is lost.

It works on the gateway's database, while the gateway is running or stopped; a running one sees a change within 2 s.
"""

import argparse
import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gateway import storage
from gateway.access import qr, store
from gateway.access.access import POLL_SECONDS
from gateway.access.administration import KEY_ROLES, PERSON_ROLES, Administration, By
from gateway.access.records import ENTRY_ID, Key, Person, SessionEntry
from gateway.access.table_names import table_names
from gateway.domain.access import Action, Role
from gateway.domain.errors import GatewayError
from gateway.settings import GatewaySettings
from infra.clock import Clock
from infra.db.database import Database
from infra.errors import StartError
from infra.setting_names import KEY
from infra.settings import read_settings
from ops.printing import show
from ops.refusals import Refused
from ops.staff.rest import add_url, own_url
from ops.staff.tables import show_json, table

NEW_PIN_DIGITS = 6

KNOWN_SECONDS = 2 * POLL_SECONDS
"""How long a command waits that has changed something: by its end gateways know a new key, and refuse a revoked one."""

MOST_SESSIONS = 1000
"""Most sessions in a list."""

EPILOG = f"""
  python -m ops access                                 list keys and people
  python -m ops access manager                         print an address that makes a browser the manager's, once
  python -m ops access pair "bar tablet" --role station -d bar
                                                       the same for a device of a station or of a waiter
  python -m ops access key shop --role service --right order.place --right menu.read
                                                       print a key for a program; {KEY} passes it to these commands
  python -m ops access person Ada --role waiter        add a person, and print a PIN
  python -m ops access pin ID                          give a person another PIN
  python -m ops access revoke ID                       revoke a key, remove a person, or end a session
  python -m ops access table 1-12 "Terrace 1"          print the addresses of tables' codes; --terminal with QR codes,
                                                       --svg FOLDER writes the QR codes as files
  python -m ops access void-tables                     void all codes of tables
  python -m ops access sessions                        list who is signed in where; `revoke ID` ends one
  python -m ops access end-sessions                    end all sessions: everybody signs in, or is paired, again
  python -m ops access log                             print the audit log

exit code: 0 it was done, 1 it was refused, 2 it could not be done
"""

_Do = Callable[[Administration, By, argparse.Namespace, str], Awaitable[None]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    add_url(parser)
    parts = parser.add_subparsers(dest="what", metavar="WHAT")
    for name in ("key", "pair"):
        own = parts.add_parser(name)
        own.add_argument("name")
        own.add_argument("--role", required=True, choices=list(map(str, KEY_ROLES)))
        own.add_argument("-d", "--department", action="append", default=[], help="of a station; may be repeated")
        own.add_argument("--right", action="append", default=[], choices=list(map(str, Action)), help="of a service")
        if name == "pair":
            _add_terminal(own)
    person = parts.add_parser("person")
    person.add_argument("name")
    person.add_argument("--role", required=True, choices=list(map(str, PERSON_ROLES)))
    for name in ("pin", "revoke"):
        parts.add_parser(name).add_argument("id")
    tables = parts.add_parser("table")
    tables.add_argument("names", nargs="+", metavar="TABLE", help="a name, or a range of numbers: 1-12")
    tables.add_argument("--svg", type=Path, metavar="FOLDER", help="write the QR codes into this folder, too")
    _add_terminal(tables)
    parts.add_parser("log").add_argument("-n", type=int, default=50, help="most lines (default: 50)")
    for name in ("list", "void-tables", "sessions", "end-sessions"):
        parts.add_parser(name)
    _add_terminal(parts.add_parser("manager"))


def _add_terminal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--terminal", action="store_true", help="print the QR code of each address, too")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Do what the arguments say; returns 0, or raises Refused or StartError."""
    settings = read_settings(GatewaySettings, "gateway", environ)
    with closing(storage.open_database(settings)) as database:
        if database.file is not None and not database.file.exists():
            raise StartError(f"there is no database {database}: start the gateway once, or `python -m ops migrate`")
        try:
            asyncio.run(_run(database, arguments, own_url(arguments.url or settings.public_url or None, environ)))
        except GatewayError as error:
            raise Refused(str(error)) from error
    return 0


async def _run(database: Database, arguments: argparse.Namespace, url: str) -> None:
    clock = Clock()
    await database.write(store.begin_state)
    administration = Administration(database, clock.wall)
    before = await database.look_up(store.revision)
    await _COMMANDS[arguments.what or "list"](administration, By(f"shell: {_user()}", "shell"), arguments, url)
    if await database.look_up(store.revision) != before:
        await asyncio.sleep(KNOWN_SECONDS)


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


async def _list(administration: Administration, _by: By, arguments: argparse.Namespace, _url: str) -> None:
    keys, people = await administration.keys(), await administration.people()
    if arguments.json:
        show_json({"keys": list(map(_key, keys)), "people": [_person(each) for each in people]})
        return
    rows = [(key.key_id, key.name, key.role, _scope(key), _at(key.used_at_ms)) for key in keys]
    rows += [(each.person_id, each.name, each.role, "PIN", _at(each.used_at_ms)) for each in people]
    for line in table(("ID", "NAME", "ROLE", "FOR", "LAST USED"), rows, None):
        show(line)


async def _make_key(administration: Administration, by: By, arguments: argparse.Namespace, _url: str) -> None:
    _, secret = await _new_key(administration, by, arguments)
    show(secret)


async def _pair(administration: Administration, by: By, arguments: argparse.Namespace, url: str) -> None:
    key_id, _ = await _new_key(administration, by, arguments)
    await _show_pairing(administration, by, key_id, url, is_drawn=arguments.terminal)


async def _manager(administration: Administration, by: By, arguments: argparse.Namespace, url: str) -> None:
    key_id, _ = await administration.make_key(by, "manager", Role.MANAGER)
    await _show_pairing(administration, by, key_id, url, is_drawn=arguments.terminal)


async def _add_person(administration: Administration, by: By, arguments: argparse.Namespace, _url: str) -> None:
    pin = _new_pin()
    person_id = await administration.add_person(by, arguments.name, Role(arguments.role), pin)
    show(f"{person_id}  {arguments.name}: PIN {pin}")


async def _set_pin(administration: Administration, by: By, arguments: argparse.Namespace, _url: str) -> None:
    pin = _new_pin()
    await administration.set_pin(by, arguments.id, pin)
    show(f"{arguments.id}: PIN {pin}")


async def _revoke(administration: Administration, by: By, arguments: argparse.Namespace, _url: str) -> None:
    if any(person.person_id == arguments.id for person in await administration.people()):
        await administration.remove_person(by, arguments.id)
    elif len(arguments.id) == ENTRY_ID:
        await administration.end_session(by, arguments.id)
    else:
        await administration.revoke_key(by, arguments.id)


async def _tables(administration: Administration, _by: By, arguments: argparse.Namespace, url: str) -> None:
    codes = await administration.table_codes(table_names(",".join(arguments.names)))
    if arguments.svg is not None:
        await asyncio.to_thread(_write_codes, arguments.svg, {name: f"{url}/t/{code}" for name, code in codes.items()})
    for name, code in codes.items():
        _show_address(f"{url}/t/{code}", f"{name}  ", is_drawn=arguments.terminal)


def _write_codes(folder: Path, addresses: Mapping[str, str]) -> None:
    """Write a file for each table, named after it; raises StartError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, address in addresses.items():
            (folder / f"table-{quote(name, safe=' ')}.svg").write_text(qr.svg(address))
    except OSError as error:
        raise StartError(f"the QR codes cannot be written into {folder}: {error}") from error


async def _void_tables(administration: Administration, by: By, _arguments: argparse.Namespace, _url: str) -> None:
    await administration.void_table_codes(by)


async def _sessions(administration: Administration, _by: By, arguments: argparse.Namespace, _url: str) -> None:
    entries = await administration.sessions(MOST_SESSIONS)
    if arguments.json:
        show_json({"sessions": list(map(_session, entries))})
        return
    rows = [
        (
            each.session_id,
            each.person,
            each.device,
            each.session.table,
            _at(each.session.made_at_ms),
            _at(each.session.used_at_ms),
        )
        for each in entries
    ]
    for line in table(("ID", "WHO", "DEVICE", "TABLE", "SINCE", "LAST USED"), rows, None):
        show(line)


async def _end_sessions(administration: Administration, by: By, _arguments: argparse.Namespace, _url: str) -> None:
    await administration.end_all_sessions(by)


async def _log(administration: Administration, _by: By, arguments: argparse.Namespace, _url: str) -> None:
    rows = [
        (_at(line.at_ms), line.who, line.what, line.subject, line.origin)
        for line in reversed(await administration.audit(arguments.n))
    ]
    for text in table(("AT", "WHO", "WHAT", "SUBJECT", "FROM"), rows, None):
        show(text)


_COMMANDS: Mapping[str, _Do] = {
    "list": _list,
    "key": _make_key,
    "pair": _pair,
    "manager": _manager,
    "person": _add_person,
    "pin": _set_pin,
    "revoke": _revoke,
    "table": _tables,
    "void-tables": _void_tables,
    "log": _log,
    "sessions": _sessions,
    "end-sessions": _end_sessions,
}


async def _new_key(administration: Administration, by: By, arguments: argparse.Namespace) -> tuple[str, str]:
    return await administration.make_key(
        by,
        arguments.name,
        Role(arguments.role),
        departments=arguments.department,
        rights=map(Action, arguments.right),
    )


async def _show_pairing(administration: Administration, by: By, key_id: str, url: str, *, is_drawn: bool) -> None:
    _show_address(f"{url}/pair/{await administration.make_pairing_code(by, key_id)}", is_drawn=is_drawn)
    show("Open it on the device within 15 minutes; it works once.")


def _show_address(address: str, before: str = "", *, is_drawn: bool) -> None:
    """Print an address, and its QR code below it."""
    show(f"{before}{address}")
    if is_drawn:
        show(qr.terminal(address))


def _new_pin() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(NEW_PIN_DIGITS))


def _scope(key: Key) -> str:
    return ", ".join(sorted([*key.departments, *key.rights]))


def _at(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "never"
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat().replace("+00:00", "Z")


def _key(key: Key) -> dict[str, Any]:
    scope = {"departments": sorted(key.departments), "rights": sorted(key.rights)}
    return {"id": key.key_id, "name": key.name, "role": key.role, **scope, "used_at": _at(key.used_at_ms)}


def _session(entry: SessionEntry) -> dict[str, Any]:
    times = {"since": _at(entry.session.made_at_ms), "used_at": _at(entry.session.used_at_ms)}
    names = {"person": entry.person, "device": entry.device, "table": entry.session.table}
    return {"id": entry.session_id, **names, **times}


def _person(person: Person) -> dict[str, Any]:
    return {"id": person.person_id, "name": person.name, "role": person.role, "used_at": _at(person.used_at_ms)}
