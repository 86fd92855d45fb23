"""`/access/sessions`: who is signed in where, for managers; `/me/sessions`: one's own."""

from typing import Annotated

from litestar import delete, get
from litestar.di import NamedDependency
from litestar.params import PathParameter
from litestar.status_codes import HTTP_200_OK

from gateway.access.access import Access
from gateway.access.administration import Administration
from gateway.access.records import ENTRY_ID
from gateway.domain.access import Action
from gateway.rest.access_routes import NO_ENTRY
from gateway.rest.access_schemas import SessionList, session_list
from gateway.rest.operations import PROBLEM
from gateway.rest.requester import Requester

MOST_SESSIONS = 500
"""Most sessions in a list."""

SessionId = Annotated[str, PathParameter(description="Id of a session.", min_length=1, max_length=ENTRY_ID)]

_TAG = ["access"]
_MANAGE = Action.ACCESS_MANAGE


@get(
    "/access/sessions",
    operation_id="listSessions",
    summary="List sessions",
    tags=_TAG,
    responses={400: PROBLEM, 503: PROBLEM},
    action=_MANAGE,
)
async def get_sessions(
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> SessionList:
    """Return the sessions of people, devices and guests, the one used last first, at most 500."""
    await access.flush()
    return await _all_sessions(administration, requester)


@delete(
    "/access/sessions/{session_id:str}",
    operation_id="endSession",
    summary="End a session",
    tags=_TAG,
    status_code=HTTP_200_OK,
    responses={400: PROBLEM, 404: NO_ENTRY, 503: PROBLEM},
    action=_MANAGE,
)
async def end_session(
    session_id: SessionId,
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> SessionList:
    """End a session, and return those that are left. Every gateway refuses it within 2 seconds."""
    await administration.end_session(requester.by, session_id)
    await access.refresh()
    return await _all_sessions(administration, requester)


@delete(
    "/access/sessions",
    operation_id="endAllSessions",
    summary="End all sessions",
    tags=_TAG,
    status_code=HTTP_200_OK,
    responses={400: PROBLEM, 503: PROBLEM},
    action=_MANAGE,
)
async def end_all_sessions(
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> SessionList:
    """End all sessions but that of this request: people sign in again, devices are paired again; keys stay."""
    await administration.end_all_sessions(requester.by, requester.caller.session)
    await access.refresh()
    return await _all_sessions(administration, requester)


@get(
    "/me/sessions",
    operation_id="listOwnSessions",
    summary="Where am I signed in?",
    tags=_TAG,
    responses={400: PROBLEM, 503: PROBLEM},
    action=Action.ME_READ,
)
async def get_own_sessions(
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> SessionList:
    """Return the sessions of the person who signed in; `POST /sign-out?everywhere=true` ends them all."""
    caller = requester.caller
    if caller.person_id is None:
        return SessionList(sessions=[])
    await access.flush()
    return session_list(await administration.sessions(MOST_SESSIONS, caller.person_id), caller.session)


async def _all_sessions(administration: Administration, requester: Requester) -> SessionList:
    return session_list(await administration.sessions(MOST_SESSIONS), requester.caller.session)


SESSION_ROUTES = (get_sessions, end_session, end_all_sessions, get_own_sessions)
