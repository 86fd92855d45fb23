"""Callers of every role, by keys, sessions and nothing, of an app in memory."""

from collections.abc import Iterable

import httpx

from gateway.access.administration import By
from gateway.domain.access import Action, Role
from tests.support.rest_app import Served, client

SHELL = By("test", "shell")
ORIGIN = "http://gateway.test"
"""Where the app in memory is, as a browser says it."""

SAME_SITE = {"origin": ORIGIN}


async def key_of(
    served: Served, role: Role, departments: Iterable[str] = (), rights: Iterable[Action] = (), name: str = ""
) -> tuple[str, str]:
    """Make a key; return its id and its secret."""
    access = served.access
    made = await access.administration.make_key(
        SHELL, name or f"the {role}", role, departments=departments, rights=rights
    )
    await access.check.access.refresh()
    return made


def with_key(served: Served, secret: str) -> httpx.AsyncClient:
    """Return a client that sends a key."""
    return client(served.call_app, {"authorization": f"Bearer {secret}"})


def nobody(served: Served, **headers: str) -> httpx.AsyncClient:
    """Return a client with neither a key nor a session, which keeps the cookies that it gets."""
    return client(served.call_app, headers)


def browser(served: Served) -> httpx.AsyncClient:
    """Return a client that says from which site its requests come, as browsers do."""
    return nobody(served, **SAME_SITE)


async def paired(served: Served, role: Role, departments: Iterable[str] = ()) -> tuple[httpx.AsyncClient, str]:
    """Return a browser that was paired as a device, and the id of its key."""
    key_id, _ = await key_of(served, role, departments)
    code = await served.access.administration.make_pairing_code(SHELL, key_id)
    tablet = browser(served)
    assert (await tablet.post(f"/pair/{code}")).status_code == 303
    return tablet, key_id


async def add_person(served: Served, name: str = "Ada", role: Role = Role.WAITER, pin: str = "271828") -> str:
    """Add a person, and return their id."""
    person_id = await served.access.administration.add_person(SHELL, name, role, pin)
    await served.access.check.access.refresh()
    return person_id


async def at_table(served: Served, table: str) -> httpx.AsyncClient:
    """Return the browser of a guest who opened a table's code."""
    guest = browser(served)
    assert (await guest.get(f"/t/{await served.access.administration.table_code(table)}")).status_code == 303
    return guest


async def sign_in(tablet: httpx.AsyncClient, name: str = "Ada", pin: str = "271828") -> httpx.Response:
    """Sign a person in."""
    return await tablet.post("/sign-in", json={"name": name, "pin": pin})
