"""Requests to every route, with what each is about, for the test that compares them with the table of access."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.domain.access import Action
from tests.support.orders import new_id
from tests.support.rest_app import Json

ORDER = new_id()
OWN, FOREIGN = "bar", "kitchen"
OWN_TABLE = "7"


@dataclass(frozen=True)
class Case:
    """A request, with the action that it is and what it is about."""

    path: str
    action: Action
    department: str | None = None
    order_id: str | None = None
    state: str | None = None
    table: str | None = None
    narrows: bool = False
    """A list, which has what the caller may see."""
    body: Json | None = field(default=None, hash=False)
    method: str = "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.action} {self.state or ''}"


Cases = Callable[[str, Action], Iterator[Case]]

STEPS = [
    ("start", "queued", Action.TICKET_MOVE),
    ("finish", "preparing", Action.TICKET_MOVE),
    ("recall", "ready", Action.TICKET_MOVE),
    ("recall", "served", Action.TICKET_SERVE),
    ("serve", "ready", Action.TICKET_SERVE),
    ("cancel", "queued", Action.TICKET_CANCEL),
    ("cancel", "preparing", Action.TICKET_CANCEL),
]

BODIES: Mapping[tuple[str, str], Json] = {
    ("POST", "/api/restaurants"): {"drink": "coffee", "meal": "pizza", "dessert": "cookie"},
    ("POST", "/access/keys"): {"name": "x", "role": "waiter"},
    ("POST", "/access/people"): {"name": "Bob", "role": "waiter", "pin": "1234"},
    ("PUT", "/access/people/{person_id:str}/pin"): {"pin": "1234"},
    ("POST", "/sign-in"): {"name": "Eve", "pin": "000000"},
    ("POST", "/stock/{department:str}/{item:str}/changes"): {"reason": "delivery", "delta": 1, "change_id": "c"},
    ("PUT", "/stock/{department:str}/{item:str}/sale"): {"on_sale": True},
    ("PUT", "/tickets/{department:str}/{order_id:uuid}/lines/{line:int}"): {"made": True},
}

VALUES = {
    "code": "none",
    "key_id": "none",
    "person_id": "none",
    "session_id": "none",
    "part": "stock",
    "path": "openapi.json",
    "item": "latte",
    "line": "0",
    "version": "none",
}
VALUES |= {"order_id": ORDER, "file_path": "favicon-32x32.png"}


def spelt(path: str, **values: str) -> str:
    """Return the path of a request to a route."""
    return re.sub(r"/?{(\w+):\w+}", lambda found: "/" + {**VALUES, **values}[found[1]], path)


def alone(path: str, action: Action) -> Iterator[Case]:
    yield Case(spelt(path), action)


def of_order(path: str, action: Action) -> Iterator[Case]:
    yield Case(spelt(path), action, order_id=ORDER)


def of_own(path: str, action: Action) -> Iterator[Case]:
    yield Case(path, action, narrows=True)


def of_departments(path: str, action: Action) -> Iterator[Case]:
    for name in (OWN, FOREIGN):
        yield Case(spelt(path, department=name), action, department=name)


def of_stations(path: str, action: Action) -> Iterator[Case]:
    for name in (OWN, FOREIGN):
        yield Case(spelt(path, departments=name), action, department=name)
    yield Case(spelt(path, departments=f"{OWN},{FOREIGN}"), action, department=FOREIGN)


def of_a_list(path: str, action: Action) -> Iterator[Case]:
    yield Case(path, action, narrows=True)
    for name in (OWN, FOREIGN):
        yield Case(f"{path}?department={name}", action, department=name)


def of_tables(path: str, action: Action) -> Iterator[Case]:
    for table in (None, OWN_TABLE, "8"):
        body = {"table": table, "lines": [{"department": "bar", "item": "coffee"}]}
        yield Case(path, action, table=table, body=body)


def of_events(path: str, action: Action) -> Iterator[Case]:
    yield Case(f"{path}?order={ORDER}", action, order_id=ORDER)
    for name in (OWN, FOREIGN):
        yield Case(f"{path}?departments={name}", action, department=name)
    yield Case(f"{path}?departments={OWN},{FOREIGN}", action, department=FOREIGN)


def of_step(path: str, action: Action) -> Iterator[Case]:
    for name, verb, state, body in _steps(action):
        yield Case(spelt(path, department=name), action, name, ORDER, state, body={"verb": verb, **body})


def of_steps(path: str, action: Action) -> Iterator[Case]:
    for name, verb, state, body in _steps(action):
        moves = [{"department": name, "order_id": ORDER, "verb": verb, **body}]
        yield Case(path, action, name, ORDER, state, body={"moves": moves})


def _steps(action: Action) -> Iterator[tuple[str, str, str, Json]]:
    for name in (OWN, FOREIGN):
        for verb, state, step in STEPS:
            if step is action:
                yield name, verb, state, {"expected": state, "step_id": f"{verb}-{state}"}
                if verb == "cancel":
                    yield name, verb, state, {"expected": state, "step_id": f"a line-{state}", "line": 0}


def nothing(_path: str, _action: Action) -> Iterator[Case]:
    """Yield nothing, for a route that would end the sessions of the test; tests of sessions have it."""
    return iter(())


ROUTES: Mapping[str, Cases] = {
    "/": alone,
    "/access/audit": alone,
    "/access/keys": alone,
    "/access/keys/{key_id:str}": alone,
    "/access/keys/{key_id:str}/pairing-codes": alone,
    "/access/people": alone,
    "/access/tables/qr": alone,
    "/access/sessions/{session_id:str}": alone,
    "/access/people/{person_id:str}": alone,
    "/access/people/{person_id:str}/pin": alone,
    "/api/restaurants": alone,
    "/app.webmanifest": alone,
    "/assets/{file_path:path}": alone,
    "/favicon.ico": alone,
    "/health/live": alone,
    "/health/ready": alone,
    "/me": alone,
    "/me/sessions": alone,
    "/menu": alone,
    "/office": alone,
    "/office/{part:str}": alone,
    "/pair/{code:str}": alone,
    "/reports/orders": alone,
    "/reports/preparation-times": alone,
    "/reports/ready-times": alone,
    "/reports/sales": alone,
    "/schema": alone,
    "/schema/oauth2-redirect.html": alone,
    "/schema/openapi.json": alone,
    "/schema/openapi.yaml": alone,
    "/schema/openapi.yml": alone,
    "/schema/{path:str}": alone,
    "/service-worker.js": alone,
    "/sign-in": alone,
    "/static/{version:str}/{file_path:path}": alone,
    "/stations": of_own,
    "/stations/{departments:str}": of_stations,
    "/styles": alone,
    "/demo": alone,
    "/waiter": alone,
    "/pass": alone,
    "/board": alone,
    "/t/{code:str}": alone,
    "/orders/{order_id:uuid}": of_order,
    "/tickets": of_a_list,
    "/stock": of_a_list,
    "/tickets/{department:str}/{order_id:uuid}": of_departments,
    "/tickets/{department:str}/{order_id:uuid}/lines/{line:int}": of_departments,
    "/tickets/{department:str}/{order_id:uuid}/moves": of_step,
    "/tickets/moves": of_steps,
    "/stock/{department:str}/{item:str}/changes": of_departments,
    "/stock/{department:str}/{item:str}/sale": of_departments,
}
"""The requests to each path; where a path has methods that differ, SPECIAL has them."""

SPECIAL: Mapping[tuple[str, str], Cases] = {
    ("GET", "/events"): nothing,  # it goes on; HEAD is the same handler
    ("HEAD", "/events"): of_events,
    ("GET", "/orders"): alone,
    ("HEAD", "/orders"): alone,
    ("POST", "/orders"): of_tables,
    ("GET", "/access/table-codes"): lambda path, action: iter([Case(f"{path}?table=7", action)]),
    ("HEAD", "/access/table-codes"): lambda path, action: iter([Case(f"{path}?table=7", action)]),
    ("DELETE", "/access/table-codes"): nothing,
    ("GET", "/access/sessions"): alone,
    ("HEAD", "/access/sessions"): alone,
    ("DELETE", "/access/sessions"): nothing,
    ("POST", "/sign-out"): nothing,
}


def cases_of(method: str, path: str, action: Action) -> Iterator[Case]:
    """Yield the requests to a route that are one action; raises KeyError for a route that is new, and not here."""
    make = SPECIAL.get((method, path)) or ROUTES[path]
    for case in make(path, action):
        body = case.body if case.body is not None else BODIES.get((method, path))
        yield Case(**{**case.__dict__, "method": method, "body": body})
