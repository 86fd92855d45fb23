"""Mutual TLS between the programs: each has a certificate, and checks that its peer's has the expected name.

A certificate names a program, not a host: all replicas of the bar, on any machine, have one for `bar`. So a
department's certificate is not accepted from another department, and only the gateway's is accepted from a caller.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

import structlog
from msgspec import Meta

from infra.errors import SettingsError, StartError
from infra.file_stamps import Stamp, file_stamp
from infra.settings import PATH

CHECK_SECONDS = 2.0  # how often the files are checked for changes
HEALTH = "/grpc.health.v1.Health/"

R = TypeVar("R")

log = structlog.get_logger("tls")


TlsCa = Annotated[
    str, Meta(description="PEM file of the authority that all trust; turns on TLS between the programs.", extra=PATH)
]
TlsCert = Annotated[
    str,
    Meta(description="PEM file of this program's certificate, and of those between it and the authority.", extra=PATH),
]
TlsKey = Annotated[str, Meta(description="PEM file of the certificate's key, without a password.", extra=PATH)]
TlsDomain = Annotated[
    str, Meta(description="The bar's certificate is for `bar`, or, with `example.org` here, for `bar.example.org`.")
]
PlaintextHosts = Annotated[
    list[str], Meta(description="Hosts, separated by commas, where gRPC may do without TLS; this machine always may.")
]


class TlsSettings(Protocol):
    """The settings of TLS, which both programs have."""

    @property
    def tls_ca(self) -> str: ...  # noqa: D102
    @property
    def tls_cert(self) -> str: ...  # noqa: D102
    @property
    def tls_key(self) -> str: ...  # noqa: D102
    @property
    def tls_domain(self) -> str: ...  # noqa: D102
    @property
    def plaintext(self) -> list[str]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Contexts:
    """One version of the certificates, as contexts for both roles; `until` is when the program's own one expires."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    until: datetime


class Credentials:
    """A program's certificate and key, and the authority that it trusts; reloaded when their files change."""

    def __init__(self, name: str, ca: str, cert: str, key: str) -> None:
        """`name` is the name that the certificate must have; the rest are paths of PEM files. Raises StartError."""
        self.name = name
        self._ca, self._cert, self._key = ca, cert, key
        self._seen = self._stamp()
        self.contexts = self._passed_on = self._load()
        self._refused: tuple[object, str] | None = None

    async def watch(self, renewed: Callable[[Contexts], Awaitable[None]]) -> None:
        """Check the files for ever, and await `renewed` with each new valid version; invalid files are ignored.

        What `renewed` raises is raised. A watch that is started again then passes the same certificates to it again.
        """
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self._reload_changed()
            if self.contexts is not self._passed_on:
                contexts = self.contexts
                await renewed(contexts)
                self._passed_on = contexts

    def _reload_changed(self) -> None:
        """Load the files if they have changed; files that cannot be loaded are tried again, and logged once."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        try:
            self.contexts = self._load()
        except StartError as error:
            if self._refused != (stamp, str(error)):
                log.warning("new certificates cannot be used; the old ones are kept", reason=str(error))
            self._refused = (stamp, str(error))
            return
        self._seen, self._refused = stamp, None
        log.info("new certificate", name=self.name, until=self.until)

    def _load(self) -> Contexts:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        server.verify_mode = ssl.CERT_REQUIRED
        for context in (server, client):
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.set_alpn_protocols(["h2"])
            _try(self._ca, partial(context.load_verify_locations, self._ca))
            _try(f"{self._cert} with {self._key}", partial(context.load_cert_chain, self._cert, self._key, ""))
        own = _try(self._cert, partial(_handshake, server, client, self.name))
        until = datetime.fromtimestamp(ssl.cert_time_to_seconds(own["notAfter"]), UTC)
        return Contexts(server, client, until)

    def _stamp(self) -> tuple[Stamp, ...]:
        return tuple(file_stamp(file) for file in (self._ca, self._cert, self._key))

    @property
    def until(self) -> str:
        """Return when the certificate expires, in ISO 8601."""
        return self.contexts.until.isoformat()


@dataclass(frozen=True, slots=True)
class Callers:
    """Which certificates may call which methods of a server."""

    caller: str
    """The name that may call every method."""

    watcher: str
    """The server's own name, which may call the health service: for a container's check."""

    def refusal(self, names: frozenset[str], path: str) -> str | None:
        """Return why a peer whose certificate has these names may not call `path`; None if it may."""
        if self.caller in names or (self.watcher in names and path.startswith(HEALTH)):
            return None
        shown = ", ".join(sorted(names)) or "nobody"
        return f"the certificate is for {shown}; only {self.caller} may call"


def find_credentials(program: str, settings: TlsSettings, hosts: Iterable[str]) -> Credentials | None:
    """Load a program's certificate; None if its settings name none. `hosts` are the hosts of its gRPC connections.

    Raises StartError for files that cannot be used, and SettingsError for plaintext gRPC on a host that is not allowed.
    """
    files = {
        "COMANDA_TLS_CA": settings.tls_ca,
        "COMANDA_TLS_CERT": settings.tls_cert,
        "COMANDA_TLS_KEY": settings.tls_key,
    }
    missing = [variable for variable, file in files.items() if not file]
    if not missing:
        return Credentials(certificate_name(program, settings.tls_domain), *files.values())
    if len(missing) < len(files):
        raise SettingsError(f"TLS needs {', '.join(files)}, and {' and '.join(missing)} is not set")
    for host in hosts:
        if not is_loopback(host) and host not in settings.plaintext:
            raise SettingsError(
                f"gRPC without TLS on {host!r} is refused: set {', '.join(files)}, "
                f"or allow it by name with COMANDA_PLAINTEXT={host}"
            )
    return None


def certificate_name(program: str, domain: str) -> str:
    """Return the name that a program's certificate must have."""
    name = program.replace("_", "-")
    return f"{name}.{domain.strip('.')}" if domain else name


def peer_names(certificate: dict[str, Any] | None) -> frozenset[str]:
    """Return the DNS names of a peer's certificate, as `ssl` represents it."""
    names = (certificate or {}).get("subjectAltName", ())
    return frozenset(name for kind, name in names if kind == "DNS")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host: a loopback address, or `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> dict[str, Any]:
    """Verify a certificate by a handshake with itself in memory: its issuer, dates and name, for both roles."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    calling = client.wrap_bio(to_client, to_server, server_hostname=name)
    serving = server.wrap_bio(to_server, to_client, server_side=True)
    unfinished = [calling, serving]
    while unfinished:
        side = unfinished.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            unfinished.append(side)
    certificate = serving.getpeercert()
    assert certificate is not None  # noqa: S101 - CERT_REQUIRED
    return certificate


def _try(files: str, step: Callable[[], R]) -> R:
    try:
        return step()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise StartError(f"TLS: {files} cannot be used: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    return getattr(error, "strerror", None) or str(error)
