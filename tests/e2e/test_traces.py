"""Whole traces of real programs, from REST to the departments' commits, as an OTLP receiver gets them."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.database_contents import Store
from tests.support.otlp_receiver import Context, OtlpReceiver, ReceivedSpan, receiving
from tests.support.processes import environment, free_ports, run
from tests.support.rest_clients import line, order
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

MENUS = {"bar": {"coffee": 100_000}, "kitchen": {"soup": 100_000}}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def systems(tmp_path: Path) -> Iterator[Systems]:
    with closing(Systems(tmp_path, Store)) as systems:
        yield systems


@pytest.fixture
def send_to(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let programs that start from now on send their traces to a receiver."""

    def send_to(url: str, **variables: object) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        for name, value in variables.items():
            monkeypatch.setenv(f"OTEL_{name}", str(value))

    return send_to


def both(order_id: str | None = None, policy: str = "best_effort") -> dict[str, Any]:
    return order(line("bar", "coffee"), line("kitchen", "soup"), order_id=order_id) | {"policy": policy}


async def place(client: httpx.AsyncClient, count: int, policy: str = "best_effort") -> list[str]:
    """Place orders at once; return their ids."""
    bodies = [both(policy=policy) for _ in range(count)]
    responses = await asyncio.gather(*(client.post("/orders", json=body) for body in bodies))
    assert {response.status_code for response in responses} == {201}
    return [body["order_id"] for body in bodies]


class Traces:
    """What a receiver has, by the links of batches to orders."""

    def __init__(self, receiver: OtlpReceiver) -> None:
        self.receiver = receiver
        self.orders = {each.attributes["comanda.order_id"]: each for each in receiver.named("gateway", "POST /orders")}

    def serving(self, program: str, name: str, served: Context) -> list[ReceivedSpan]:
        """Return the batches of a name that link to a span."""
        return [span for span in self.receiver.named(program, name) if served in span.links]

    def commits(self, order_id: str, department: str, verb: str = "place") -> list[ReceivedSpan]:
        """Follow an order to a department's transactions; [] where a span or a link on the way is missing."""
        request = self.orders.get(order_id)
        if request is None or not self.serving("gateway", "journal", request.context):
            return []
        commits = []
        for sent in self.serving("gateway", f"{verb} {department}", request.context):
            for received in self.serving(department, verb, request.context):
                if (received.context[0], received.parent) == sent.context:
                    commits += self.serving(department, "transaction", received.context)
        return commits

    def is_whole(self, order_id: str, verb: str = "place") -> bool:
        """Tell whether an order can be followed to each department's commit."""
        return all(self.commits(order_id, department, verb) for department in MENUS)


def log_lines(system: System, program: str, event: str) -> list[dict[str, Any]]:
    lines = (json.loads(text) for text in system[program].output.splitlines() if text.startswith("{"))
    return [each for each in lines if each["event"] == event]


