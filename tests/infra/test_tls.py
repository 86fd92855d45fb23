import asyncio
import errno
import resource
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from infra import tls
from infra.errors import SettingsError, StartError
from infra.program_metrics import program_metrics
from infra.supervise import in_background
from infra.tls import Callers, Contexts, Credentials, certificate_name, find_credentials, peer_names
from tests.support.metrics import samples_of
from tests.support.plain_logs import log_plainly

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass
class Settings:
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tls_domain: str = ""
    plaintext: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> Settings:
    return issued(tmp_path, authority, authority.issue_cert("bar"))


def issued(folder: Path, authority: trustme.CA, leaf: trustme.LeafCert) -> Settings:
    ca, cert, key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
    ca.write_bytes(authority.cert_pem.bytes())
    cert.write_bytes(leaf.cert_chain_pems[0].bytes())
    key.write_bytes(leaf.private_key_pem.bytes())
    return Settings(str(ca), str(cert), str(key))


def test_a_good_certificate_is_taken(files: Settings) -> None:
    credentials = find_credentials("bar", files, ["0.0.0.0"])

    assert credentials is not None
    assert credentials.name == "bar"
    assert credentials.contexts.until > datetime.now(UTC)


def test_without_files_there_is_no_tls() -> None:
    assert find_credentials("bar", Settings(), ["127.0.0.1", "::1", "localhost", "127.1.2.3"]) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "bar", "10.0.0.7", "localhost.example.org"])
def test_plaintext_elsewhere_has_to_be_allowed_by_name(host: str) -> None:
    with pytest.raises(SettingsError, match=f"COMANDA_PLAINTEXT={host}$"):
        find_credentials("bar", Settings(plaintext=["kitchen"]), ["127.0.0.1", host])

    assert find_credentials("bar", Settings(plaintext=["kitchen", host]), [host]) is None


def test_a_file_that_is_not_named_is_reported(files: Settings) -> None:
    with pytest.raises(SettingsError, match="and COMANDA_TLS_CA and COMANDA_TLS_KEY is not set"):
        find_credentials("bar", Settings(tls_cert=files.tls_cert), [])


@pytest.mark.parametrize("broken", ["tls_ca", "tls_cert", "tls_key"])
def test_a_missing_file_is_reported(files: Settings, broken: str) -> None:
    path = Path(getattr(files, broken))
    path.unlink()

    with pytest.raises(StartError, match=f"{path.name}.* cannot be used: No such file or directory"):
        find_credentials("bar", files, [])


@pytest.mark.parametrize("broken", ["tls_ca", "tls_cert", "tls_key"])
def test_a_file_of_something_else_is_reported(files: Settings, broken: str) -> None:
    path = Path(getattr(files, broken))
    path.write_text("nothing of the kind")

    with pytest.raises(StartError, match=f"{path.name}.* cannot be used: .+"):
        find_credentials("bar", files, [])


def test_a_certificate_for_another_is_reported(files: Settings) -> None:
    with pytest.raises(StartError, match="Hostname mismatch, certificate is not valid for 'kitchen'"):
        find_credentials("kitchen", files, [])


def test_a_certificate_that_is_over_is_reported(tmp_path: Path, authority: trustme.CA) -> None:
    leaf = authority.issue_cert("bar", not_before=LONG_AGO, not_after=LONG_AGO + timedelta(days=1))

    with pytest.raises(StartError, match="certificate has expired"):
        find_credentials("bar", issued(tmp_path, authority, leaf), [])


def test_a_certificate_by_another_authority_is_reported(tmp_path: Path, authority: trustme.CA) -> None:
    with pytest.raises(StartError, match=r"cert\.pem cannot be used: unable to get local issuer certificate"):
        find_credentials("bar", issued(tmp_path, authority, trustme.CA().issue_cert("bar")), [])


def test_the_key_of_another_certificate_is_reported(files: Settings, authority: trustme.CA) -> None:
    Path(files.tls_key).write_bytes(authority.issue_cert("bar").private_key_pem.bytes())

    with pytest.raises(StartError, match="KEY_VALUES_MISMATCH"):
        find_credentials("bar", files, [])


