"""Running departments, asked by the official gRPC client: whoever knows the contracts can use them."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.database_contents import StockRow
from tests.support.rest_clients import Json
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

SCRIPT = Path(__file__).parent / "official_client.py"

COUNTERS = [
    ("bar", "Bar", "Drink", "coffee", "beer"),
    ("kitchen", "Kitchen", "Meal", "pasta", "meat"),
    ("bakery", "Bakery", "Dessert", "cookie", "gelato"),
]
SERVICE = "restaurant.v1.DepartmentService"
MENUS = {department: {item: 10, sold_out: 0} for department, _, _, item, sold_out in COUNTERS}
MENUS["bar"] |= {"soda": 10, "tea": 10, "juice": 10}


class OfficialClient:
    """The script as a process that is asked again and again."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, command: str, port: int, **request: Any) -> Json:
        """Return what came of a request: its `code`, and what the command returns."""
        assert self._process.stdin is not None
        asked = {"command": command, "target": f"127.0.0.1:{port}", **request}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self.read()

    def read(self) -> Json:
        """Read what a command writes next."""
        assert self._process.stdout is not None
        responded = self._process.stdout.readline()
        assert responded, "the client ended"
        result: Json = json.loads(responded)
        return result

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


@pytest.fixture(scope="module")
def client() -> Iterator[OfficialClient]:
    client = OfficialClient()
    yield client
    client.close()


@pytest.fixture(scope="module")
def system(systems: Systems) -> System:
    return systems.open(MENUS, gateway=False, BAR_MAX_MESSAGE=100_000)


@pytest.mark.parametrize(("department", "service", "goods", "item", "sold_out"), COUNTERS)
def test_the_counter_keeps_its_frozen_contract(
    system: System, client: OfficialClient, department: str, service: str, goods: str, item: str, sold_out: str
) -> None:
    def get_order(text: str) -> Json:
        return client.ask(
            "call",
            system[department].port,
            service=f"{department}.{service}",
            method="GetOrder",
            message={"order": text},
        )

    assert get_order(item) == {"code": "OK", "message": {"order_status": "Delivery!"}}
    assert get_order("caviar") == {"code": "NOT_FOUND", "text": f"{goods} not Found", "details": []}
    assert get_order("") == {"code": "NOT_FOUND", "text": f"{goods} not Found", "details": []}
    assert get_order(sold_out) == {"code": "NOT_FOUND", "text": f"{goods} out of stock", "details": []}
    assert system.books.check(department)[item] == StockRow(10, 9, 0, 1)


def test_the_department_service_places_a_batch_once(system: System, client: OfficialClient) -> None:
    batch = {
        "order_ids": [str(uuid.uuid4()), str(uuid.uuid4())],
        "tables": ["7", ""],
        "holds": [False, False],
        "line_counts": [2, 1],
        "items": ["soda", "wine", "soda"],
        "quantities": [6, 1, 5],
        "notes": ["", "", "no ice"],
    }

    first = client.ask("call", system["bar"].port, service=SERVICE, method="PlaceOrders", message=batch)
    again = client.ask("call", system["bar"].port, service=SERVICE, method="PlaceOrders", message=batch)

    assert first == again
    assert first["message"] == {
        "states": ["TICKET_STATE_QUEUED", "TICKET_STATE_UNSPECIFIED"],
        "line_counts": [2, 1],
        "outcomes": ["OUTCOME_ACCEPTED", "OUTCOME_NOT_ON_MENU", "OUTCOME_OUT_OF_STOCK"],
        "available": [0, 0, 4],
        "unit_prices": ["300", "0", "0"],
    }
    assert system.books.check("bar")["soda"] == StockRow(10, 4, 0, 6)


def test_the_department_service_takes_nothing_of_a_line_whose_price_has_changed(
    system: System, client: OfficialClient
) -> None:
    batch = {
        "order_ids": [str(uuid.uuid4())],
        "tables": [""],
        "holds": [False],
        "line_counts": [3],
        "items": ["juice", "juice", "juice"],
        "quantities": [2, 2, 2],
        "notes": ["", "", ""],
        "expected_prices": [-1, 499, 500],
    }

    response = client.ask("call", system["bar"].port, service=SERVICE, method="PlaceOrders", message=batch)

    assert response["message"] == {
        "states": ["TICKET_STATE_QUEUED"],
        "line_counts": [3],
        "outcomes": ["OUTCOME_ACCEPTED", "OUTCOME_PRICE_CHANGED", "OUTCOME_ACCEPTED"],
        "available": [0, 0, 0],
        "unit_prices": ["500", "500", "500"],
    }
    assert system.books.check("bar")["juice"] == StockRow(10, 6, 0, 4)


