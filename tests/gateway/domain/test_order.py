"""Orders: what becomes of lines, and what every department is still owed."""

from collections.abc import Callable

import pytest

from gateway.domain.currencies import Currency
from gateway.domain.errors import NotCancellable
from gateway.domain.lines import Line, LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order, Policy, Status
from gateway.domain.transitions import Goal
from tests.support.orders import EUR, NOON_MS, all_or_nothing, new_id, order, outcomes

ACCEPTED = LineResult(Outcome.ACCEPTED, 0, 350)
SOLD_OUT = LineResult(Outcome.OUT_OF_STOCK, 0, 0)
TWO_LEFT = LineResult(Outcome.OUT_OF_STOCK, 2, 0)
UNKNOWN = LineResult(Outcome.NOT_ON_MENU, 0, 0)
DEARER = LineResult(Outcome.PRICE_CHANGED, 0, 370)
TOMBSTONE = TicketResult(TicketState.CANCELLED, [])


def queued(*lines: LineResult) -> TicketResult:
    return TicketResult(TicketState.QUEUED, lines)


def held(*lines: LineResult) -> TicketResult:
    return TicketResult(TicketState.HELD, lines)


def cancelled(*lines: LineResult) -> TicketResult:
    return TicketResult(TicketState.CANCELLED, lines)


def test_a_new_order_owes_every_department_its_share() -> None:
    fresh = order("bar coffee 2", "kitchen pizza", "bar soda")
    assert fresh.owed == {"bar": Goal.PLACE, "kitchen": Goal.PLACE}
    assert [line.item for line in fresh.shares["bar"]] == ["coffee", "soda"]
    assert fresh.status is Status.PENDING
    assert not fresh.response_recorded


def test_an_all_or_nothing_order_is_held_first() -> None:
    assert all_or_nothing("bar coffee", "kitchen pizza").owed == {"bar": Goal.HOLD, "kitchen": Goal.HOLD}


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([Outcome.PENDING], Status.PENDING),
        ([Outcome.ACCEPTED, Outcome.PENDING], Status.PENDING),
        ([Outcome.EXPIRED, Outcome.PENDING], Status.PENDING),
        ([Outcome.ACCEPTED, Outcome.ACCEPTED], Status.ACCEPTED),
        ([Outcome.ACCEPTED, Outcome.OUT_OF_STOCK], Status.PARTLY_ACCEPTED),
        ([Outcome.ACCEPTED, Outcome.NOT_ON_MENU], Status.PARTLY_ACCEPTED),
        ([Outcome.ACCEPTED, Outcome.EXPIRED], Status.PARTLY_ACCEPTED),
        ([Outcome.ACCEPTED, Outcome.PRICE_CHANGED], Status.PARTLY_ACCEPTED),
        ([Outcome.ACCEPTED, Outcome.CANCELLED], Status.PARTLY_ACCEPTED),
        ([Outcome.OUT_OF_STOCK], Status.REFUSED),
        ([Outcome.PRICE_CHANGED], Status.REFUSED),
        ([Outcome.ACCEPTED, Outcome.OFF_SALE], Status.PARTLY_ACCEPTED),
        ([Outcome.OFF_SALE], Status.REFUSED),
        ([Outcome.NOT_ON_MENU, Outcome.EXPIRED], Status.REFUSED),
        ([Outcome.CANCELLED, Outcome.EXPIRED], Status.CANCELLED),
        ([Outcome.CANCELLED, Outcome.OUT_OF_STOCK], Status.CANCELLED),
        ([Outcome.CANCELLED, Outcome.CANCELLED], Status.CANCELLED),
    ],
)
def test_status_follows_from_the_outcomes(lines: list[Outcome], status: Status) -> None:
    assert _with(*lines).status is status


def test_the_total_counts_what_will_be_made() -> None:
    made = _with(Outcome.ACCEPTED, Outcome.OUT_OF_STOCK, Outcome.ACCEPTED)
    for line, price in zip(made.lines, (350, None, 0), strict=True):
        line.unit_price, line.quantity = price, 3
    assert made.total == 1050


