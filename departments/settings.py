"""A department's settings, from the environment."""

from typing import Annotated

import msgspec
from msgspec import Meta

from infra.errors import StartError
from infra.logs import Format, Level
from infra.metrics_server import MetricsHost, MetricsPort, metrics_port
from infra.settings import PATH
from infra.tls import PlaintextHosts, TlsCa, TlsCert, TlsDomain, TlsKey

DEFAULT_PORT = 50050

_RESERVED = {
    "gateway": "it is the gateway's",
    "public": "it is a schema that every PostgreSQL database has",
    "information_schema": "it is PostgreSQL's own schema",
}


class DepartmentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of `python -m departments NAME`."""

    restaurant: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9_-]*$",
            max_length=40,
            description="Name of the restaurant that this program serves. One database may hold several restaurants, "
            "which see nothing of each other; all programs of one restaurant have the same name here.",
        ),
    ] = "main"
    home: Annotated[str, Meta(description="Folder of the SQLite files.", extra=PATH)] = ".comanda"
    database_url: Annotated[
        str,
        Meta(
            description="PostgreSQL instead of SQLite: `postgresql://user:password@host/name`; of a cluster all hosts, "
            "`postgresql://user@host1:5432,host2:5432/name`, of which the one that takes writes is used."
        ),
    ] = ""
    database_timeout: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds that a transaction that writes may take on PostgreSQL; then its connection is given "
            "up and made anew. To connect, all hosts have half of it, but at least 2.",
        ),
    ] = 4.0
    menus: Annotated[str, Meta(description="Folder of menu files, in place of those that ship.", extra=PATH)] = ""
    menu_check: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds between two looks at the menu file: one that has changed, and did not change again "
            "from one look to the next, is taken up as on SIGHUP. 0 for none: only SIGHUP counts.",
        ),
    ] = 0.0
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[
        Annotated[int, Meta(ge=0, le=65535)] | None,
        Meta(description="Port to listen on; the menu file's where it is not set, 0 for any that is free."),
    ] = None
    grace: Annotated[
        float, Meta(ge=0, le=600, description="Seconds that running calls may take to finish when the program stops.")
    ] = 5.0
    max_lines: Annotated[int, Meta(ge=1, le=1000, description="Lines in one order, at most.")] = 50
    max_quantity: Annotated[int, Meta(ge=1, le=1_000_000, description="Quantity of one line, at most.")] = 1000
    max_note: Annotated[int, Meta(ge=0, le=4000, description="Characters in a note, at most.")] = 200
    max_batch: Annotated[int, Meta(ge=1, le=10_000, description="Orders in one call, at most.")] = 1000
    max_message: Annotated[
        int, Meta(ge=1024, le=64 * 1024 * 1024, description="Bytes in one gRPC message, at most.")
    ] = 4 * 1024 * 1024
    ping_timeout: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds that a gRPC client may leave a ping unanswered before it is disconnected.",
        ),
    ] = 20.0
    tls_ca: TlsCa = ""
    tls_cert: TlsCert = ""
    tls_key: TlsKey = ""
    tls_domain: TlsDomain = ""
    plaintext: PlaintextHosts = msgspec.field(default_factory=list)
    metrics_host: MetricsHost = "127.0.0.1"
    metrics_port: MetricsPort = None
    log_level: Annotated[
        Level, Meta(description="`debug`, `access` (the gateway's; here as `info`), `info`, `warning` or `error`.")
    ] = "info"
    log_format: Annotated[Format, Meta(description="`console` for people, `json` for machines.")] = "console"

    def listening_port(self, of_menu: int | None) -> int:
        """Return the port to listen on; `of_menu` is the port of the menu file."""
        return self.port if self.port is not None else of_menu or DEFAULT_PORT

    def listening_metrics_port(self, of_menu: int | None) -> int:
        """Return the port for the metrics; 0 is any that is free."""
        return metrics_port(self.metrics_port, self.listening_port(of_menu))


def refuse_reserved_name(name: str) -> None:
    """Raise StartError where the schema or the variables of a department with this name would be another's."""
    schema = name.replace("-", "_")
    reason = "PostgreSQL keeps names with pg_ for itself" if schema.startswith("pg_") else _RESERVED.get(schema)
    if reason:
        raise StartError(f"a department cannot be called {name!r}: {reason}")
