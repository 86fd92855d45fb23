"""The floor: a Litestar endpoint that parses the same order and answers it, calling nothing."""

import uuid_utils
import uvicorn
from litestar import Litestar, post

from bench.peers.arguments import gateway_arguments
from gateway.domain.lines import Outcome
from gateway.domain.order import Policy, Status
from gateway.domain.progress import OrderProgress, Progress
from gateway.rest.schemas import LineResponse, OrderRequest, OrderResponse


@post("/orders", sync_to_thread=False)
def place_order(data: OrderRequest) -> OrderResponse:
    """Accept everything."""
    return OrderResponse(
        order_id=str(uuid_utils.uuid7()),
        number=100,
        status=Status.ACCEPTED,
        progress=OrderProgress.QUEUED,
        policy=Policy.BEST_EFFORT,
        table=data.table,
        total=0,
        currency="EUR",
        currency_exponent=2,
        created_at="",
        ready_at=None,
        lines=[
            LineResponse(
                department=line.department,
                item=line.item,
                quantity=line.quantity,
                note=line.note,
                allergy=line.allergy,
                outcome=Outcome.ACCEPTED,
                unit_price=0,
                available=None,
                reason=None,
                progress=Progress.QUEUED,
            )
            for line in data.lines
        ],
        tickets=[],
    )


app = Litestar([place_order], openapi_config=None)

if __name__ == "__main__":
    port = gateway_arguments().port
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")