@pytest.mark.parametrize(
    "change",
    [
        lambda o: setattr(o, "table", "8"),
        lambda o: setattr(o, "policy", Policy.ALL_OR_NOTHING),
        lambda o: o.lines.append(Line("bar", "soda")),
        lambda o: o.lines.pop(),
        lambda o: o.lines.reverse(),
        lambda o: setattr(o.lines[0], "department", "kitchen"),
        lambda o: setattr(o.lines[0], "item", "soda"),
        lambda o: setattr(o.lines[0], "quantity", 3),
        lambda o: setattr(o.lines[0], "note", "hot"),
        lambda o: setattr(o.lines[0], "expected_price", 350),
        lambda o: setattr(o.lines[0], "expected_price", 0),
        lambda o: setattr(o.lines[0], "allergy", True),
    ],
)
def test_orders_that_differ_in_what_they_ask_are_not_the_same(change: Callable[[Order], object]) -> None:
    one, other = (order("bar coffee 2", "kitchen pizza", table="7") for _ in range(2))
    assert one.asks_the_same(other)
    change(other)
    assert not one.asks_the_same(other)
    assert not other.asks_the_same(one)


def test_orders_are_the_same_whatever_became_of_them() -> None:
    one, other = (order("bar coffee", now_ms=now) for now in (NOON_MS, NOON_MS + 5))
    one.record_response("bar", Goal.PLACE, queued(ACCEPTED))
    assert one.asks_the_same(other)


def test_a_response_decides_each_line_and_ends_what_was_owed() -> None:
    asked = order("bar coffee 2", "bar beer", "bar wine", "bar soda 5")
    asked.record_response("bar", Goal.PLACE, queued(ACCEPTED, SOLD_OUT, UNKNOWN, TWO_LEFT))
    assert outcomes(asked) == ["accepted", "out_of_stock", "not_on_menu", "out_of_stock"]
    assert [line.unit_price for line in asked.lines] == [350, None, None, None]
    assert [line.available for line in asked.lines] == [None, 0, None, 2]
    assert [line.reason for line in asked.lines] == [None, "none left", "bar does not sell this", "2 left"]
    assert asked.owed == {}
    assert asked.total == 700


def test_orders_that_were_taken_in_other_currencies_may_ask_for_the_same() -> None:
    assert order("bar coffee").asks_the_same(order("bar coffee", currency=Currency("JPY")))


def expecting(asked: Order, *prices: int | None) -> Order:
    """Let the lines of an order state what they are expected to cost."""
    for line, price in zip(asked.lines, prices, strict=True):
        line.expected_price = price
    return asked


def test_a_price_that_has_changed_is_returned_with_the_price_as_it_is_and_costs_nothing() -> None:
    asked = expecting(order("bar coffee", "bar soda"), 350, None)
    asked.record_response("bar", Goal.PLACE, queued(DEARER, ACCEPTED))
    assert outcomes(asked) == ["price_changed", "accepted"]
    assert [line.unit_price for line in asked.lines] == [370, 350]
    assert asked.lines[0].reason == "its price is 370 now, and 350 was expected"
    assert asked.total == 350


def test_a_line_whose_item_is_off_sale_is_refused_with_the_reason() -> None:
    asked = order("bar coffee", "bar soda")
    asked.record_response("bar", Goal.PLACE, queued(LineResult(Outcome.OFF_SALE, 0, 0), ACCEPTED))
    assert outcomes(asked) == ["off_sale", "accepted"]
    assert (asked.lines[0].unit_price, asked.lines[0].available) == (None, None)
    assert asked.lines[0].reason == "bar has taken it off sale"
    assert (asked.status, asked.total) == (Status.PARTLY_ACCEPTED, 350)


def test_all_or_nothing_of_which_a_price_has_changed_is_refused_and_cancelled() -> None:
    asked = expecting(all_or_nothing("bar coffee", "kitchen pizza"), 350, None)
    asked.record_response("bar", Goal.HOLD, TicketResult(TicketState.NONE, [DEARER]))
    asked.record_response("kitchen", Goal.HOLD, held(ACCEPTED))
    assert asked.decide(Goal.HOLD)
    assert outcomes(asked) == ["price_changed", "cancelled"]
    assert asked.lines[0].unit_price == 370
    assert (asked.owed, asked.status, asked.total) == ({"kitchen": Goal.CANCEL}, Status.REFUSED, 0)


def test_a_price_that_had_changed_before_the_cancel_arrived_is_returned() -> None:
    asked = expecting(order("bar coffee", "bar soda"), 350, None)
    asked.cancel()
    asked.record_response("bar", Goal.CANCEL, cancelled(DEARER, ACCEPTED))
    assert outcomes(asked) == ["price_changed", "cancelled"]


