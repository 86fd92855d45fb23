"""A real HAProxy in front of a gateway on this machine, with deploy/haproxy.cfg."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import certs
from tests.support.processes import ROOT, accepts, free_ports
from tests.support.waiting import START_SECONDS, STOP_SECONDS, wait_for

CONFIG = ROOT / "deploy/haproxy.cfg"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that runs: its port, its folder, and the authority of its certificate."""

    port: int
    folder: Path

    @property
    def output(self) -> str:
        """What the proxy has logged."""
        return (self.folder / "haproxy.log").read_text()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://localhost:{self.port}"

    def tls(self, protocol: str) -> ssl.SSLContext:
        """Make a client's side, for `http/1.1` or `h2`."""
        context = ssl.create_default_context(cafile=str(self.folder / "certs/proxy/ca.pem"))
        context.set_alpn_protocols([protocol])
        return context


def haproxy() -> str:
    """Return the program."""
    program = shutil.which("haproxy")
    assert program, "this test needs the proxy itself; install it: apt-get install haproxy"
    return program


def config_for(folder: Path, port: int, gateway_port: int) -> Path:
    """Write deploy/haproxy.cfg with the addresses of this machine, and nothing else changed."""
    text = CONFIG.read_text()
    for old, new, count in (
        ("bind :8443 ", f"bind 127.0.0.1:{port} ", 1),
        ("/certs/proxy.pem", str(folder / "certs/proxy/proxy.pem"), 1),
        ("server-template gateway 1-8 gateway:8000", f"server gateway 127.0.0.1:{gateway_port}", 2),
    ):
        assert text.count(old) == count, old
        text = text.replace(old, new)
    config = folder / "haproxy.cfg"
    config.write_text(text)
    return config


@contextmanager
def in_front_of(gateway_port: int, folder: Path) -> Iterator[Proxy]:
    """Run a proxy until the block ends, once it has found the gateway."""
    certs.main(["--folder", str(folder / "certs")])
    (port,) = free_ports(1)
    config = config_for(folder, port, gateway_port)
    log = folder / "haproxy.log"
    with log.open("wb") as output:
        process = subprocess.Popen([haproxy(), "-db", "-f", str(config)], stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(
            lambda: process.poll() is not None or accepts(port), f"the proxy serves\n{log.read_text()}", START_SECONDS
        )
        assert process.poll() is None, log.read_text()
        yield Proxy(port, folder)
    finally:
        process.kill()
        process.wait(STOP_SECONDS)