async def test_orders_are_traced_from_rest_to_the_commits_of_the_departments(
    systems: Systems, receiver: OtlpReceiver, send_to: Any
) -> None:
    send_to(receiver.url)
    system = systems.open(MENUS, LOG_FORMAT="json", LOG_LEVEL="access")
    body = both()
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}

    async with system.client() as client:
        await client.post("/orders", json=body, headers=headers)
        held = await place(client, 2, "all_or_nothing")
        others = await place(client, 20)
        left_out = both()
        await client.post("/orders", json=left_out, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
        wait_for(lambda: all(map(Traces(receiver).is_whole, [body["order_id"], *held, *others])), "whole traces")
        wait_for(lambda: all(Traces(receiver).is_whole(each, "confirm") for each in held), "whole traces of decisions")
    traces = Traces(receiver)
    mine = traces.orders[body["order_id"]]

    assert set(traces.orders) == {body["order_id"], *held, *others}
    assert (mine.context[0], mine.parent) == (TRACE, PARENT)
    assert mine.attributes["http.response.status_code"] == 201
    assert mine.attributes["comanda.request_id"] == "mine"
    # An order alone in its batches is one trace; an order beside others has links to their batches.
    commits = [commit for name in MENUS for commit in traces.commits(body["order_id"], name)]
    assert [commit.context[0] for commit in commits] == [TRACE, TRACE]
    assert len({each.context[0] for each in traces.orders.values()}) == 23
    batches = {span.context: span for span in receiver.spans if span.program == "gateway" and span.links}
    for each in traces.orders.values():
        serving = {context for context, batch in batches.items() if each.context in batch.links}
        assert serving == {span.context for span in batches.values() if span.parent == each.context[1]} | set(
            each.links
        )
    assert not [span for span in receiver.spans if span.failure]

    def sampled() -> list[dict[str, Any]]:
        return [each for entry in log_lines(system, "bar", "placed") for each in entry.get("sampled", ())]

    # A line has the orders of a tenth of a second, and is written at its end.
    wait_for(lambda: {each["order_id"] for each in sampled()} == set(traces.orders), "the bar has logged every order")
    assert {"order_id": body["order_id"], "trace_id": TRACE, "request_id": "mine"} in sampled()
    (placed,) = [
        each
        for entry in log_lines(system, "gateway", "placed")
        for each in entry["placed"]
        if each["order_id"] == body["order_id"]
    ]
    assert (placed["trace_id"], placed["request_id"]) == (TRACE, "mine")
    (access,) = [each for each in log_lines(system, "gateway", "request") if each["request_id"] == "mine"]
    assert access["trace_id"] == TRACE


@pytest.mark.proof
async def test_of_a_ratio_of_the_orders_there_are_whole_traces(
    systems: Systems, receiver: OtlpReceiver, send_to: Any
) -> None:
    send_to(receiver.url, TRACES_SAMPLER_ARG="0.01")
    system = systems.open(MENUS)

    async with system.client() as client:
        placed = [each for _ in range(50) for each in await place(client, 50)]
        wait_for(lambda: len(Traces(receiver).orders) > 2, "some traces")
        for program in system.programs:  # sends the last spans
            program.terminate()
    traces = Traces(receiver)

    assert 5 <= len(traces.orders) <= 60  # of 2,500, by 1 %: 25 with a deviation of 5
    assert set(traces.orders) <= set(placed)
    assert [order_id for order_id in traces.orders if not traces.is_whole(order_id)] == []
    assert {served for span in receiver.spans if span.name == "journal" for served in span.links} == {
        each.context for each in traces.orders.values()
    }


@pytest.mark.proof
async def test_a_trace_goes_on_when_a_department_comes_back(
    systems: Systems, receiver: OtlpReceiver, send_to: Any
) -> None:
    send_to(receiver.url)
    system = systems.open(MENUS, LOG_FORMAT="json")
    async with system.client() as client:
        before = await place(client, 3)
        wait_for(lambda: all(map(Traces(receiver).is_whole, before)), "whole traces, for a kill loses what is not sent")
        system["bar"].kill()
        body = both()
        response = await client.post("/orders", json=body)
        assert response.status_code == 202
        system["bar"].restart()
        wait_for(lambda: Traces(receiver).is_whole(body["order_id"]), "a whole trace")
        after = await place(client, 3)
        wait_for(lambda: all(map(Traces(receiver).is_whole, after)), "whole traces after the restart")
    traces = Traces(receiver)

    request = traces.orders[body["order_id"]]
    failed, *_, placed = traces.serving("gateway", "place bar", request.context)
    assert failed.failure is not None
    assert placed.failure is None


@pytest.mark.proof
async def test_a_receiver_that_is_down_is_one_log_line(systems: Systems, send_to: Any) -> None:
    (port,) = free_ports(1)
    send_to(f"http://127.0.0.1:{port}", BSP_MAX_QUEUE_SIZE=200)
    system = systems.open(MENUS, LOG_FORMAT="json")
    async with system.client() as client:
        for _ in range(10):
            await place(client, 50)
        wait_for(lambda: log_lines(system, "gateway", "traces cannot be sent; the newest are kept"), "a log line")
        with receiving(port) as receiver:
            wait_for(lambda: log_lines(system, "gateway", "traces are sent again"), "a log line")
            wait_for(lambda: Traces(receiver).orders, "the newest traces")
            kept = len([span for span in receiver.spans if span.program == "gateway"])
        (down,) = log_lines(system, "gateway", "traces cannot be sent; the newest are kept")
        (again,) = log_lines(system, "gateway", "traces are sent again")
        await place(client, 50)
        assert {program.terminate() for program in system.programs} == {0}

    assert 0 < kept <= 200 + 200
    assert down["url"] == f"http://127.0.0.1:{port}/v1/traces"
    assert again["dropped"] > 0
    logged = [json.loads(text) for text in system["gateway"].output.splitlines() if text.startswith("{")]
    assert [each for each in logged if each["level"] in ("warning", "error") and "traces" not in each["event"]] == []


def test_a_setting_that_cannot_be_followed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")
    finished = run(["-m", "departments", "bar"], environment(HOME=tmp_path))
    assert finished.code == 2
    (text,) = finished.stderr.splitlines()
    assert text.startswith("departments bar: OTEL_EXPORTER_OTLP_ENDPOINT='collector:4317/v1/traces' is not allowed")


@pytest.mark.proof
def test_a_program_without_traces_imports_nothing_of_opentelemetry(tmp_path: Path) -> None:
    script = (
        "import sys, gateway.main, departments.main; print([each for each in sys.modules if 'opentelemetry' in each])"
    )
    assert run(["-c", script], environment(HOME=tmp_path)).stdout.strip() == "[]"
