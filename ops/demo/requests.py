"""Each step of an evening as a request to the gateway."""

from dataclasses import asdict, dataclass
from typing import Any

from ops.demo.steps import Deliver, Move, Place, Sell, Tick

Asked = Place | Move | Tick | Sell | Deliver
"""The steps that are requests; the others start and stop programs."""


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request: method, path and body."""

    method: str
    path: str
    body: dict[str, Any]


def call_of(step: Asked) -> Call:
    """Return the request that a step is."""
    match step:
        case Place():
            lines = [asdict(line) for line in step.lines]
            return Call("POST", "/orders", {"order_id": step.order_id, "table": step.table, "lines": lines})
        case Move():
            body = {"verb": step.verb, "expected": step.expected, "step_id": step.step_id, "moved_by": step.by}
            if step.reason:
                body["reason"] = step.reason
            return Call("POST", f"/tickets/{step.department}/{step.order_id}/moves", body)
        case Tick():
            path = f"/tickets/{step.department}/{step.order_id}/lines/{step.place}"
            return Call("PUT", path, {"made": True, "moved_by": step.by})
        case Sell():
            path = f"/stock/{step.department}/{step.item}/sale"
            return Call("PUT", path, {"on_sale": step.on_sale, "changed_by": step.by})
        case Deliver():
            path = f"/stock/{step.department}/{step.item}/changes"
            change = {"reason": "delivery", "change_id": step.change_id, "changed_by": step.by}
            return Call("POST", path, {**change, "delta": step.quantity})
