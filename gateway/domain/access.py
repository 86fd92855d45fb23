"""Who may do what: the actions, the roles, and one table that says under which condition a role may take an action."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What a caller may ask for; each route names its action, or the actions that its requests may mean."""

    PAGE_READ = "page.read"
    STATION_OPEN = "station.open"
    OFFICE_OPEN = "office.open"
    WAITER_OPEN = "waiter.open"
    PASS_OPEN = "pass.open"  # noqa: S105 - the pass is where dishes are handed over
    BOARD_OPEN = "board.open"
    STYLES_READ = "styles.read"
    DEMO_OPEN = "demo.open"
    HEALTH_READ = "health.read"
    ME_READ = "me.read"
    SESSION_OPEN = "session.open"
    SESSION_CLOSE = "session.close"
    MENU_READ = "menu.read"
    ORDER_PLACE = "order.place"
    ORDER_READ = "order.read"
    ORDER_LIST = "order.list"
    ORDER_CANCEL = "order.cancel"
    EVENT_FOLLOW = "event.follow"
    TICKET_READ = "ticket.read"
    TICKET_MOVE = "ticket.move"
    TICKET_SERVE = "ticket.serve"
    TICKET_CANCEL = "ticket.cancel"
    STOCK_READ = "stock.read"
    STOCK_CHANGE = "stock.change"
    SALE_CHANGE = "sale.change"
    REPORT_READ = "report.read"
    ACCESS_MANAGE = "access.manage"


class Role(StrEnum):
    """What a caller is. A caller may have several roles: a waiter who signed in on a station's tablet."""

    VISITOR = "visitor"
    GUEST = "guest"
    STATION = "station"
    WAITER = "waiter"
    MANAGER = "manager"
    SERVICE = "service"


class Guests(StrEnum):
    """Who may order without a key or a PIN."""

    OPEN = "open"
    """Everyone, for any table."""
    TABLES = "tables"
    """Whoever opened a table's code, for that table."""
    CLOSED = "closed"
    """Nobody."""


class Condition(StrEnum):
    """Under which condition a role may take an action."""

    NEVER = "never"
    ANY = "any"
    OWN_TABLE = "own table"
    OWN_ORDER = "own order"
    OWN_DEPARTMENT = "own department"
    QUEUED = "queued"
    NAMED = "named"


_NEVER, _ANY, _NAMED = Condition.NEVER, Condition.ANY, Condition.NAMED
_TABLE, _ORDER, _OWN, _QUEUED = Condition.OWN_TABLE, Condition.OWN_ORDER, Condition.OWN_DEPARTMENT, Condition.QUEUED
_EVERYBODY = (_ANY,) * len(Role)

_ROWS: Mapping[Action, tuple[Condition, ...]] = {
    # action                visitor guest   station waiter   manager service
    Action.PAGE_READ: _EVERYBODY,
    Action.STATION_OPEN: (_NEVER, _NEVER, _OWN, _ANY, _ANY, _NEVER),
    Action.OFFICE_OPEN: (_NEVER, _NEVER, _NEVER, _NEVER, _ANY, _NEVER),
    Action.WAITER_OPEN: (_NEVER, _NEVER, _NEVER, _ANY, _ANY, _NEVER),
    Action.PASS_OPEN: (_NEVER, _NEVER, _NEVER, _ANY, _ANY, _NEVER),
    Action.BOARD_OPEN: (_NEVER, _ANY, _ANY, _ANY, _ANY, _NEVER),
    Action.STYLES_READ: (_NEVER, _NEVER, _NEVER, _NEVER, _ANY, _NEVER),
    Action.DEMO_OPEN: (_NEVER, _NEVER, _NEVER, _NEVER, _ANY, _NEVER),
    Action.HEALTH_READ: _EVERYBODY,
    Action.ME_READ: _EVERYBODY,
    Action.SESSION_OPEN: _EVERYBODY,
    Action.SESSION_CLOSE: _EVERYBODY,
    Action.MENU_READ: (_NEVER, _ANY, _ANY, _ANY, _ANY, _NAMED),
    Action.ORDER_PLACE: (_NEVER, _TABLE, _NEVER, _ANY, _ANY, _NAMED),
    Action.ORDER_READ: (_NEVER, _ORDER, _NEVER, _ANY, _ANY, _NAMED),
    Action.ORDER_LIST: (_NEVER, _NEVER, _NEVER, _ANY, _ANY, _NAMED),
    Action.ORDER_CANCEL: (_NEVER, _ORDER, _NEVER, _ANY, _ANY, _NAMED),
    Action.EVENT_FOLLOW: (_NEVER, _ORDER, _OWN, _ANY, _ANY, _NAMED),
    Action.TICKET_READ: (_NEVER, _NEVER, _OWN, _ANY, _ANY, _NAMED),
    Action.TICKET_MOVE: (_NEVER, _NEVER, _OWN, _NEVER, _ANY, _NAMED),
    Action.TICKET_SERVE: (_NEVER, _NEVER, _OWN, _ANY, _ANY, _NAMED),
    Action.TICKET_CANCEL: (_NEVER, _NEVER, _OWN, _QUEUED, _ANY, _NAMED),
    Action.STOCK_READ: (_NEVER, _NEVER, _OWN, _ANY, _ANY, _NAMED),
    Action.STOCK_CHANGE: (_NEVER, _NEVER, _NEVER, _NEVER, _ANY, _NAMED),
    Action.SALE_CHANGE: (_NEVER, _NEVER, _OWN, _NEVER, _ANY, _NAMED),
    Action.REPORT_READ: (_NEVER, _NEVER, _NEVER, _NEVER, _ANY, _NAMED),
    Action.ACCESS_MANAGE: (_NEVER, _NEVER, _NEVER, _NEVER, _ANY, _NEVER),
}

