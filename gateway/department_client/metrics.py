"""The metrics of the calls to departments: their batches, by goal and department."""

from collections.abc import Iterator, Mapping

from gateway.department_client.client import DepartmentClient
from infra.batch_metrics import batch_families
from infra.metrics import Family


def call_families(clients: Mapping[str, DepartmentClient]) -> Iterator[Family]:
    """Return what is known of the calls; a batch's duration is that of its call, with its retry."""
    return batch_families(
        {(goal.value, name): batches for name, client in clients.items() for goal, batches in client.batches.items()}
    )
