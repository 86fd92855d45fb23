"""The metrics of the events: who follows, and how old is what they get."""

from collections.abc import Iterator

from gateway.tickets.watching import LiveDepartments
from infra.metrics import Family, by_label, one


def event_families(live: LiveDepartments) -> Iterator[Family]:
    """Return what is known of the events."""
    yield one("event_streams", "gauge", "Clients that follow the events.", live.events.followers)
    yield one("event_streams_limit", "gauge", "How many clients may follow at once.", live.events.most)
    yield by_label(
        "event_watch_age_seconds",
        "gauge",
        "How long ago the last page of the watch for the events arrived, while anybody follows; one comes every 5 s.",
        "department",
        live.ages(),
    )