def test_a_field_that_is_not_allowed_is_named_in_the_status_details(system: System, client: OfficialClient) -> None:
    batch = {
        "order_ids": [str(uuid.uuid4())],
        "tables": [""],
        "holds": [False],
        "line_counts": [1],
        "items": ["tea"],
        "quantities": [0],
        "notes": [""],
    }

    response = client.ask("call", system["bar"].port, service=SERVICE, method="PlaceOrders", message=batch)

    assert response == {
        "code": "INVALID_ARGUMENT",
        "text": "quantities[0]: 0 is not allowed: 1 to 1000 is allowed",
        "details": [
            {
                "type": "google.rpc.BadRequest",
                "fieldViolations": [
                    {"field": "quantities[0]", "description": "0 is not allowed: 1 to 1000 is allowed"}
                ],
            }
        ],
    }


def test_an_unknown_order_is_not_found(system: System, client: OfficialClient) -> None:
    order_id = str(uuid.uuid4())
    message = {
        "order_id": order_id,
        "verb": "VERB_START",
        "expected_state": "TICKET_STATE_QUEUED",
        "step_id": "start",
    }

    response = client.ask("call", system["bar"].port, service=SERVICE, method="MoveTicket", message=message)

    assert response["code"] == "NOT_FOUND"
    (detail,) = response["details"]
    assert detail["type"] == "google.rpc.ErrorInfo"
    assert (detail["reason"], detail["metadata"]) == ("OrderNotFound", {"order_id": order_id})


@pytest.mark.parametrize("path", ["/bar.Bar/GetOrder", f"/{SERVICE}/PlaceOrders", f"/{SERVICE}/MoveTicket"])
def test_bytes_that_are_no_message_are_an_invalid_argument(system: System, client: OfficialClient, path: str) -> None:
    response = client.ask("send_bytes", system["bar"].port, path=path, bytes="0affffffffff")

    assert response["code"] == "INVALID_ARGUMENT"
    assert "the bytes are not a " in response["text"]


def test_a_message_that_is_too_large_is_refused(system: System, client: OfficialClient) -> None:
    message = {"order": "x" * 100_001}

    response = client.ask("call", system["bar"].port, service="bar.Bar", method="GetOrder", message=message)

    assert response["code"] == "RESOURCE_EXHAUSTED"
    assert "at most 100000 are allowed" in response["text"]


def test_an_unknown_method_is_unimplemented(system: System, client: OfficialClient) -> None:
    assert client.ask("send_bytes", system["bar"].port, path="/bar.Bar/Tip", bytes="")["code"] == "UNIMPLEMENTED"


@pytest.mark.parametrize(("department", "service"), [counter[:2] for counter in COUNTERS])
def test_health_is_reported_for_the_server_and_for_each_service(
    system: System, client: OfficialClient, department: str, service: str
) -> None:
    port = system[department].port

    for name in ("", f"{department}.{service}", SERVICE):
        assert client.ask("health", port, service=name) == {"code": "OK", "status": "SERVING"}
    assert client.ask("health", port, service="tavern.Tavern")["code"] == "NOT_FOUND"


def test_health_is_listed(system: System, client: OfficialClient) -> None:
    listed = client.ask("health_list", system["bar"].port)

    assert listed == {"code": "OK", "statuses": dict.fromkeys(("", "bar.Bar", SERVICE), "SERVING")}


def test_who_watches_health_is_reported_that_a_department_stops(systems: Systems, client: OfficialClient) -> None:
    system = systems.open({"bar": {"coffee": 1}}, gateway=False)
    assert client.ask("watch", system["bar"].port, service="bar.Bar") == {"status": "SERVING"}

    system["bar"].terminate()

    assert client.read() == {"status": "NOT_SERVING"}
    assert client.read()["statuses"] == ["SERVING", "NOT_SERVING"]
    system.close()


def test_changes_can_be_watched_and_the_watch_ended(system: System, client: OfficialClient) -> None:
    port, order_id, watcher = system["bar"].port, str(uuid.uuid4()), OfficialClient()
    batch = {"tables": ["9"], "holds": [False], "line_counts": [1], "items": ["tea"], "quantities": [2]}
    batch |= {"order_ids": [order_id], "notes": ["hot"], "allergies": [True]}

    first = watcher.ask("watch_changes", port, message={}, until=order_id)
    rest = watcher.read()
    placed = client.ask("call", port, service=SERVICE, method="PlaceOrders", message=batch)
    page = watcher.read()
    end = watcher.read()
    watcher.close()

    assert placed["code"] == end["code"] == "OK"
    assert (first["reset"], first["more"], rest.get("more", False)) == (True, True, False)
    assert {"tea", "juice"} <= {item["id"] for item in first["menu"]["items"]}
    assert page["incarnation"] == first["incarnation"]
    tickets = page["tickets"]
    assert (tickets["order_ids"], tickets["tables"], tickets["states"]) == ([order_id], ["9"], ["TICKET_STATE_QUEUED"])
    assert (tickets["items"], tickets["notes"], tickets["allergies"]) == (["tea"], ["hot"], [True])
    assert (page["stock"]["items"], page["stock"]["on_hand"]) == (["tea"], ["8"])


