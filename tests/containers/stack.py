"""A stack of containers, as Docker Compose makes it of one of the project's files."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.audits import figures
from tests.support.database_contents import Books, Store
from tests.support.keys import AUTHORIZED, KEY
from tests.support.processes import ROOT
from tests.support.waiting import START_SECONDS, eventually, wait_for

COMMAND_SECONDS = 240.0
COMEBACK_SECONDS = 120.0
LOOK_SECONDS = 0.25  # a look takes the client 30 ms of a processor, which what is waited for could use

PASSWORD = "p@ss/word: 100 %"  # as someone may well choose it


_CONNECT = """
import socket
for address in {addresses}:
    name, port = address.split(":")
    try:
        socket.create_connection((name, int(port)), 2).close()
    except OSError:
        continue
    print(address)
"""

PROGRAMS = ("gateway", "bar", "kitchen", "bakery")


def docker(*arguments: str) -> str:
    """Run the Docker client; raises AssertionError with what it says where it fails."""
    return _output(_run(["docker", *arguments], dict(os.environ)))


def inspect(containers: Sequence["Container"]) -> Any:
    """Return all that the engine knows of each container, at one call."""
    return json.loads(docker("inspect", *(each.id for each in containers)))


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a stack."""

    id: str

    def inspect(self) -> Any:
        """Return all that the engine knows of it."""
        return inspect([self])[0]

    @property
    def pid(self) -> int:
        """The number of its first process, as this machine knows it; 0 where there is none."""
        return int(self.inspect()["State"]["Pid"])

    @property
    def is_healthy(self) -> bool:
        """Tell whether its health check has passed; where there is none, whether it runs."""
        return _is_healthy(self.inspect())

    def crash(self) -> int:
        """End its process as a fault would: the engine is not told that it was wanted, and starts it again.

        Return the process's number.
        """
        pid = self.pid
        assert pid, f"{self.id} does not run"  # 0 is our own group of processes
        os.kill(pid, signal.SIGKILL)
        return pid

    def run(self, *command: str) -> str:
        """Run a command inside."""
        return docker("exec", self.id, *command)


