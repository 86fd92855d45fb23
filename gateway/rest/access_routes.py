"""`/access/keys`, `/access/people`: keys and people, for managers."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter
from litestar.status_codes import HTTP_200_OK

from gateway.access.access import Access
from gateway.access.administration import Administration
from gateway.domain.access import Action
from gateway.rest.access_schemas import (
    KeyList,
    NewKeyRequest,
    NewKeyResponse,
    NewPersonRequest,
    NewPinRequest,
    PersonList,
    key_response,
    person_response,
)
from gateway.rest.operations import PROBLEM
from gateway.rest.problem_schemas import Problem
from gateway.rest.requester import Requester
from gateway.rest.texts import refuse_nul

NO_ENTRY = ResponseSpec(
    Problem,
    description="There is no such key, person or session.",
    media_type="application/problem+json",
    generate_examples=False,
)
NAME_TAKEN = ResponseSpec(
    Problem, description="A person has the name.", media_type="application/problem+json", generate_examples=False
)

KEY_EXAMPLES = [
    Example(summary="The bar's tablet", value={"name": "bar tablet", "role": "station", "departments": ["bar"]}),
    Example(summary="A web shop", value={"name": "shop", "role": "service", "rights": ["menu.read", "order.place"]}),
]
PERSON_EXAMPLE = Example(summary="A waiter", value={"name": "Ada", "role": "waiter", "pin": "271828"})
PIN_EXAMPLE = Example(summary="Six digits", value={"pin": "314159"})

Id = Annotated[str, PathParameter(description="Id of a key or a person.", min_length=1, max_length=16)]

_TAG = ["access"]
_MANAGE = Action.ACCESS_MANAGE


@get(
    "/access/keys",
    operation_id="listKeys",
    summary="List keys",
    tags=_TAG,
    responses={400: PROBLEM, 503: PROBLEM},
    action=_MANAGE,
)
async def get_keys(administration: NamedDependency[Administration]) -> KeyList:
    """Return the keys that are not revoked, with when each was last used, without their secrets."""
    return KeyList(keys=[key_response(key) for key in await administration.keys()])


@post(
    "/access/keys",
    operation_id="makeKey",
    summary="Make a key",
    tags=_TAG,
    status_code=HTTP_200_OK,
    responses={400: PROBLEM, 503: PROBLEM},
    action=_MANAGE,
)
async def make_key(
    data: Annotated[NewKeyRequest, Body(examples=KEY_EXAMPLES)],
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> NewKeyResponse:
    """Make a key for a device or a program, and return its secret, which is shown this once."""
    refuse_nul(name=data.name, departments="".join(data.departments))
    key_id, secret = await administration.make_key(
        requester.by, data.name, data.role, departments=data.departments, rights=data.rights
    )
    await access.refresh()
    return NewKeyResponse(key=key_response(access.known.keys[key_id]), secret=secret)


@delete(
    "/access/keys/{key_id:str}",
    operation_id="revokeKey",
    summary="Revoke a key",
    tags=_TAG,
    status_code=HTTP_200_OK,
    responses={400: PROBLEM, 404: NO_ENTRY, 503: PROBLEM},
    action=_MANAGE,
)
async def revoke_key(
    key_id: Id,
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> KeyList:
    """Revoke a key, with the sessions of its device, and return the keys that are left.

    Every gateway refuses it within 2 seconds.
    """
    await administration.revoke_key(requester.by, key_id)
    await access.refresh()
    return KeyList(keys=[key_response(key) for key in await administration.keys()])


@get(
    "/access/people",
    operation_id="listPeople",
    summary="List people",
    tags=_TAG,
    responses={400: PROBLEM, 503: PROBLEM},
    action=_MANAGE,
)
async def get_people(administration: NamedDependency[Administration]) -> PersonList:
    """Return the people who may sign in with a PIN."""
    return PersonList(people=[person_response(person) for person in await administration.people()])


@post(
    "/access/people",
    operation_id="addPerson",
    summary="Add a person",
    tags=_TAG,
    status_code=HTTP_200_OK,
    responses={400: PROBLEM, 409: NAME_TAKEN, 503: PROBLEM},
    action=_MANAGE,
)
async def add_person(
    data: Annotated[NewPersonRequest, Body(examples=[PERSON_EXAMPLE])],
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> PersonList:
    """Add a waiter or a manager, and return all people. A PIN of 4 or 5 digits works on paired devices only."""
    refuse_nul(name=data.name)
    await administration.add_person(requester.by, data.name, data.role, data.pin)
    await access.refresh()
    return PersonList(people=[person_response(person) for person in await administration.people()])


@put(
    "/access/people/{person_id:str}/pin",
    operation_id="setPin",
    summary="Change a PIN",
    tags=_TAG,
    responses={400: PROBLEM, 404: NO_ENTRY, 503: PROBLEM},
    action=_MANAGE,
)
async def set_pin(
    person_id: Id,
    data: Annotated[NewPinRequest, Body(examples=[PIN_EXAMPLE])],
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> PersonList:
    """Give a person another PIN, which signs them out everywhere, and return all people."""
    await administration.set_pin(requester.by, person_id, data.pin)
    await access.refresh()
    return PersonList(people=[person_response(person) for person in await administration.people()])


@delete(
    "/access/people/{person_id:str}",
    operation_id="removePerson",
    summary="Remove a person",
    tags=_TAG,
    status_code=HTTP_200_OK,
    responses={400: PROBLEM, 404: NO_ENTRY, 503: PROBLEM},
    action=_MANAGE,
)
async def remove_person(
    person_id: Id,
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> PersonList:
    """Remove a person, which signs them out everywhere, and return the people who are left."""
    await administration.remove_person(requester.by, person_id)
    await access.refresh()
    return PersonList(people=[person_response(person) for person in await administration.people()])


ACCESS_ROUTES = (
    get_keys,
    make_key,
    revoke_key,
    get_people,
    add_person,
    set_pin,
    remove_person,
)