def test_a_message_in_gzip_is_understood(system: System, client: OfficialClient) -> None:
    message = {"order": "x" * 5000}

    response = client.ask("call", system["bar"].port, service="bar.Bar", method="GetOrder", message=message, gzip=True)

    assert response == {"code": "NOT_FOUND", "text": "Drink not Found", "details": []}


def test_bad_metadata_costs_nobody_else_a_call(system: System, client: OfficialClient) -> None:
    """Not with as much as would end the connection: this client sends it against what the server announced."""
    path, metadata = f"/{SERVICE}/GetMenu", [("x", " v "), ("host", "elsewhere"), ("x", "y" * 100_000)]

    response = client.ask("many", system["bar"].port, path=path, bytes="", count=100, metadata=metadata)

    assert response == {"code": "OK", "good": ["OK"], "bad": ["OK", "OK", "RESOURCE_EXHAUSTED"]}


def test_a_stream_without_a_message_is_ok(system: System, client: OfficialClient) -> None:
    response = client.ask("stream", system["bar"].port, path=f"/{SERVICE}/StreamOrders", messages=[])

    assert response == {"code": "OK", "received": []}


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_the_services(system: System, client: OfficialClient, version: str) -> None:
    listed = client.ask("services", system["kitchen"].port, version=version)["services"]

    reflection = [f"grpc.reflection.{each}.ServerReflection" for each in ("v1", "v1alpha")]
    assert listed == ["grpc.health.v1.Health", *reflection, "kitchen.Kitchen", SERVICE]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("bar.Bar.GetOrder", "bar.proto"),
        (f"{SERVICE}.PlaceOrders", "restaurant/v1/department.proto"),
        ("restaurant.v1.VERB_START", "restaurant/v1/department.proto"),
        ("google.rpc.BadRequest", "google/rpc/error_details.proto"),
        ("grpc.reflection.v1.ServerReflection", "grpclib/reflection/v1/reflection.proto"),
    ],
)
def test_reflection_finds_every_symbol(
    system: System, client: OfficialClient, version: str, symbol: str, file: str
) -> None:
    response = client.ask("file_of", system["bar"].port, version=version, symbol=symbol)

    assert response == {"code": "OK", "file": file}


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_a_service_can_be_called_by_its_reflected_descriptor(
    system: System, client: OfficialClient, version: str
) -> None:
    def call(service: str, method: str, message: Json) -> Json:
        return client.ask(
            "call_by_reflection", system["bar"].port, version=version, service=service, method=method, message=message
        )

    before = system.books.stock("bar")["tea"].on_hand
    sold = call("bar.Bar", "GetOrder", {"order": "Tea"})
    menu = call(SERVICE, "GetMenu", {})

    assert sold == {"code": "OK", "message": {"order_status": "Delivery!"}}
    (tea,) = [item for item in menu["message"]["items"] if item["id"] == "tea"]
    assert tea["on_hand"] == str(before - 1)
    assert tea["titles"] == {"en": "Tea", "ko": "tea"}


def test_a_department_whose_database_cannot_be_written_says_so(system: System, client: OfficialClient) -> None:
    def is_reported(status: str) -> bool:
        responses = [
            client.ask("health", system["bakery"].port, service=name) for name in ("", "bakery.Bakery", SERVICE)
        ]
        return responses == [{"code": "OK", "status": status}] * 3

    with system.unwritable("bakery"):
        wait_for(lambda: is_reported("NOT_SERVING"), "every service is not serving")
        refused = client.ask(
            "call", system["bakery"].port, service="bakery.Bakery", method="GetOrder", message={"order": "cookie"}
        )
    wait_for(lambda: is_reported("SERVING"), "every service is serving")

    assert refused["code"] == "UNAVAILABLE"
    assert refused["text"].startswith("the database is out of order: ")
    assert [detail["type"] for detail in refused["details"]] == ["google.rpc.RetryInfo"]
    system.books.check("bakery")
