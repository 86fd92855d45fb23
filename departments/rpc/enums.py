"""The members of the protos' enums for those of the domain, which are named alike."""

from departments.domain.stock_changes import OF_SALE, ChangeReason
from departments.domain.tickets import NOT_FOR_STAFF, Outcome, TicketSource, TicketState, Verb
from generated.restaurant import v1

OUTCOMES = {outcome: v1.Outcome.from_string(outcome.name) for outcome in Outcome}
STATES = {
    state: v1.TicketState.from_string("UNSPECIFIED" if state is TicketState.NONE else state.name)
    for state in TicketState
}
"""An order of which nothing was accepted has no state in the protos."""

EXPECTED = {message: state for state, message in STATES.items() if state is not TicketState.NONE}
"""The states from which a step can be expected."""

SOURCES = {source: v1.TicketSource.from_string(source.name) for source in TicketSource}
VERBS = {v1.Verb.from_string(verb.name): verb for verb in Verb if verb not in NOT_FOR_STAFF}
REASONS = {reason: v1.ChangeReason.from_string(reason.name) for reason in ChangeReason}
REQUESTED_REASONS = {message: reason for reason, message in REASONS.items() if reason not in OF_SALE}
"""The reasons for which the staff can request a change of the stock."""
