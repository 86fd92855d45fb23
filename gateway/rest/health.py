"""`/health/live` and `/health/ready`: whether the gateway runs, and whether orders should be sent to it."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE
from msgspec import UNSET

from gateway.domain.access import Action
from gateway.orders.service import OrderService
from gateway.rest.operations import PROBLEM
from gateway.rest.readiness import Readiness
from gateway.rest.schemas import Health


@get(
    "/health/live",
    operation_id="getLiveness",
    summary="Is it alive?",
    tags=["health"],
    responses={400: PROBLEM},
    sync_to_thread=False,
    action=Action.HEALTH_READ,
)
def get_liveness() -> Health:
    """Return 200 for as long as the program runs."""
    return Health(status="live")


@get(
    "/health/ready",
    operation_id="getReadiness",
    summary="Is it ready for orders?",
    tags=["health"],
    responses={
        400: PROBLEM,
        503: ResponseSpec(Health, description="Orders should not be sent here now.", generate_examples=False),
    },
    action=Action.HEALTH_READ,
)
async def get_readiness(
    service: NamedDependency[OrderService], readiness: NamedDependency[Readiness]
) -> Response[Health]:
    """Return whether orders can be stored and, after a start, whether every department has responded once.

    A department that becomes unreachable later does not make the gateway unready: its lines are accepted as pending.
    """
    is_ready = await readiness.is_ready()
    health = Health(
        status="ready" if is_ready else "not ready",
        departments=readiness.reachability(),
        unreadable_orders=service.unreadable,
        disk_used=UNSET if readiness.disk_used is None else round(readiness.disk_used, 3),
    )
    return Response(health, status_code=HTTP_200_OK if is_ready else HTTP_503_SERVICE_UNAVAILABLE)
