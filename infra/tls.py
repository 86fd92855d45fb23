"""Mutual TLS between the programs of a house: who one is, and who the other has to be.

A certificate names a program, not a host: the bar's is for `bar`, wherever it runs and however many of it there are.
So a department's certificate cannot be used for another, and nobody but the gateway is taken for the gateway.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import structlog
from msgspec import Meta

from infra.errors import SettingsError, StartError
from infra.settings import PATH

LOOK_SECONDS = 2.0  # how often the files are looked at
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
    """What both programs' settings have."""

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
    """One state of the certificates, on both sides of a connection; `until` is when the own one ends."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    until: datetime


class Credentials:
    """A program's certificate and key, and the authority that it trusts; they are taken up when their files change."""

    def __init__(self, name: str, ca: str, cert: str, key: str) -> None:
        """`name` is what the certificate has to be for; the rest are PEM files. Raises StartError."""
        self.name = name
        self._ca, self._cert, self._key = ca, cert, key
        self._seen = self._stamp()
        self.contexts = self._passed_on = self._load()
        self._refused: tuple[object, str] | None = None

    async def watch(self, renewed: Callable[[Contexts], Awaitable[None]]) -> None:
        """Look at the files for ever, and pass new ones on that are good; keep the old ones where they are not.

        What `renewed` raises is raised. A watch that is started again passes the same certificates on once more.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._look()
            if self.contexts is not self._passed_on:
                contexts = self.contexts
                await renewed(contexts)
                self._passed_on = contexts

    def _look(self) -> None:
        """Load the files where they have changed; those that could not be loaded are tried again, and logged once."""
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
        own = _try(self._cert, partial(_shake_hands, server, client, self.name))
        until = datetime.fromtimestamp(ssl.cert_time_to_seconds(own["notAfter"]), UTC)
        return Contexts(server, client, until)

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_stamp(file) for file in (self._ca, self._cert, self._key))

    @property
    def until(self) -> str:
        """Answer when the certificate ends."""
        return self.contexts.until.isoformat()


@dataclass(frozen=True, slots=True)
class Callers:
    """Whose certificate may call what at a server."""

    caller: str
    """Who may call everything."""

    watcher: str
    """Who may ask for the server's health: itself."""

    def refusal(self, names: frozenset[str], path: str) -> str | None:
        """Tell why the holder of a certificate for `names` may not call `path`, or None where it may."""
        if self.caller in names or (self.watcher in names and path.startswith(HEALTH)):
            return None
        shown = ", ".join(sorted(names)) or "nobody"
        return f"the certificate is for {shown}; only {self.caller} may call"


def find_credentials(program: str, settings: TlsSettings, hosts: Iterable[str]) -> Credentials | None:
    """Load a program's certificate, where its settings name one; `hosts` are those where it speaks gRPC.

    Raises StartError for files that cannot be used, and where gRPC would be in plaintext on a host not allowed for it.
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
        if not _is_loopback(host) and host not in settings.plaintext:
            raise SettingsError(
                f"gRPC without TLS on {host!r} is refused: set {', '.join(files)}, "
                f"or allow it by name with COMANDA_PLAINTEXT={host}"
            )
    return None


def certificate_name(program: str, domain: str) -> str:
    """Name what a program's certificate has to be for."""
    name = program.replace("_", "-")
    return f"{name}.{domain.strip('.')}" if domain else name


def peer_names(certificate: dict[str, Any] | None) -> frozenset[str]:
    """List the DNS names of a peer's certificate, as ssl gives it."""
    names = (certificate or {}).get("subjectAltName", ())
    return frozenset(name for kind, name in names if kind == "DNS")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> dict[str, Any]:
    """Prove the certificate on itself, in memory: issued by the authority, in date, for this name, for both roles."""
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
    assert certificate is not None  # noqa: S101 - one is required
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


def _stamp(file: str) -> tuple[int, int, int]:
    """Tell one state of a file from another, through the links by which volumes are swapped."""
    try:
        found = Path(file).stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
