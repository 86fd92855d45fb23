"""Converts the requests of the staff to domain types, and their results to messages; each request is checked once."""

from collections.abc import Sequence

from departments.domain.errors import InvalidRequest
from departments.domain.steps import Move, Moved, Tick
from departments.domain.stock import Stock
from departments.domain.stock_changes import ChangeReason, StockHistory, StockOrder
from departments.domain.tickets import Verb
from departments.rpc.checks import LAST_REVISION, check_order_id, check_revision, read_text, shorten
from departments.rpc.convert import ticket_message
from departments.rpc.enums import EXPECTED, REASONS, REQUESTED_REASONS, VERBS
from departments.rpc.limits import Limits
from departments.rpc.status import to_status
from generated.restaurant import v1


def move(request: v1.MoveTicketRequest, limits: Limits) -> Move:
    """Return the step that the staff request; raises InvalidRequest."""
    check_order_id(request.order_id)
    verb = VERBS.get(request.verb)
    if verb is None:
        raise InvalidRequest("verb", f"{int(request.verb)} is not allowed: expected one of {', '.join(VERBS.values())}")
    expected = EXPECTED.get(request.expected_state)
    if expected is None:
        rule = f"expected the state from which the step is taken, one of {', '.join(EXPECTED.values())}"
        raise InvalidRequest("expected_state", f"{int(request.expected_state)} is not allowed: {rule}")
    step_id = read_text("step_id", request.step_id, 1, limits.step_id_length)
    moved_by = read_text("moved_by", request.moved_by, 0, limits.name_length)
    reason = read_text("reason", request.reason, 0, limits.reason_length)
    if reason and verb not in (Verb.CANCEL, Verb.CANCEL_LINE):
        raise InvalidRequest("reason", f"{shorten(reason)} is not allowed: only a cancel has a reason, not {verb}")
    if request.line and verb is not Verb.CANCEL_LINE:
        raise InvalidRequest("line", f"{request.line} is not allowed: only cancel_line has a line, not {verb}")
    line = request.line if verb is Verb.CANCEL_LINE else None
    return Move(request.order_id, verb, expected, step_id, moved_by, reason, line)


def moves(request: v1.MoveTicketsRequest, limits: Limits) -> list[Move]:
    """Return the steps that the staff request, one for each ticket; raises InvalidRequest with the place."""
    if not 1 <= len(request.moves) <= limits.moves_per_call:
        raise InvalidRequest("moves", f"there are {len(request.moves)}; 1 to {limits.moves_per_call} are allowed")
    result: dict[str, Move] = {}
    for number, each in enumerate(request.moves):
        try:
            one = move(each, limits)
        except InvalidRequest as error:
            raise InvalidRequest(f"moves[{number}].{error.field}", error.description) from None
        if one.order_id in result:
            reason = f"{shorten(one.order_id)} is not allowed: there is another step for this ticket"
            raise InvalidRequest(f"moves[{number}].order_id", reason)
        result[one.order_id] = one
    return list(result.values())


def moves_response(results: Sequence[Moved]) -> v1.MoveTicketsResponse:
    """Return what became of each step."""
    return v1.MoveTicketsResponse([_move_result(each) for each in results])


def tick(request: v1.TickLineRequest, limits: Limits) -> Tick:
    """Return the mark that the staff set or remove; raises InvalidRequest."""
    check_order_id(request.order_id)
    ticked_by = read_text("ticked_by", request.ticked_by, 0, limits.name_length)
    return Tick(request.order_id, request.line, request.made, ticked_by)


def stock_order(request: v1.ChangeStockRequest, limits: Limits) -> StockOrder:
    """Return the change of the stock that the staff request; raises InvalidRequest."""
    item = read_text("item", request.item, 1, limits.item_length)
    change_id = read_text("change_id", request.change_id, 1, limits.change_id_length)
    changed_by = read_text("changed_by", request.changed_by, 0, limits.name_length)
    reason = REQUESTED_REASONS.get(request.reason)
    if reason is None:
        allowed = ", ".join(REQUESTED_REASONS.values())
        raise InvalidRequest("reason", f"{int(request.reason)} is not allowed: expected one of {allowed}")
    allowed_deltas = {
        ChangeReason.DELIVERY: range(1, limits.stock + 1),
        ChangeReason.COUNT: range(1),
        ChangeReason.WASTE: range(-limits.stock, 0),
        ChangeReason.CORRECTION: range(-limits.stock, limits.stock + 1),
    }[reason]
    if request.delta not in allowed_deltas or (request.delta == 0 and reason is not ChangeReason.COUNT):
        rule = _delta_rule(allowed_deltas)
        raise InvalidRequest("delta", f"{request.delta} is not allowed: with {reason} {rule}")
    for field, figure in (("count", request.count), ("expected", request.expected)):
        most = limits.stock if reason is ChangeReason.COUNT else 0
        if figure > most:
            rule = f"at most {most} is" if most else f"only a count has it, not {reason}"
            raise InvalidRequest(field, f"{figure} is not allowed: {rule}")
    return StockOrder(item, change_id, reason, request.delta, request.count, request.expected, changed_by)


def sale(request: v1.SetOnSaleRequest, limits: Limits) -> tuple[str, str]:
    """Return the item whose sale is set, and who sets it; raises InvalidRequest."""
    item = read_text("item", request.item, 1, limits.item_length)
    return item, read_text("changed_by", request.changed_by, 0, limits.name_length)


def history(request: v1.ListStockChangesRequest, limits: Limits) -> tuple[str, int, int]:
    """Return the item (or ""), the revision before which the page begins, and its length; raises InvalidRequest."""
    item = read_text("item", request.item, 0, limits.item_length)
    check_revision("before_revision", request.before_revision)
    most = limits.changes_per_page
    return item, request.before_revision or LAST_REVISION, min(request.limit or most, most)


def history_response(page: StockHistory) -> v1.ListStockChangesResponse:
    """Return a page of the history."""
    changes = [
        v1.StockChange(
            change_id=change.change_id,
            item=change.item,
            reason=REASONS[change.reason],
            delta=change.delta,
            on_hand=change.on_hand,
            changed_by=change.changed_by,
            changed_at_ms=change.changed_at_ms,
            revision=change.revision,
        )
        for change in page.changes
    ]
    return v1.ListStockChangesResponse(changes, page.next)


def stock_level(stock: Stock) -> v1.StockLevel:
    """Return the stock of one item."""
    return v1.StockLevel(
        item=stock.item,
        received=stock.received,
        on_hand=stock.on_hand,
        held=stock.held,
        sold=stock.sold,
        wasted=stock.wasted,
        off_sale=stock.off_sale,
        unlimited=stock.unlimited,
        revision=stock.revision,
    )


def _move_result(result: Moved) -> v1.MoveResult:
    ticket = None if result.ticket is None else ticket_message(result.ticket)
    if result.error is None:
        return v1.MoveResult(ticket=ticket)
    status = to_status(result.error)
    if status is None:
        raise result.error
    return v1.MoveResult(status.status.value, status.message or "", type(result.error).__name__, ticket)


def _delta_rule(allowed: range) -> str:
    if len(allowed) == 1:
        return "it is 0"
    return f"{allowed[0]} to {allowed[-1]} is, except 0" if 0 in allowed else f"{allowed[0]} to {allowed[-1]} is"
