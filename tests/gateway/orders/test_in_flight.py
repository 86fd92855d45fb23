"""An order in memory: which event is possible in which phase, and who waits for what."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.domain.errors import BrokenOff, TakenOver
from gateway.domain.transitions import Goal
from gateway.orders.in_flight import TRANSITIONS, WRITTEN, Event, IllegalEvent, InFlightOrder, InFlightOrders, Phase
from tests.support.orders import order

NEXT = {
    (Phase.RECORDING, Event.RECORDED): Phase.ASKING,
    (Phase.ASKING, Event.RESPONDED): Phase.RESPONDED,
    (Phase.RESPONDED, Event.RESPONDED): Phase.RESPONDED,
    (Phase.ASKING, Event.DECIDED): Phase.DECIDING,
    (Phase.RESPONDED, Event.DECIDED): Phase.DECIDING,
    (Phase.DECIDING, Event.DECISION_WRITTEN): Phase.ASKING,
    (Phase.DECIDING, Event.DECISION_DELAYED): Phase.DECIDING,
    (Phase.DECIDING, Event.DECISION_WITHDRAWN): Phase.RESPONDED,
    (Phase.RESPONDED, Event.FORGOTTEN): Phase.FORGOTTEN,
    **{(phase, Event.RELEASED): Phase.RELEASED for phase in Phase},
}

EVENTS: dict[Event, Callable[[InFlightOrder], None]] = {
    Event.RECORDED: InFlightOrder.recorded,
    Event.RESPONDED: InFlightOrder.responded,
    Event.DECIDED: InFlightOrder.decided,
    Event.DECISION_WRITTEN: lambda each: each.decision_written(each.state()),
    Event.DECISION_DELAYED: InFlightOrder.decision_delayed,
    Event.DECISION_WITHDRAWN: lambda each: each.decision_withdrawn({"bar": Goal.PLACE}),
    Event.FORGOTTEN: InFlightOrder.forgotten,
    Event.RELEASED: InFlightOrder.released,
}

WAYS: dict[Phase, list[Event]] = {
    Phase.RECORDING: [],
    Phase.ASKING: [Event.RECORDED],
    Phase.DECIDING: [Event.RECORDED, Event.DECIDED],
    Phase.RESPONDED: [Event.RECORDED, Event.RESPONDED],
    Phase.FORGOTTEN: [Event.RECORDED, Event.RESPONDED, Event.FORGOTTEN],
    Phase.RELEASED: [Event.RELEASED],
}
"""The events that take a new order to each phase."""


def in_phase(phase: Phase) -> InFlightOrder:
    asked = order("bar coffee")
    in_flight = InFlightOrder(asked, asyncio.get_running_loop().create_future(), 0.0, is_new=True)
    for event in WAYS[phase]:
        EVENTS[event](in_flight)
    assert in_flight.phase is phase
    return in_flight


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("phase", Phase)
async def test_every_event_leads_from_every_phase_to_the_named_one_or_raises(phase: Phase, event: Event) -> None:
    in_flight = in_phase(phase)
    after = NEXT.get((phase, event))
    if after is not None:
        EVENTS[event](in_flight)
        assert in_flight.phase is after
    elif event is Event.DECISION_WRITTEN:  # the order was taken over while its decision was written
        EVENTS[event](in_flight)
        assert in_flight.phase is phase
    else:
        before = repr(in_flight)
        with pytest.raises(IllegalEvent, match=f"is {phase}; {event} is not possible"):
            EVENTS[event](in_flight)
        assert repr(in_flight) == before
    assert in_flight.order.decision_unwritten is (in_flight.phase is Phase.DECIDING)


def test_the_table_is_the_one_that_is_expected_here() -> None:
    assert {(phase, event): after for event, row in TRANSITIONS.items() for phase, after in row.items()} == NEXT
    assert TRANSITIONS.keys() == set(Event)


@pytest.mark.parametrize("phase", Phase)
async def test_who_waits_is_woken_in_the_phases_in_which_there_is_a_response(phase: Phase) -> None:
    in_flight = in_phase(phase)
    has_response = phase in (Phase.RESPONDED, Phase.FORGOTTEN, Phase.RELEASED)
    assert in_flight.response.done() is has_response
    assert in_flight.order.response_recorded is has_response


@pytest.mark.parametrize("phase", Phase)
async def test_only_what_is_written_may_be_ahead_of_the_journal(phase: Phase) -> None:
    in_flight = in_phase(phase)
    in_flight.unwritten = 1
    assert in_flight.is_ahead_of_journal is (phase in WRITTEN)
    in_flight.is_response_written = True
    assert not in_flight.is_ahead_of_journal


async def test_a_delayed_decision_wakes_who_waits_and_lets_the_next_wait() -> None:
    in_flight = in_phase(Phase.DECIDING)
    waiting = asyncio.create_task(in_flight.wait())
    await asyncio.sleep(0)
    in_flight.decision_delayed()
    await waiting
    assert not in_flight.response.done()


async def test_who_waits_beside_a_client_that_leaves_as_the_response_comes_gets_the_response() -> None:
    """The client's task is cancelled, and before it runs again the last department responds."""
    in_flight = in_phase(Phase.ASKING)
    response = in_flight.response

    async def wait_alone() -> None:
        try:
            await response
        except asyncio.CancelledError:
            in_flight.replace_cancelled(response)
            raise

    leaving = asyncio.create_task(wait_alone())
    staying = asyncio.create_task(in_flight.wait())
    await asyncio.sleep(0)
    leaving.cancel()
    in_flight.responded()
    await asyncio.wait([leaving])
    async with asyncio.timeout(10):
        await staying


async def test_a_released_order_owes_nothing_and_who_waits_learns_that_it_was_taken_over() -> None:
    in_flight_orders = InFlightOrders()
    in_flight = in_flight_orders.add(order("bar coffee"), 0.0)
    in_flight.recorded()
    in_flight_orders.release_all()
    assert in_flight.order.owed == {}
    assert in_flight.order.order_id not in in_flight_orders
    with pytest.raises(TakenOver):
        await in_flight.wait()


async def test_an_order_whose_request_was_broken_off_is_reported_so_to_who_waits_beside_it() -> None:
    in_flight_orders = InFlightOrders()
    in_flight = in_flight_orders.add(order("bar coffee"), 0.0)
    in_flight_orders.abandon(in_flight, asyncio.CancelledError())
    with pytest.raises(BrokenOff):
        await in_flight.wait()