def test_a_response_is_for_its_department_alone() -> None:
    asked = order("bar coffee", "kitchen pizza", "bar soda")
    asked.record_response("bar", Goal.PLACE, queued(ACCEPTED, ACCEPTED))
    assert outcomes(asked) == ["accepted", "pending", "accepted"]
    assert asked.owed == {"kitchen": Goal.PLACE}


@pytest.mark.parametrize("goal", [Goal.PLACE, Goal.HOLD, Goal.CONFIRM])
def test_a_response_to_what_is_no_longer_wanted_changes_nothing(goal: Goal) -> None:
    asked = order("bar coffee")
    asked.cancel()
    before = repr(asked)
    asked.record_response("bar", goal, queued(ACCEPTED))
    assert repr(asked) == before


def test_a_replayed_response_changes_nothing() -> None:
    asked = order("bar coffee", "kitchen pizza")
    asked.record_response("bar", Goal.PLACE, queued(ACCEPTED))
    before = repr(asked)
    asked.record_response("bar", Goal.PLACE, queued(SOLD_OUT))
    assert repr(asked) == before


def test_a_response_from_a_department_that_was_not_asked_changes_nothing() -> None:
    asked = order("bar coffee")
    before = repr(asked)
    asked.record_response("kitchen", Goal.PLACE, queued(ACCEPTED))
    assert repr(asked) == before


def test_an_order_that_the_staff_cancelled_meanwhile_is_cancelled() -> None:
    asked = order("bar coffee", "bar beer")
    asked.record_response("bar", Goal.PLACE, cancelled(ACCEPTED, SOLD_OUT))
    assert outcomes(asked) == ["cancelled", "out_of_stock"]
    assert asked.total == 0


def test_a_tombstone_refuses_a_late_place() -> None:
    asked = order("bar coffee", "bar soda")
    asked.record_response("bar", Goal.PLACE, TOMBSTONE)
    assert outcomes(asked) == ["cancelled", "cancelled"]
    assert asked.owed == {}


def test_what_a_department_will_not_place_is_rejected_with_the_reason_and_gets_a_tombstone_there() -> None:
    asked = order("bar coffee", "kitchen pizza")
    asked.reject("bar", "bar refused it: no")
    assert outcomes(asked) == ["rejected", "pending"]
    assert asked.lines[0].reason == "bar refused it: no"
    assert asked.owed == {"bar": Goal.CANCEL, "kitchen": Goal.PLACE}
    assert asked.epoch == 1
    asked.record_response("bar", Goal.CANCEL, TOMBSTONE)
    assert outcomes(asked) == ["rejected", "pending"]
    assert asked.owed == {"kitchen": Goal.PLACE}


def test_another_order_that_a_department_has_under_the_id_is_left_alone() -> None:
    asked = order("bar coffee", "kitchen pizza")
    asked.reject("bar", "bar refused it: the id is taken", tombstone=False)
    assert outcomes(asked) == ["rejected", "pending"]
    assert asked.owed == {"kitchen": Goal.PLACE}


def test_what_an_earlier_try_placed_and_the_staff_started_is_accepted_though_it_was_rejected() -> None:
    asked = order("bar coffee")
    asked.reject("bar", "bar refused it: no")
    asked.record_response("bar", Goal.CANCEL, TicketResult(TicketState.PREPARING, [ACCEPTED]))
    assert outcomes(asked) == ["accepted"]


@pytest.mark.parametrize("goal", [Goal.CONFIRM, Goal.SUSPEND, Goal.CANCEL])
def test_no_refusal_ends_a_decision(goal: Goal) -> None:
    asked = confirmed("bar coffee")
    asked.owed = {"bar": goal}
    for give_up in (asked.reject, asked.reject_unconfigured):
        with pytest.raises(ValueError, match="not a placing"):
            give_up("bar", "there is no department bar any more")
    assert asked.owed == {"bar": goal}
    assert outcomes(asked) == ["accepted"]


def test_all_or_nothing_that_a_department_rejects_is_cancelled_everywhere() -> None:
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    asked.reject("kitchen", "kitchen refused it: no")
    assert not asked.decide(Goal.HOLD)
    asked.record_response("bar", Goal.HOLD, held(ACCEPTED))
    assert asked.decide(Goal.HOLD)
    assert outcomes(asked) == ["cancelled", "rejected"]
    assert asked.owed == {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL}
    assert asked.status is Status.REFUSED


