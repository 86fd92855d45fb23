"""The gateway's settings, from the environment."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from gateway.domain.currencies import Currency
from infra.addresses import Address
from infra.logs import Format, Level
from infra.metrics_server import MetricsHost, MetricsPort, metrics_port
from infra.settings import PATH
from infra.tls import PlaintextHosts, TlsCa, TlsCert, TlsDomain, TlsKey

Seconds = Annotated[float, Meta(gt=0, le=86_400)]

ORIGIN = r"^https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$"
"""What a browser sends as `Origin`: no path, no slash at the end, no capitals; and never `*` or `null`."""

NETWORK = r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?$"

DEPARTMENTS = {"bakery": "127.0.0.1:50051", "bar": "127.0.0.1:50052", "kitchen": "127.0.0.1:50053"}


class TimeZone(str):
    """A time zone as its name in the IANA database; raises ValueError for any other text."""

    __slots__ = ("zone",)

    zone: ZoneInfo

    def __new__(cls, name: str) -> Self:
        """Find a time zone."""
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):  # OSError: a folder of zones, such as Europe
            raise ValueError("expected the name of a time zone, such as Europe/Berlin or Asia/Seoul") from None
        time_zone = super().__new__(cls, name)
        time_zone.zone = zone
        return time_zone


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What `python -m gateway` reads."""

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
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 for any that is free.")] = 8000
    departments: Annotated[
        dict[str, Address],
        Meta(
            description="Where the departments are: `name=host:port`, separated by commas; an IPv6 address stands in "
            "brackets."
        ),
    ] = msgspec.field(default_factory=lambda: {name: Address(at) for name, at in DEPARTMENTS.items()})
    currency: Annotated[
        Currency,
        Meta(
            description="ISO 4217 code of the menus' prices. An order keeps the currency under which it was taken, so "
            "this is changed together with the menus."
        ),
    ] = Currency("EUR")
    time_zone: Annotated[
        TimeZone,
        Meta(
            description="The restaurant's time zone, as the IANA database names it: `Europe/Berlin`. Orders are "
            "numbered by its days, and reports are divided by them."
        ),
    ] = TimeZone("UTC")
    keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Days after which `python -m ops archive write` takes finished orders and closed tickets out "
            "of the databases, at least 30; 0 keeps all. Nothing is removed unless that command is run.",
        ),
    ] = 0
    deadline: Annotated[Seconds, Meta(description="Seconds that a call to a department may take.")] = 2.0
    time_to_decide: Annotated[Seconds, Meta(description="Seconds until the pending lines of an order expire.")] = 300.0
    first_retry: Annotated[
        Seconds, Meta(description="Seconds before a department is tried again, at most, at first.")
    ] = 0.1
    retry_cap: Annotated[Seconds, Meta(description="The same, however often it has failed.")] = 2.0
    calls_in_flight: Annotated[int, Meta(ge=1, le=90, description="Calls of a kind to one department at once.")] = 2
    orders_per_call: Annotated[int, Meta(ge=1, le=1000, description="Orders in one call, at most.")] = 256
    max_waiting: Annotated[
        int,
        Meta(
            ge=1,
            le=3900,
            description="Orders that may wait for their response at once; more get 503. The gateway takes 4000 "
            "connections, and some have to be left for the 503.",
        ),
    ] = 3000
    max_streams: Annotated[
        int,
        Meta(
            ge=0,
            le=20_000,
            description="Clients that may follow `/events` at once; more get 503. Their connections count beside those "
            "of orders.",
        ),
    ] = 2000
    max_lines: Annotated[int, Meta(ge=1, le=1000, description="Lines in one order, at most.")] = 50
    max_quantity: Annotated[int, Meta(ge=1, le=1_000_000, description="Quantity of one line, at most.")] = 1000
    max_note: Annotated[int, Meta(ge=0, le=4000, description="Characters in a note, at most.")] = 200
    max_body: Annotated[int, Meta(ge=1024, description="Bytes in the body of a request, at most.")] = 64 * 1024
    cors_origins: Annotated[
        list[Annotated[str, Meta(pattern=ORIGIN)]],
        Meta(
            description="Origins, separated by commas, whose pages may use the API in a browser, as the browser spells "
            "them: `https://orders.example.org`, with the port where it is not the usual one."
        ),
    ] = msgspec.field(default_factory=list)
    guests: Annotated[
        Literal["auto", "open", "tables", "closed"],
        Meta(
            description="Who may order without a key or a PIN: `open` everyone, for any table; `tables` whoever opened "
            "a table's code, for that table; `closed` nobody. `auto` is `open` where `COMANDA_HOST` is a loopback "
            "address, else `tables`."
        ),
    ] = "auto"
    public_url: Annotated[
        str,
        Meta(
            description="Address under which guests and staff open the gateway in a browser, "
            "`https://orders.example.org`: it stands in the QR codes of tables and of pairing. By default it is the "
            "one by which the code was asked for.",
            pattern=rf"^$|{ORIGIN}",
        ),
    ] = ""
    guest_orders_per_minute: Annotated[
        int,
        Meta(
            ge=1,
            description="Orders a minute that guests of one table may place, at each gateway; more get 429. Of one "
            "address, behind which there may be many tables, ten times as many. There is no limit where guests are "
            "`open` on a loopback address.",
        ),
    ] = 6
    guest_open_orders: Annotated[
        int,
        Meta(
            ge=1,
            description="Orders of one table that may be open, neither served nor cancelled, for its guests to order "
            "more; of one address ten times as many.",
        ),
    ] = 20
    pin_idle: Annotated[
        Seconds,
        Meta(description="Seconds after which a person on a paired device is asked for the PIN again."),
    ] = 600.0
    confirm: Annotated[
        Seconds,
        Meta(
            description="Seconds after a sign-in or a pairing within which a manager's session may change keys, "
            "people, codes and sessions; later the PIN is asked for again. Keys need no sign-in."
        ),
    ] = 300.0
    first_key: Annotated[
        str,
        Meta(
            description="A secret, `comanda_` and 43 letters, digits, `-` or `_`: the first start makes it a manager's "
            "key, in place of an address to open. For programs, and for installations without a terminal.",
            pattern=r"^(comanda_[A-Za-z0-9_-]{43})?$",
        ),
    ] = ""
    demo: Annotated[
        bool,
        Meta(
            description="Whether there is `/demo`, which shows several pages side by side, and pages of this gateway "
            "may frame each other; `just demo` sets it. On a loopback address only."
        ),
    ] = False
    proxies: Annotated[
        list[Annotated[str, Meta(pattern=NETWORK)]],
        Meta(
            description="Addresses and networks, separated by commas, of proxies whose `X-Forwarded-For` and "
            "`X-Forwarded-Proto` are believed."
        ),
    ] = msgspec.field(default_factory=list)
    receive_seconds: Annotated[
        Seconds,
        Meta(description="Seconds that a request may take to arrive, and a response to be read on."),
    ] = 10.0
    wait_for_departments: Annotated[
        float, Meta(ge=0, description="Seconds after the start in which readiness waits for every department.")
    ] = 10.0
    linger: Annotated[
        float,
        Meta(
            ge=0,
            le=600,
            description="Seconds to go on taking orders, though not ready, when the program is to stop: so "
            "long a proxy may take to notice.",
        ),
    ] = 0.0
    grace: Annotated[
        int, Meta(ge=0, le=600, description="Seconds that running requests may take to finish when the program stops.")
    ] = 5
    tls_ca: TlsCa = ""
    tls_cert: TlsCert = ""
    tls_key: TlsKey = ""
    tls_domain: TlsDomain = ""
    plaintext: PlaintextHosts = msgspec.field(default_factory=list)
    metrics_host: MetricsHost = "127.0.0.1"
    metrics_port: MetricsPort = None
    log_level: Annotated[
        Level, Meta(description="`debug`, `access` (with a line for each HTTP request), `info`, `warning` or `error`.")
    ] = "info"
    log_format: Annotated[Format, Meta(description="`console` for people, `json` for machines.")] = "console"

    def listening_metrics_port(self) -> int:
        """Return the port for the metrics; 0 is any that is free."""
        return metrics_port(self.metrics_port, self.port)
