"""The metrics of group commits: how many items a batch has, how long they waited for it, and how long it took."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.group_commit import GroupCommit
from infra.metrics import Family

Labels = tuple[str, str]
"""Of a queue its name, and the department that it is for, or "" where it is for none."""

_LABELS = ("queue", "department")


def batch_families(queues: Mapping[Labels, GroupCommit[Any, Any]]) -> Iterator[Family]:
    """Return what is known of each group commit that has been used."""
    used = {labels: queue for labels, queue in queues.items() if queue.batches or len(queue)}
    depths = [(labels, len(queue)) for labels, queue in used.items()]
    yield Family("batch_waiting", "gauge", "Items that wait for a batch.", _LABELS, depths)
    sizes = [(labels, queue.sizes()) for labels, queue in used.items()]
    yield Family("batch_items", "histogram", "Items in a batch.", _LABELS, sizes)
    waits = [(labels, queue.waits.buckets()) for labels, queue in used.items()]
    yield Family("batch_wait_seconds", "histogram", "How long the first item of a batch waited for it.", _LABELS, waits)
    durations = [(labels, queue.durations.buckets()) for labels, queue in used.items()]
    yield Family("batch_seconds", "histogram", "How long a batch took.", _LABELS, durations)
