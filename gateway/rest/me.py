"""`/me`: who the caller is."""

from litestar import get
from litestar.di import NamedDependency

from gateway.domain.access import Action
from gateway.rest.access_schemas import MeResponse, me_response
from gateway.rest.operations import PROBLEM
from gateway.rest.requester import Requester


@get("/me", operation_id="getMe", summary="Who am I?", tags=["access"], responses={400: PROBLEM}, action=Action.ME_READ)
async def get_me(requester: NamedDependency[Requester]) -> MeResponse:
    """Return who the caller is, by key or session, and which actions the caller may take under which conditions."""
    return me_response(requester.caller)
