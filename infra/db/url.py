"""Database URLs: parsed once, shown without passwords.

libpq's form with several hosts, `postgresql://u@h1:1,h2:2/db`, is translated into the query form that SQLAlchemy passes
to libpq: `postgresql://u@/db?host=h1,h2&port=1,2`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from infra.errors import SettingsError

VARIABLE = "COMANDA_DATABASE_URL"

_NAMES = ("postgresql", "postgres", "postgresql+psycopg")
_HOSTS = re.compile(r"(?P<head>\w[\w+]*://(?:[^/?#@]*@)?)(?P<hosts>[^/?#@]*,[^/?#@]*)(?P<tail>.*)", re.DOTALL)
_HOST = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_WRITING = ("read-write", "primary")
_LEAST_CONNECT_SECONDS = 2
_SECRETS = ("password", "sslpassword")
_PLACE = "several-hosts"


def parse_url(url: str | Path) -> sa.URL:
    """Parse the path or the URL of a SQLite file, or the URL of a PostgreSQL database; raises SettingsError."""
    if isinstance(url, Path):
        return sa.URL.create("sqlite", database=str(url))
    several = _HOSTS.fullmatch(url)
    try:
        parsed = sa.make_url(several["head"] + several["tail"] if several else url)
    except (ArgumentError, ValueError):  # ValueError: an invalid port
        raise SettingsError(f"{VARIABLE} is not a database URL, such as postgresql://user@host/name") from None
    if parsed.drivername in _NAMES:
        parsed = parsed.set(drivername="postgresql+psycopg")
        return parsed.update_query_dict(_several_hosts(several["hosts"])) if several else parsed
    if is_sqlite(parsed):
        if several or parsed.database in (None, "", ":memory:"):
            raise SettingsError(f"{VARIABLE}: SQLite needs the path of a file, such as sqlite:////data/bar.db")
        return parsed
    raise SettingsError(f"{VARIABLE}: {parsed.drivername!r} is not allowed: expected postgresql or sqlite")


def is_sqlite(url: sa.URL) -> bool:
    """Return whether a parsed URL is a SQLite file's; otherwise it is a PostgreSQL database's."""
    return url.drivername == "sqlite"


def connection_parameters(url: sa.URL) -> dict[str, Any]:
    """Return libpq's parameters for a PostgreSQL URL; raises SettingsError for one that libpq does not know.

    libpq takes parameters that the URL lacks from its own environment variables, such as PGHOST.
    """
    import psycopg

    try:
        parameters = dict(url.get_dialect()().create_connect_args(url)[1])
        psycopg.conninfo.make_conninfo(**parameters)
    except (ArgumentError, TypeError, psycopg.ProgrammingError) as error:
        reason = str(error).strip().splitlines()[0]
        raise SettingsError(f"{VARIABLE}: {reason}; expected a URL such as postgresql://user@host/name") from None
    if not str(parameters.get("port", "")).strip(","):
        parameters.pop("port", None)  # SQLAlchemy's form of no host having a port
    named = {each.keyword.decode(): (each.val or b"").decode() for each in psycopg.pq.Conninfo.get_defaults()}
    given = named | {name: str(value) for name, value in parameters.items() if value}
    _check_hosts(given)
    _check_timeout(given)
    wanted = given.get("target_session_attrs", "")
    if wanted in ("", "any"):
        # Only one of several servers takes writes, and a read from another may be stale. A session with the only one
        # may be read-only by default.
        wanted = parameters["target_session_attrs"] = "read-write" if "," in given.get("host", "") else "primary"
    if wanted not in _WRITING:
        raise SettingsError(
            f"{VARIABLE}: target_session_attrs={wanted} finds servers that take no writes; expected read-write, primary"
        )
    return parameters


def _check_hosts(given: Mapping[str, str]) -> None:
    """Raise SettingsError unless there are as many hosts as ports and addresses, or one port for all."""
    counts = {name: given[name].count(",") + 1 for name in ("host", "hostaddr", "port") if given.get(name)}
    most = max(counts.values(), default=1)
    for name, count in counts.items():
        if count != most and not (name == "port" and count == 1):
            raise SettingsError(f"{VARIABLE}: {name} has {count} values; expected {most}, one for each server")


def _check_timeout(given: Mapping[str, str]) -> None:
    """Raise SettingsError for a connect timeout that libpq would not keep to: 0 is for ever, and 1 is 2."""
    timeout = given.get("connect_timeout", "") or "2"
    if not (timeout.isdecimal() and int(timeout) >= _LEAST_CONNECT_SECONDS):
        raise SettingsError(f"{VARIABLE}: connect_timeout={timeout}; expected whole seconds, 2 or more")


def show_url(url: sa.URL) -> str:
    """Return a URL in the form that its user wrote, without passwords."""
    if is_sqlite(url):
        return f"sqlite:///{url.database}"
    query: dict[str, tuple[str, ...] | str] = dict(url.query)
    hosts, ports = query.get("host"), query.get("port", "")
    shown = ""
    if isinstance(hosts, str) and "," in hosts and isinstance(ports, str):
        del query["host"]
        query.pop("port", None)
        each_port = ports.split(",") if "," in ports else [ports] * len(hosts.split(","))
        shown = ",".join(map(_show_host, hosts.split(","), each_port))
        url = url.set(host=_PLACE)
    secrets = [name for name in _SECRETS if name in query]
    text = url.set(query={name: "***" if name in secrets else value for name, value in query.items()})
    return text.render_as_string(hide_password=True).replace(_PLACE, shown).replace("=%2A%2A%2A", "=***")


def _several_hosts(hosts: str) -> dict[str, str]:
    matches = [_HOST.fullmatch(each) for each in hosts.split(",")]
    found = [match for match in matches if match is not None]
    if len(found) < len(matches):
        raise SettingsError(f"{VARIABLE}: {hosts!r} is not a list of hosts: expected host:port,host:port")
    names = [match["ipv6"] or unquote(match["name"]) for match in found]
    ports = [match["port"] or "" for match in found]
    return {"host": ",".join(names)} | ({"port": ",".join(ports)} if any(ports) else {})


def _show_host(host: str, port: str) -> str:
    name = f"[{host}]" if ":" in host else quote(host, safe="")
    return f"{name}:{port}" if port else name
