"""Whether the gateway lives, and whether it is ready for orders."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from gateway.rest.orders import PROBLEM
from gateway.rest.restaurant import House
from gateway.rest.schemas import Health


@get(
    "/health/live",
    operation_id="getLiveness",
    summary="Is it alive?",
    tags=["health"],
    responses={400: PROBLEM},
    sync_to_thread=False,
)
def get_liveness() -> Health:
    """Answer as long as the program runs."""
    return Health(status="live")


@get(
    "/health/ready",
    operation_id="getReadiness",
    summary="Is it ready for orders?",
    tags=["health"],
    responses={400: PROBLEM, 503: ResponseSpec(Health, description="Not now.", generate_examples=False)},
)
async def get_readiness(house: NamedDependency[House]) -> Response[Health]:
    """Answer whether orders can be written down, and, after a start, whether the departments have been there once.

    A department that goes away later does not make the gateway unready: its lines are taken and pending.
    """
    ready = await house.is_ready()
    return Response(
        Health(
            status="ready" if ready else "not ready",
            departments=house.reachability(),
            unreadable_orders=house.ordering.unreadable,
        ),
        status_code=HTTP_200_OK if ready else HTTP_503_SERVICE_UNAVAILABLE,
    )