class Stack:
    """Containers of one Compose project, which nothing is left of when it closes."""

    def __init__(self, file: str, project: str, port: int, variables: Mapping[str, object]) -> None:
        """`file` is the Compose file; `port` is where it is reached, on this machine only."""
        self._command = [str(ROOT / ".ci/compose"), "-p", project, "-f", file]
        self._project = project
        self.port = port
        self.variables = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": project,
            "COMANDA_PUBLISH": f"127.0.0.1:{port}",
            "COMANDA_HEALTH_INTERVAL": "2s",
            "COMANDA_GATEWAY_GUESTS": "open",
            "COMANDA_GATEWAY_FIRST_KEY": KEY,
            "COMANDA_GATEWAY_GUEST_ORDERS_PER_MINUTE": "1000000",
            "COMANDA_GATEWAY_GUEST_OPEN_ORDERS": "1000000",
            **{name: str(value) for name, value in variables.items()},
        }
        self.ca: Path | None = None

    def __getitem__(self, service: str) -> Container:
        """Return a service's only, or first, container."""
        return self.containers(service)[0]

    @property
    def url(self) -> str:
        """Where orders go."""
        return f"http://127.0.0.1:{self.port}" if self.ca is None else f"https://127.0.0.1:{self.port}"

    @property
    def verify(self) -> ssl.SSLContext | bool:
        """What a client trusts."""
        return True if self.ca is None else ssl.create_default_context(cafile=self.ca)

    def client(self) -> httpx.AsyncClient:
        """Make a client's client."""
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(
            base_url=self.url,
            timeout=START_SECONDS,
            limits=limits,
            trust_env=False,
            verify=self.verify,
            headers=AUTHORIZED,
        )

    def compose(self, *arguments: str) -> str:
        """Run Compose; raises AssertionError where it fails."""
        return _output(self._run(*arguments))

    def up(self, *arguments: str) -> None:
        """Start everything, and wait until orders are taken."""
        self.compose("up", "-d", "--no-build", *arguments)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until all are healthy, and the gateway is ready behind whatever is before it."""
        containers = self.containers()
        with _states_at_failure(containers):
            wait_for(
                lambda: all(map(_is_healthy, inspect(containers))), "all are healthy", COMEBACK_SECONDS, LOOK_SECONDS
            )
        wait_for(self._is_ready, f"{self.url} is ready", COMEBACK_SECONDS, LOOK_SECONDS)

    async def crash_and_return(self, *containers: Container) -> None:
        """Crash containers, all at once, and wait until their restart policy has brought each back, healthy."""
        crashed = {each.id: each.crash() for each in containers}

        async def are_back() -> bool:
            found = await asyncio.to_thread(inspect, containers)
            return all(each["State"]["Pid"] not in (0, crashed[each["Id"]]) and _is_healthy(each) for each in found)

        with _states_at_failure(containers):
            await eventually(are_back, "all that crashed are back, and healthy", COMEBACK_SECONDS, LOOK_SECONDS)

    def containers(self, service: str = "") -> list[Container]:
        """List the containers, or those of one service, in the order of their names."""
        labels = [f"project={self._project}", "oneoff=False", *([f"service={service}"] if service else [])]
        filters = [f"--filter=label=com.docker.compose.{each}" for each in labels]
        found = docker("ps", "--all", "--no-trunc", "--format={{.Names}} {{.ID}}", *filters)
        return [Container(each.split()[1]) for each in sorted(found.splitlines())]

    def ops(self, *command: str, mount: Path | None = None) -> str:
        """Run one of `python -m ops`'s commands beside the running containers."""
        mounts = ["-v", f"{mount}:/mnt:ro"] if mount else []
        return self.compose("run", "--rm", "-T", *mounts, "ops", *command)

    def volume(self, name: str) -> Path:
        """Return where a volume lies on this machine."""
        return Path(docker("volume", "inspect", "-f", "{{.Mountpoint}}", f"{self._project}_{name}").strip())

    def published(self) -> dict[str, list[str]]:
        """Tell which ports of this machine lead to which service."""
        found: dict[str, list[str]] = {}
        for container in self.containers():
            known = container.inspect()
            ports = [each for bound in known["NetworkSettings"]["Ports"].values() for each in bound or []]
            if ports:
                service = known["Config"]["Labels"]["com.docker.compose.service"]
                found[service] = [f"{port['HostIp']}:{port['HostPort']}" for port in ports]
        return found

    def reachable(self, network: str, *addresses: str) -> set[str]:
        """Tell which of these `name:port` a stranger on one of the stack's networks can connect to."""
        code = _CONNECT.format(addresses=addresses)
        image = self.variables["COMANDA_IMAGE"]
        told = docker("run", "--rm", f"--network={self._project}_{network}", "--entrypoint=python", image, "-c", code)
        return set(told.split())

    def program_logs(self) -> list[tuple[str, str]]:
        """Return a title, and what the containers have written last."""
        return [(f"logs of {self._project}", self.compose("logs", "--no-color", "--tail=40"))]

    def close(self) -> None:
        """Leave nothing behind."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return _run([*self._command, *arguments], self.variables)

    def _is_ready(self) -> bool:
        try:
            ready = httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False, verify=self.verify)
        except httpx.TransportError:
            return False
        return ready.status_code == 200

    def wrong(self, acknowledged: Path | None = None) -> dict[str, int]:
        """Audit; return what is wrong and how often. `acknowledged` is a client's journal of responses."""
        told = ["--acknowledged", "/told.jsonl"] if acknowledged else []
        mount = ["-v", f"{acknowledged}:/told.jsonl:ro"] if acknowledged else []
        done = self._run("run", "--rm", "-T", *mount, "ops", "audit", *told)
        if done.returncode not in (0, 1):
            raise AssertionError(f"the audit failed\n{done.stdout}{done.stderr}")
        counts = figures(done)
        del counts["acknowledged"]
        return {name: count for name, count in counts.items() if count}


class SqliteSystem(Stack):
    """The stack on SQLite, which order tests may look into as into a system of processes."""

    def gather_books(self, folder: Path) -> None:
        """Put the way to each program's database into one folder."""
        folder.mkdir()
        for name in PROGRAMS:
            (folder / f"{name}.db").symlink_to(self.volume(name) / f"{name}.db")
        self.books = Books(Store(folder))


@contextmanager
def _states_at_failure(containers: Sequence[Container]) -> Iterator[None]:
    """Add to a failure what the engine knows of each container: its process, its starts, its last health checks."""
    try:
        yield
    except AssertionError as error:
        states = [f"{each['Name']}: {json.dumps(each['State'])}" for each in inspect(containers)]
        raise AssertionError("\n".join([str(error), *states])) from None


def _is_healthy(known: Any) -> bool:
    state = known["State"]
    return bool(state["Running"]) and state.get("Health", {}).get("Status", "healthy") == "healthy"


OpenSqlite = Callable[[Mapping[str, Mapping[str, int]]], SqliteSystem]


def _run(command: list[str], variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )


def _output(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode:
        raise AssertionError(f"{' '.join(done.args)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout
