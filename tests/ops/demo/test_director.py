"""How the steps of an evening are taken, at a gateway that is a list of responses."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ops.demo import director
from ops.demo.director import Director
from ops.demo.steps import Deliver, Leave, Line, Move, Place, Return, Timed
from ops.staff.rest import Rest
from tests.support.http_servers import serving

PLACE = Place("01", "7", (Line("bar", "espresso", 2, "no ice"),))
START = Move("bar", "01", "start", "queued", "s1", "Noa")


class Gateway(ThreadingHTTPServer):
    """Notes each request, and responds with the next status."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.statuses: list[int] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        who = self.headers.get("authorization", "nobody").removeprefix("Bearer ")
        self.server.asked.append(f"{who}: {self.path}")
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Write nothing."""


class Bar:
    def __init__(self) -> None:
        self.was: list[str] = []

    def hold(self) -> None:
        self.was.append("held")

    def release(self) -> None:
        self.was.append("released")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    with serving(server):
        yield server


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(director, "PAUSE", 0.0)


def directing(gateway: Gateway, bar: Bar) -> Director:
    def new_rest(name: str) -> Rest:
        key = {} if name == "guests" else {"COMANDA_KEY": name}
        return Rest(f"http://127.0.0.1:{gateway.server_port}", key)

    return Director(new_rest, {"bar": bar}, speed=20.0)


async def test_guests_a_station_and_the_office_take_steps_as_who_they_are(gateway: Gateway) -> None:
    director = directing(gateway, Bar())
    delivery = Deliver("bar", "cava", 24, "c1", "Noa")
    await director.run([Timed(0.0, PLACE), Timed(0.2, START), Timed(0.4, delivery)])
    assert gateway.asked == ["nobody: /orders", "bar: /tickets/bar/01/moves", "office: /stock/bar/cava/changes"]
    assert (director.taken, director.refused) == (3, 0)


async def test_a_step_is_taken_again_until_its_ticket_has_arrived_and_its_department_is_there(gateway: Gateway) -> None:
    gateway.statuses = [404, 503, 200]
    director = directing(gateway, Bar())
    await director.run([Timed(0.0, START)])
    assert len(gateway.asked) == 3
    assert (director.taken, director.refused) == (1, 0)


async def test_a_step_that_is_refused_is_left_and_the_evening_goes_on(gateway: Gateway) -> None:
    gateway.statuses = [409, 200]
    director = directing(gateway, Bar())
    await director.run([Timed(0.0, START), Timed(0.1, START)])
    assert (director.taken, director.refused) == (1, 1)


async def test_a_department_leaves_and_returns(gateway: Gateway) -> None:
    bar = Bar()
    await directing(gateway, bar).run([Timed(0.0, Leave("bar")), Timed(0.1, Return("bar"))])
    assert bar.was == ["held", "released"]
