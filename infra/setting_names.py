"""The names of all settings. One environment serves every program, so each program refuses names that none reads.

Programs do not import each other, so the names are repeated here; a test compares them with the programs' settings.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from infra.errors import SettingsError
from infra.settings import PREFIX, variable

GATEWAY = "gateway"

_BOTH = frozenset({
    "restaurant", "home", "database_url", "database_timeout", "host", "port", "grace",
    "max_lines", "max_quantity", "max_note",
    "tls_ca", "tls_cert", "tls_key", "tls_domain", "plaintext", "log_level", "log_format",
    "metrics_host", "metrics_port",
})  # fmt: skip

GATEWAY_FIELDS = _BOTH | {
    "departments", "currency", "deadline", "time_to_decide", "first_retry", "retry_cap", "calls_in_flight",
    "orders_per_call", "max_waiting", "max_streams", "max_body", "receive_seconds", "wait_for_departments", "linger",
    "cors_origins", "guests", "guest_orders_per_minute", "guest_open_orders", "pin_idle", "first_key", "proxies",
    "public_url", "confirm", "time_zone", "demo", "keep_days",
}  # fmt: skip

DEPARTMENT_FIELDS = _BOTH | {"menus", "menu_check", "max_batch", "max_message", "ping_timeout"}

OF_CONTAINERS = frozenset({
    "base", "certs", "db_password", "health_interval", "image", "publish", "revision", "version",
})  # fmt: skip
"""Fields that the Compose files and their recipes read."""

OF_COMMANDS = frozenset({"key", "url"})
"""Fields that only commands read."""

KEY = variable("key")
"""The key that the commands of the staff send to the gateway."""

URL = variable("url")
"""Where the gateway is, for the commands of the staff."""

_ANY_PROGRAM = re.compile(r"[A-Z][A-Z0-9_]*_")


def refuse_unknown_names(environ: Mapping[str, str], departments: Collection[str] | None = None) -> None:
    """Raise SettingsError for each variable that no program reads, with the most similar name that one reads.

    `departments` names all departments; None means that there may be any, on this machine or elsewhere.
    """
    faults = []
    known = {variable(field) for field in GATEWAY_FIELDS | DEPARTMENT_FIELDS | OF_CONTAINERS | OF_COMMANDS}
    known.update(variable(field, GATEWAY) for field in GATEWAY_FIELDS)
    known.update(variable(field, name) for name in departments or () for field in DEPARTMENT_FIELDS)
    for name in _set_names(environ):
        if name in known or (departments is None and _is_of_some_department(name)):
            continue
        bare = [each.removeprefix(PREFIX) for each in sorted(known)]
        nearest = get_close_matches(name.removeprefix(PREFIX), bare, n=1)
        hint = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "docs/settings.md lists all"
        faults.append(f"{name} is no setting: {hint}")
    if faults:
        raise SettingsError("; ".join(faults))


def _set_names(environ: Mapping[str, str]) -> Iterator[str]:
    return (name for name in sorted(environ) if name.startswith(PREFIX) and environ[name].strip())


def _is_of_some_department(name: str) -> bool:
    """Return whether a variable is a department's, of whatever name."""
    for field in DEPARTMENT_FIELDS:
        program = name.removeprefix(PREFIX).removesuffix(field.upper())
        if PREFIX + program + field.upper() == name and _ANY_PROGRAM.fullmatch(program):
            return program != f"{GATEWAY.upper()}_"
    return False