TABLE: Mapping[Action, Mapping[Role, Condition]] = {
    action: dict(zip(Role, row, strict=True)) for action, row in _ROWS.items()
}
"""The one table. A service takes the actions that its key names, and only those."""

NAMEABLE = frozenset(action for action, row in TABLE.items() if row[Role.SERVICE] is Condition.NAMED)
"""The actions that the key of a service can name."""

CONFIRMED = frozenset({Action.ACCESS_MANAGE})
"""The actions for whose changes a session needs a recent sign-in: a tablet that somebody left open is not enough."""

VERBS: Mapping[str, Action] = {"serve": Action.TICKET_SERVE, "cancel": Action.TICKET_CANCEL}
"""The actions of a ticket's verbs; all others are TICKET_MOVE."""


def action_of_step(verb: str, expected: str) -> Action:
    """Return the action that a step with a ticket is; who may serve may take that back."""
    if verb == "recall" and expected == "served":
        return Action.TICKET_SERVE
    return VERBS.get(verb, Action.TICKET_MOVE)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that a caller has, with what it is limited to."""

    role: Role
    departments: frozenset[str] = frozenset()
    """Of a station."""
    rights: frozenset[Action] = frozenset()
    """Of a service."""
    table: str | None = None
    """Of a guest who opened a table's code; None where guests may order for any table."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is about, as far as a request names it."""

    department: str | None = None
    order_id: str | None = None
    state: str | None = None
    """The state in which a step expects its ticket."""


NOTHING = Target()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request."""

    grants: tuple[Grant, ...]
    name: str | None = None
    """The person's name, or the device's or program's; None for guests."""
    person: str | None = None
    """The person who signed in with a PIN."""
    key_id: str | None = None
    person_id: str | None = None
    session: str | None = None
    """The hash of the session's id."""
    is_limited: bool = False
    """Whether the limits for guests apply."""
    allowed: frozenset[Action] = field(init=False, compare=False)
    """The actions that some role of the caller's may take, perhaps under a condition."""

    unconditional: frozenset[Action] = field(init=False, compare=False)
    """Those of them that a role may take whatever they are about."""

    def __post_init__(self) -> None:
        conditions = {action: {condition_of(grant, action) for grant in self.grants} for action in Action}
        allowed = frozenset(action for action, found in conditions.items() if found - {_NEVER})
        object.__setattr__(self, "allowed", allowed)
        object.__setattr__(self, "unconditional", frozenset(each for each in allowed if _ANY in conditions[each]))

    @property
    def table(self) -> str | None:
        """The table of a guest who may order for one table only; None for all others."""
        tables = [grant.table for grant in self.grants if grant.role is Role.GUEST]
        may_order_for_any = Action.ORDER_PLACE in self.allowed and any(
            condition_of(grant, Action.ORDER_PLACE) is _ANY for grant in self.grants
        )
        return None if may_order_for_any or not tables or None in tables else tables[0]

    def may(self, action: Action, target: Target = NOTHING) -> bool:
        """Return whether the caller may take an action."""
        return action in self.allowed and any(_permits(grant, action, target) for grant in self.grants)

    def could(self, action: Action, target: Target) -> bool:
        """Return whether the caller may take an action, or may depending on what the target does not say."""
        return any(_permits(grant, action, target, is_whole=False) for grant in self.grants)

    def departments(self, action: Action, known: Collection[str]) -> frozenset[str]:
        """Return those of the known departments at which the caller may take an action."""
        return frozenset(name for name in known if self.may(action, Target(department=name)))


def condition_of(grant: Grant, action: Action) -> Condition:
    """Return the condition under which a grant permits an action; a service's named rights are ANY."""
    condition = TABLE[action][grant.role]
    if condition is not _NAMED:
        return condition
    return _ANY if action in grant.rights else _NEVER


def _permits(grant: Grant, action: Action, target: Target, *, is_whole: bool = True) -> bool:
    """Return whether a grant permits an action; where the target is not whole, what it does not say may be right."""
    match condition_of(grant, action):
        case Condition.ANY | Condition.OWN_TABLE:  # the handler writes the table into the order
            return True
        case Condition.OWN_ORDER:  # whoever knows an order's id is its guest
            return target.order_id is not None or not is_whole
        case Condition.OWN_DEPARTMENT:
            return target.department in grant.departments or (target.department is None and not is_whole)
        case Condition.QUEUED:
            return target.state == "queued" or (target.state is None and not is_whole)
    return False
