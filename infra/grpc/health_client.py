"""A client of gRPC's health service, for a container's health check."""

import asyncio

from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from infra.grpc.peer_guard import WatchedChannel
from infra.tls import Credentials


async def check_health(host: str, port: int, credentials: Credentials | None, seconds: float) -> str:
    """Return the server's status: `SERVING`, another status, or an error's text; raises OSError if unreachable."""
    tls = (credentials.contexts.client, credentials.name) if credentials else ()
    channel = WatchedChannel(host, port, *tls)
    try:
        async with asyncio.timeout(seconds):
            response = await HealthStub(channel).Check(HealthCheckRequest())
    except GRPCError as error:
        return f"{error.status.name}: {error.message}"
    except StreamTerminatedError as error:
        return str(error)
    finally:
        channel.close()
    return HealthCheckResponse.ServingStatus.Name(response.status)