def test_what_was_returned_as_pending_is_rejected_where_the_department_is_gone() -> None:
    asked = order("bar coffee", "kitchen pizza")
    asked.response_recorded = True
    asked.reject_unconfigured("kitchen", "there is no department kitchen any more")
    assert outcomes(asked) == ["pending", "rejected"]
    assert asked.owed == {"bar": Goal.PLACE, "kitchen": Goal.CANCEL}


def test_what_may_have_been_returned_as_accepted_is_asked_for_where_the_department_is_gone() -> None:
    asked = order("bar coffee", "kitchen pizza")
    asked.reject_unconfigured("kitchen", "there is no department kitchen any more")
    assert outcomes(asked) == ["pending", "pending"]
    assert asked.owed == {"bar": Goal.PLACE, "kitchen": Goal.CONFIRM}


def test_pending_lines_say_why() -> None:
    asked = order("bar coffee", "kitchen pizza")
    asked.record_response("bar", Goal.PLACE, queued(ACCEPTED))
    asked.explain_pending("bar", "never shown")
    asked.explain_pending("kitchen", "kitchen is away")
    assert [line.reason for line in asked.lines] == [None, "kitchen is away"]


def test_a_best_effort_order_is_decided_by_its_departments_alone() -> None:
    asked = order("bar coffee")
    asked.record_response("bar", Goal.PLACE, queued(ACCEPTED))
    assert not asked.decide(Goal.PLACE)
    assert asked.owed == {}


def test_all_or_nothing_waits_for_every_department() -> None:
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    asked.record_response("bar", Goal.HOLD, held(ACCEPTED))
    assert not asked.decide(Goal.HOLD)
    assert asked.owed == {"kitchen": Goal.HOLD}


def test_what_is_held_is_pending_until_all_is_decided() -> None:
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    asked.record_response("bar", Goal.HOLD, held(ACCEPTED))
    assert outcomes(asked) == ["pending", "pending"]
    assert asked.lines[0].reason == "bar holds it until all is decided"
    assert (asked.status, asked.total) == (Status.PENDING, 0)


def test_all_or_nothing_confirms_everything_where_everything_can_be_served() -> None:
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    asked.record_response("bar", Goal.HOLD, held(ACCEPTED))
    asked.record_response("kitchen", Goal.HOLD, held(ACCEPTED))
    assert asked.decide(Goal.HOLD)
    assert asked.owed == {"bar": Goal.CONFIRM, "kitchen": Goal.CONFIRM}
    asked.record_response("bar", Goal.CONFIRM, queued(ACCEPTED))
    asked.record_response("kitchen", Goal.CONFIRM, TicketResult(TicketState.PREPARING, [ACCEPTED]))
    assert asked.owed == {}
    assert asked.status is Status.ACCEPTED
    assert asked.total == 700


def test_all_or_nothing_takes_everything_back_where_one_thing_is_missing() -> None:
    asked = all_or_nothing("bar coffee", "bar soda", "kitchen meat")
    asked.record_response("bar", Goal.HOLD, held(ACCEPTED, ACCEPTED))
    asked.record_response("kitchen", Goal.HOLD, TicketResult(TicketState.NONE, [SOLD_OUT]))
    assert asked.decide(Goal.HOLD)
    assert asked.owed == {"bar": Goal.CANCEL}
    assert outcomes(asked) == ["cancelled", "cancelled", "out_of_stock"]
    assert asked.lines[0].reason == "the order is all or nothing, and not everything could be served"
    assert asked.lines[2].reason == "none left"
    assert asked.status is Status.REFUSED
    assert asked.total == 0
    asked.record_response("bar", Goal.CANCEL, cancelled(ACCEPTED, ACCEPTED))
    assert asked.owed == {}
    assert asked.lines[0].reason == "the order is all or nothing, and not everything could be served"


def test_all_or_nothing_of_which_nothing_was_held_owes_nothing() -> None:
    asked = all_or_nothing("bar beer", "kitchen meat")
    asked.record_response("bar", Goal.HOLD, TicketResult(TicketState.NONE, [SOLD_OUT]))
    asked.record_response("kitchen", Goal.HOLD, TicketResult(TicketState.NONE, [SOLD_OUT]))
    assert not asked.decide(Goal.HOLD)
    assert asked.owed == {}


def test_a_department_that_cancelled_what_it_held_has_the_last_word() -> None:
    asked = all_or_nothing("bar coffee")
    asked.record_response("bar", Goal.HOLD, held(ACCEPTED))
    asked.decide(Goal.HOLD)
    asked.record_response("bar", Goal.CONFIRM, cancelled(ACCEPTED))
    assert outcomes(asked) == ["cancelled"]
    assert asked.lines[0].unit_price is None