def test_a_key_with_a_password_is_reported_and_not_asked_for(files: Settings, tmp_path: Path) -> None:
    locked = tmp_path / "locked.pem"
    command = ["openssl", "pkcs8", "-topk8", "-in", files.tls_key, "-out", str(locked), "-passout", "pass:secret"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    files.tls_key = str(locked)

    with pytest.raises(StartError, match=r"locked\.pem cannot be used"):
        find_credentials("bar", files, [])


@pytest.mark.parametrize(
    ("program", "domain", "name"),
    [("bar", "", "bar"), ("my_bar", "", "my-bar"), ("bar", "example.org", "bar.example.org"), ("bar", ".x.", "bar.x")],
)
def test_a_certificate_is_named_after_its_program(program: str, domain: str, name: str) -> None:
    assert certificate_name(program, domain) == name


CALLERS = Callers("gateway", "bar")


def test_the_gateway_may_call_everything() -> None:
    assert CALLERS.refusal(frozenset({"gateway"}), "/restaurant.v1.DepartmentService/PlaceOrders") is None
    assert CALLERS.refusal(frozenset({"gateway", "more"}), "/bar.Bar/GetOrder") is None


def test_a_department_may_ask_for_its_own_health_only() -> None:
    assert CALLERS.refusal(frozenset({"bar"}), "/grpc.health.v1.Health/Check") is None
    assert CALLERS.refusal(frozenset({"kitchen"}), "/grpc.health.v1.Health/Check") is not None
    refusal = CALLERS.refusal(frozenset({"bar"}), "/restaurant.v1.DepartmentService/PlaceOrders")
    assert refusal == "the certificate is for bar; only gateway may call"


@pytest.mark.parametrize("names", [frozenset[str](), frozenset({"gateway.example.org"}), frozenset({"*"})])
def test_nobody_else_may_call(names: frozenset[str]) -> None:
    assert CALLERS.refusal(names, "/bar.Bar/GetOrder") is not None


def test_only_dns_names_of_a_certificate_count() -> None:
    certificate = {
        "subject": ((("commonName", "gateway"),),),
        "subjectAltName": (("DNS", "bar"), ("DNS", "other"), ("IP Address", "10.0.0.1"), ("URI", "gateway")),
    }

    assert peer_names(certificate) == {"bar", "other"}
    assert peer_names(None) == frozenset()


async def test_new_files_are_taken_up_when_they_are_good(
    files: Settings, tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "CHECK_SECONDS", 0.01)
    credentials = Credentials("bar", files.tls_ca, files.tls_cert, files.tls_key)
    told: asyncio.Queue[Contexts] = asyncio.Queue()
    watching = asyncio.create_task(credentials.watch(told.put))
    first = credentials.contexts

    (tmp_path / "key.pem").write_text("half of it")
    await asyncio.sleep(0.1)
    kept = credentials.contexts
    issued(tmp_path, authority, authority.issue_cert("bar", not_after=datetime(2037, 5, 6, tzinfo=UTC)))
    async with asyncio.timeout(5):
        renewed = await told.get()
    watching.cancel()

    assert kept is first
    assert told.empty()
    assert credentials.contexts is renewed
    assert credentials.until == "2037-05-06T00:00:00+00:00"


async def test_a_callback_that_fails_gets_the_certificate_once_more(
    files: Settings, tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "CHECK_SECONDS", 0.01)
    credentials = Credentials("bar", files.tls_ca, files.tls_cert, files.tls_key)
    offered: list[Contexts] = []
    taken = asyncio.Event()

    async def renew(contexts: Contexts) -> None:
        offered.append(contexts)
        if len(offered) == 1:
            raise OSError(errno.EMFILE, "Too many open files")
        taken.set()

    async with in_background({"certificates": partial(credentials.watch, renew)}), asyncio.timeout(5):
        issued(tmp_path, authority, authority.issue_cert("bar"))
        await taken.wait()

    assert offered == [credentials.contexts] * 2


class CountedReloads(Credentials):
    reloads = 0

    def _reload_changed(self) -> None:
        self.reloads += 1
        super()._reload_changed()

    async def look(self, times: int) -> None:
        wanted = self.reloads + times
        while self.reloads < wanted:  # noqa: ASYNC110 - the fact that is waited for
            await asyncio.sleep(0.01)


async def test_files_that_could_not_be_read_for_a_moment_are_tried_again(
    files: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "CHECK_SECONDS", 0.01)
    credentials = CountedReloads("bar", files.tls_ca, files.tls_cert, files.tls_key)
    told: asyncio.Queue[Contexts] = asyncio.Queue()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    log_plainly()
    with capture_logs() as logged:
        async with in_background({"certificates": partial(credentials.watch, told.put)}), asyncio.timeout(5):
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))  # no further file can be opened
            try:
                (tmp_path / "key.pem").touch()
                await credentials.look(times=5)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            renewed = await told.get()

    assert renewed is credentials.contexts
    assert [event["event"] for event in logged] == [
        "new certificates cannot be used; the old ones are kept",
        "new certificate",
    ]


@pytest.fixture
def serving(files: Settings) -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


async def test_tls_before_1_3_is_not_spoken(files: Settings, serving: tuple[socket.socket, socket.socket]) -> None:
    credentials = Credentials("bar", files.tls_ca, files.tls_cert, files.tls_key)
    old = ssl.create_default_context(cafile=files.tls_ca)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    ours, theirs = serving
    server = asyncio.create_task(asyncio.to_thread(shake_hands, credentials.contexts.server, ours))

    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        await asyncio.to_thread(old.wrap_socket, theirs, server_hostname="bar")
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        await server


def shake_hands(context: ssl.SSLContext, sock: socket.socket) -> None:
    context.wrap_socket(sock, server_side=True)


async def test_the_metrics_say_when_the_certificate_expires(files: Settings) -> None:
    credentials = Credentials("bar", files.tls_ca, files.tls_cert, files.tls_key)
    metrics = program_metrics("bar", "main", credentials)
    text, _ = await metrics.scrape()
    metrics.close()
    until = samples_of(text.decode())["certificate_expiry_timestamp_seconds{program=bar,restaurant=main}"]
    assert until == credentials.contexts.until.timestamp()
