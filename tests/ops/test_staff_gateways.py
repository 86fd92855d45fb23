"""The staff's commands at a gateway that cannot do it now, or goes away: it is a list of responses."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.http_servers import serving
from tests.support.processes import Finished, environment, run
from tests.support.rest_clients import Json

AWAY = {"title": "The department cannot be reached", "status": 503, "detail": "bar cannot be \x1b[31mreached"}
TICKET = {"department": "bar", "order_id": "01a225e2-7418-7096-a0e1-12ddc6144989", "number": 147, "state": "queued"}
TICKETS = {"tickets": [TICKET], "next": None, "unreachable": []}


class Gateway(ThreadingHTTPServer):
    """Notes each request, and responds with the next status and body."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Json] = []
        self.responses: list[tuple[int, Json | str]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def variables(self) -> dict[str, str]:
        return environment(URL=f"http://127.0.0.1:{self.server_port}")


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("last-event-id", "")))
        status, body = self.server.responses.pop(0)
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_PUT(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        """Write nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    with serving(server):
        yield server


def ops(gateway: Gateway, *arguments: str) -> Finished:
    return run(["-m", "ops", *arguments], gateway.variables)


def test_what_could_not_be_done_has_another_exit_code_than_what_was_refused(gateway: Gateway) -> None:
    gateway.responses = [(503, AWAY), (409, {**AWAY, "status": 409})]
    away, refused = (ops(gateway, "sell", "off", "bar", "latte") for _ in range(2))
    assert (away.code, refused.code) == (2, 1)
    assert away.stderr == refused.stderr == "ops: bar cannot be  [31mreached\n"


@pytest.mark.parametrize(("status", "code"), [(200, 0), (409, 1), (503, 2)])
def test_steps_have_the_exit_code_of_the_worst_of_their_results(gateway: Gateway, status: int, code: int) -> None:
    problem = None if status == 200 else {**AWAY, "status": status}
    result = {"department": "bar", "order_id": TICKET["order_id"], "status": status, "ticket": None, "problem": problem}
    gateway.responses = [(200, TICKETS), (200, {"results": [result]})]
    done = ops(gateway, "move", "147", "start")
    assert (done.code, done.stderr) == (code, "" if code == 0 else "ops: 147: bar cannot be  [31mreached\n")


def test_a_change_of_which_nothing_is_known_can_be_repeated_with_its_id(gateway: Gateway) -> None:
    gateway.responses = [(503, AWAY), (503, AWAY)]
    first = ops(gateway, "stock", "bar", "latte", "+24")
    assert first.code == 2
    change_id = first.stderr.rpartition(" run it again with --id ")[2].strip()
    assert ops(gateway, "stock", "bar", "latte", "+24", "--id", change_id).code == 2
    assert [body["change_id"] for body in gateway.bodies] == [change_id] * 2


def test_a_watch_goes_on_where_it_was_after_a_gateway_that_starts_or_is_behind_a_proxy(gateway: Gateway) -> None:
    tick = 'id: bar.1.7\nevent: tick\ndata: {"now": "2026-05-01T12:00:00.000Z", "departments": {"bar": 7}}\n\n'
    gateway.responses = [(200, tick), (503, "no server is available"), (503, AWAY), (200, tick), (401, AWAY)]
    done = run(["-m", "ops", "watch", "bar", "--json"], gateway.variables)
    assert gateway.asked == [("/events?departments=bar", each) for each in ("", *["bar.1.7"] * 4)]
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["bar.1.7"] * 2
    assert done.code == 1
    said = done.stderr.splitlines()
    assert len(said) == 2, "an outage is one line, and the end another"
    assert said[0].endswith("; trying again")


def test_a_watch_that_never_began_ends(gateway: Gateway) -> None:
    gateway.responses = [(503, AWAY)]
    done = run(["-m", "ops", "watch"], gateway.variables)
    assert (done.code, done.stdout) == (2, "")
