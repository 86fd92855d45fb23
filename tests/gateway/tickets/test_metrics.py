from gateway.tickets.log import Wanted
from gateway.tickets.metrics import event_families
from tests.support.metrics import samples
from tests.support.rest_app import MAX_STREAMS, Served


async def test_clients_that_follow_are_counted(served: Served) -> None:
    before = await samples(lambda: event_families(served.live))
    assert before["event_streams"] == 0
    assert before["event_streams_limit"] == MAX_STREAMS
    assert not [name for name in before if name.startswith("event_watch_age")]
    reader = served.live.events.follow(Wanted(frozenset({"bar"})), {})
    now = await samples(lambda: event_families(served.live))
    assert now["event_streams"] == 1
    served.live.events.unfollow(reader)
    assert (await samples(lambda: event_families(served.live)))["event_streams"] == 0


async def test_while_somebody_follows_the_watch_has_an_age(served: Served) -> None:
    await served.live.known()
    served.restaurant.clock.now += 30
    now = await samples(lambda: event_families(served.live))
    assert now["event_watch_age_seconds{department=bar}"] == 30