def test_what_no_department_responded_to_expires_and_leaves_a_tombstone_owed() -> None:
    asked = order("bar coffee", "kitchen pizza")
    asked.response_recorded = True
    asked.record_response("bar", Goal.PLACE, queued(ACCEPTED))
    assert asked.expire()
    assert outcomes(asked) == ["accepted", "expired"]
    assert asked.lines[1].reason == "kitchen did not answer in time; this will not be made"
    assert asked.owed == {"kitchen": Goal.CANCEL}
    assert not asked.expire()
    asked.record_response("kitchen", Goal.CANCEL, TOMBSTONE)
    assert outcomes(asked) == ["accepted", "expired"]
    assert asked.owed == {}


def test_what_was_placed_without_its_response_and_not_started_stays_expired() -> None:
    asked = order("kitchen pizza")
    asked.response_recorded = True
    asked.expire()
    asked.record_response("kitchen", Goal.CANCEL, cancelled(ACCEPTED))
    assert outcomes(asked) == ["expired"]
    assert asked.total == 0


def test_what_may_have_been_accepted_before_a_crash_is_asked_for_and_not_cancelled() -> None:
    asked = order("bar coffee", "kitchen pizza")
    assert asked.expire()
    assert asked.owed == {"bar": Goal.CONFIRM, "kitchen": Goal.CONFIRM}
    assert outcomes(asked) == ["pending", "pending"]
    asked.record_response("bar", Goal.CONFIRM, queued(ACCEPTED))
    asked.record_response("kitchen", Goal.CONFIRM, TOMBSTONE)
    assert outcomes(asked) == ["accepted", "expired"]
    assert asked.lines[1].reason == "kitchen did not answer in time; this will not be made"
    assert asked.owed == {}


def test_what_a_department_had_refused_without_its_response_is_refused_though_it_is_cancelled() -> None:
    asked = order("bar coffee", "bar beer")
    asked.cancel()
    asked.record_response("bar", Goal.CANCEL, cancelled(ACCEPTED, SOLD_OUT))
    assert outcomes(asked) == ["cancelled", "out_of_stock"]


def test_all_or_nothing_that_was_not_returned_expires_all_the_same() -> None:
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    assert asked.expire()
    assert asked.owed == {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL}


def test_a_confirmed_order_is_cancelled_whole() -> None:
    asked = confirmed("bar coffee", "kitchen pizza")
    asked.cancel()
    assert asked.owed == {"bar": Goal.SUSPEND, "kitchen": Goal.SUSPEND}
    asked.record_response("bar", Goal.SUSPEND, held(ACCEPTED))
    assert not asked.decide(Goal.SUSPEND)
    assert outcomes(asked) == ["accepted", "accepted"]
    asked.record_response("kitchen", Goal.SUSPEND, held(ACCEPTED))
    assert asked.decide(Goal.SUSPEND)
    assert asked.owed == {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL}
    assert asked.status is Status.CANCELLED


@pytest.mark.parametrize("first", ["bar", "kitchen"])
def test_a_confirmed_order_of_which_a_share_is_being_made_is_kept_whole(first: str) -> None:
    asked = confirmed("bar coffee", "kitchen pizza")
    asked.cancel()
    for name in sorted(asked.owed, key=first.__ne__):
        response = TicketResult(TicketState.PREPARING, [ACCEPTED]) if name == "kitchen" else held(ACCEPTED)
        asked.record_response(name, Goal.SUSPEND, response)
        if asked.decide(Goal.SUSPEND):
            break
    assert asked.owed == {"bar": Goal.CONFIRM, "kitchen": Goal.CONFIRM}
    assert asked.status is Status.ACCEPTED
    assert [line.reason for line in asked.lines] == [
        None,
        "it cannot be cancelled any more: kitchen has it preparing",
    ]


def test_all_or_nothing_that_is_not_decided_is_cancelled_at_once() -> None:
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    asked.record_response("bar", Goal.HOLD, held(ACCEPTED))
    asked.cancel()
    assert asked.owed == {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL}


def test_every_decision_has_an_epoch_of_its_own() -> None:
    asked = confirmed("bar coffee", "kitchen pizza")
    epochs = [asked.epoch]
    asked.cancel()
    epochs.append(asked.epoch)
    for name in ("bar", "kitchen"):
        asked.record_response(name, Goal.SUSPEND, held(ACCEPTED))
    asked.decide(Goal.SUSPEND)
    epochs.append(asked.epoch)
    late = order("bar coffee")
    late.expire()
    assert epochs == [1, 2, 3]
    assert late.epoch == 1


