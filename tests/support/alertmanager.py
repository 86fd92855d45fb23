"""A real Alertmanager on this machine, with the configuration of deploy/observability, and a receiver beside it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import yaml

from tests.support.http_servers import serving
from tests.support.processes import free_ports
from tests.support.prometheus import FOLDER, is_ready, tool
from tests.support.waiting import START_SECONDS, STOP_SECONDS, wait_for


@dataclass(frozen=True, slots=True)
class Notification:
    """What one alert became in a request of Alertmanager's; `status` is `firing` or `resolved`."""

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass
class Webhook:
    """Keeps the notifications that it gets."""

    port: int
    notifications: list[Notification] = field(default_factory=list)

    def of(self, alert: str, status: str) -> list[Notification]:
        """Return the notifications of an alert with a status."""
        wanted = (alert, status)
        return [each for each in list(self.notifications) if (each.labels["alertname"], each.status) == wanted]

    def receive(self, body: bytes) -> None:
        """Take a request."""
        message = json.loads(body)
        for alert in message["alerts"]:
            self.notifications.append(
                Notification(message["receiver"], alert["status"], alert["labels"], alert["annotations"])
            )


@contextmanager
def running_webhook() -> Iterator[Webhook]:
    """Serve on a port that is free until the body ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            webhook.receive(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webhook = Webhook(server.server_port)
    with serving(server):
        yield webhook


@contextmanager
def running_alertmanager(folder: Path, webhook: Webhook) -> Iterator[int]:
    """Run Alertmanager, with every receiver at the webhook and without the times of groups; yields its port."""
    config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    for receiver in config["receivers"]:
        receiver["webhook_configs"] = [{"url": f"http://127.0.0.1:{webhook.port}/"}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    (port,) = free_ports(1)
    command = [tool("prometheus-alertmanager", "prometheus-alertmanager"), f"--config.file={folder}/alertmanager.yml"]
    command += [f"--storage.path={folder}/alertmanager", f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--cluster.listen-address=", "--log.level=warn"]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=START_SECONDS) as client:
            wait_for(lambda: is_ready(client), "Alertmanager is ready", START_SECONDS)
        yield port
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
