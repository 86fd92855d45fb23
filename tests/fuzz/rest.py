"""Requests that schemathesis generates from the API's description, valid and invalid, sent to a running gateway."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.menus import MENUS, fault_in
from tests.support.keys import AUTHORIZED
from tests.support.systems import System

ITEMS = {department: list(stock) for department, stock in MENUS.items()}

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
REFUSALS = {400, 401, 403, 404, 405, 413, 415}
"""The statuses of requests that did nothing, and say nothing."""

SECONDS = 30.0
ROUND = 500

Items = dict[str, list[str]]
Operation = APIOperation[Any, Any, Any, Any]


@dataclass(slots=True)
class Responses:
    """The gateway's responses: a count for each operation and status, and the faults that were found."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    refused: int = 0
    """How many of the requests were such as the caller may not make."""

    @property
    def cases(self) -> int:
        """How many requests were sent."""
        return self.statuses.total()

    def __str__(self) -> str:
        rows = [f"  {name:15} {status}  {count}" for (name, status), count in sorted(self.statuses.items())]
        return "\n".join([f"{self.cases} cases, {len(self.faults)} faults", *rows, *self.faults])


def fuzz(
    url: str,
    items: Items,
    cases: int,
    number: int,
    progress: Callable[[Responses], None],
    headers: Mapping[str, str] = AUTHORIZED,
    may: Callable[[Case[Any]], bool] = lambda _case: True,
) -> Responses:
    """Send `cases` requests, divided among the operations, valid and invalid; `number` is the seed.

    `items` are the departments' items, which the description does not contain. `headers` are the caller's, who `may`
    make some of the requests: where another one does anything, that is a fault.
    """
    responses = Responses()
    operations = _operations(schemathesis.openapi.from_url(f"{url}/schema/openapi.json"))
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(headers)
        sender = _Sender(session, url, items, responses, may)
        for operation in operations:
            if not _takes_anything(operation):
                _fuzz_operation(operation, GenerationMode.POSITIVE, 1, number, sender)
        parts = [part for part in product(operations, GenerationMode) if _takes_anything(part[0])]
        while responses.cases < cases and not responses.faults:  # hypothesis may generate fewer cases than asked for
            number += 1
            for operation, mode in parts:
                share = min(ROUND, max(25, -(-(cases - responses.cases) // len(parts))))
                _fuzz_operation(operation, mode, share, number, sender)
                progress(responses)
    return responses


def fuzz_gateway(system: System, cases: int, number: int, progress: Callable[[Responses], None]) -> Responses:
    """Fuzz a running gateway, and return its responses and faults."""
    responses = fuzz(system.url, ITEMS, cases, number, progress)
    if not system.gateway.is_running:
        responses.faults.append("the gateway has stopped")
    if fault := fault_in(system.gateway.output):
        responses.faults.append(f"the gateway's log has a fault: {fault}")
    for department in ITEMS:
        system.books.check(department)
    return responses


class _Sender:
    """Sends a case and checks the response."""

    def __init__(
        self, session: requests.Session, url: str, items: Items, responses: Responses, may: Callable[[Case[Any]], bool]
    ) -> None:
        self.items = items
        self.known: list[str] = []
        self.tickets: list[tuple[str, str]] = []
        self.responses = responses
        self._session = session
        self._url = url
        self._may = may

    def send(self, case: Case[Any]) -> None:
        """Send a case; raises Failure if the response is not as described."""
        response = case.call(base_url=self._url, session=self._session, timeout=SECONDS)
        name = str(case.operation.definition.raw["operationId"])
        self.responses.statuses[name, response.status_code] += 1
        if not self._may(case):
            self.responses.refused += 1
            if response.status_code not in REFUSALS:
                self.responses.faults.append(f"{name} is {response.status_code} for who may not: {response.text}")
        if response.status_code in {201, 202} and len(self.known) < 100:
            order = response.json()
            self.known.append(order["order_id"])
            departments = {line["department"] for line in order.get("lines", ()) if line["outcome"] == "accepted"}
            self.tickets += [(department, order["order_id"]) for department in sorted(departments)]
        case.validate_response(response, checks=CHECKS)


def _operations(schema: Any) -> list[Operation]:
    """Return all operations but the stream of events, whose response does not end."""
    operations = [result.ok() for result in schema.get_all_operations()]
    return [each for each in operations if each.definition.raw["operationId"] != "followEvents"]


def _takes_anything(operation: Operation) -> bool:
    """Return whether an operation can get an invalid request: an invalid request id is replaced, not refused."""
    return bool(operation.body) or any(each.name != "X-Request-Id" for each in operation.iter_parameters())


def _fuzz_operation(operation: Operation, mode: GenerationMode, cases: int, number: int, sender: _Sender) -> None:
    @seed(number)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if mode is GenerationMode.POSITIVE:
            _make_likely(case, data, sender)
        sender.send(case)

    try:
        run()
    except (Failure, FailureGroup) as failure:  # it has the smallest case that hypothesis found
        sender.responses.faults.append(f"{operation.label}, {mode.value}: {_text(failure)}")


def _make_likely(case: Case[Any], data: st.DataObject, sender: _Sender) -> None:
    """Use existing departments, items and orders in some of the cases."""
    body: Any = case.body
    if isinstance(body, dict) and "expected" in body and data.draw(st.booleans()):
        body.update(verb="start", expected="queued")
        body.pop("reason", None)
    if isinstance(body, dict) and data.draw(st.booleans()):
        for line in body.get("lines", []):
            line["department"] = data.draw(st.sampled_from(sorted(sender.items)))
            line["item"] = data.draw(st.sampled_from(sender.items[line["department"]]))
            line["quantity"] = data.draw(st.integers(1, 3))
    if "department" in case.path_parameters and data.draw(st.booleans()):
        department = case.path_parameters["department"] = data.draw(st.sampled_from(sorted(sender.items)))
        if "item" in case.path_parameters:
            case.path_parameters["item"] = data.draw(st.sampled_from(sender.items[department]))
    if case.path_parameters.get("line") and data.draw(st.booleans()):
        case.path_parameters["line"] = 0
    if "order_id" in case.path_parameters and sender.known and data.draw(st.booleans()):
        case.path_parameters["order_id"] = data.draw(st.sampled_from(sender.known))
    if {"department", "order_id"} <= set(case.path_parameters) and sender.tickets and data.draw(st.booleans()):
        case.path_parameters["department"], case.path_parameters["order_id"] = data.draw(
            st.sampled_from(sender.tickets)
        )


def _text(failure: BaseException) -> str:
    faults = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
    return "; ".join(f"{type(fault).__name__}: {fault}" for fault in faults) + "".join(
        f"\n{note}" for note in getattr(failure, "__notes__", [])
    )