def test_what_a_department_refused_without_its_response_stays_expired_though_the_rest_is_being_made() -> None:
    asked = order("kitchen pizza", "kitchen meat")
    asked.response_recorded = True
    asked.expire()
    asked.record_response("kitchen", Goal.CANCEL, TicketResult(TicketState.SERVED, [ACCEPTED, SOLD_OUT]))
    assert outcomes(asked) == ["accepted", "expired"]


def test_all_or_nothing_that_expires_takes_back_what_is_held() -> None:
    asked = all_or_nothing("bar coffee", "kitchen pizza")
    asked.record_response("bar", Goal.HOLD, held(ACCEPTED))
    assert asked.expire()
    assert asked.owed == {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL}
    assert outcomes(asked) == ["cancelled", "expired"]
    assert asked.lines[0].reason == "the order is all or nothing, and a department did not answer in time"


@pytest.mark.parametrize("state", [TicketState.PREPARING, TicketState.READY, TicketState.SERVED])
def test_what_is_being_made_cannot_be_cancelled_any_more(state: TicketState) -> None:
    asked = order("kitchen pizza", "kitchen meat")
    asked.cancel()
    asked.record_response("kitchen", Goal.CANCEL, TicketResult(state, [ACCEPTED, SOLD_OUT]))
    assert outcomes(asked) == ["accepted", "out_of_stock"]
    assert asked.lines[0].reason == f"it cannot be cancelled any more: kitchen has it {state}"
    assert asked.total == 350
    assert asked.owed == {}


def test_what_was_recalled_after_it_refused_the_cancel_is_still_to_be_made() -> None:
    asked = order("kitchen pizza")
    asked.cancel()
    asked.record_response("kitchen", Goal.CANCEL, TicketResult(TicketState.QUEUED, [ACCEPTED]))
    assert (outcomes(asked), asked.owed) == (["accepted"], {})
    assert asked.lines[0].reason == "it was not cancelled: kitchen had started it, and has queued it again"


def test_an_order_that_owes_nothing_does_not_expire() -> None:
    asked = order("bar coffee")
    asked.record_response("bar", Goal.PLACE, queued(ACCEPTED))
    assert not asked.expire()
    assert outcomes(asked) == ["accepted"]


def test_taking_back_asks_every_department_that_may_make_something() -> None:
    asked = order("bar coffee", "kitchen meat", "bakery cookie")
    asked.record_response("bar", Goal.PLACE, queued(ACCEPTED))
    asked.record_response("kitchen", Goal.PLACE, TicketResult(TicketState.NONE, [SOLD_OUT]))
    asked.cancel()
    assert asked.owed == {"bar": Goal.CANCEL, "bakery": Goal.CANCEL}
    asked.record_response("bar", Goal.CANCEL, cancelled(ACCEPTED))
    asked.record_response("bakery", Goal.CANCEL, TOMBSTONE)
    assert outcomes(asked) == ["cancelled", "out_of_stock", "cancelled"]
    assert [line.reason for line in asked.lines] == ["it was cancelled", "none left", "it was cancelled"]
    assert asked.total == 0


@pytest.mark.parametrize("response", [SOLD_OUT, UNKNOWN])
def test_what_was_refused_cannot_be_cancelled(response: LineResult) -> None:
    asked = order("bar beer")
    asked.record_response("bar", Goal.PLACE, TicketResult(TicketState.NONE, [response]))
    with pytest.raises(NotCancellable, match="it is refused"):
        asked.cancel()
    assert asked.owed == {}


def confirmed(*wishes: str) -> Order:
    """Ask for all or nothing, and get it."""
    asked = all_or_nothing(*wishes)
    for name in asked.shares:
        asked.record_response(name, Goal.HOLD, held(ACCEPTED))
    assert asked.decide(Goal.HOLD)
    for name in asked.shares:
        asked.record_response(name, Goal.CONFIRM, queued(ACCEPTED))
    assert asked.owed == {}
    return asked


def _with(*outcomes: Outcome) -> Order:
    lines = [Line("bar", "coffee", outcome=outcome) for outcome in outcomes]
    return Order(new_id(), Policy.BEST_EFFORT, None, EUR, lines, NOON_MS, {})
