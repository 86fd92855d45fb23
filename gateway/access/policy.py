"""What the settings say about access."""

from dataclasses import dataclass

from gateway.access.records import Session
from gateway.domain.access import Guests, Role

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS

PAIRING_SECONDS = 900
"""How long a pairing code can be used."""

FORGET_MS = 400 * _DAY_MS
"""After how long without use the row of a session is deleted."""

FORGET_GUESTS_MS = _DAY_MS
"""The same of guests, who come in numbers."""

_AT_TABLE = 3 * _HOUR_MS, 12 * _HOUR_MS
_PERSON = 12 * _HOUR_MS, 12 * _HOUR_MS
_MANAGER = 7 * _DAY_MS, 30 * _DAY_MS
_DEVICE = 30 * _DAY_MS, 365 * _DAY_MS

LONGEST_IDLE_MS = _DEVICE[0]
"""No session lives longer than this without use."""


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who counts as a guest, and when a person on a shared device is asked for the PIN again."""

    guests: Guests = Guests.OPEN
    limits_guests: bool = False
    pin_idle_seconds: float = 600.0
    confirm_seconds: float = 300.0
    """How long a sign-in permits a session to change keys and people."""
    first_key: str = ""
    """The secret of the key that the first start makes; empty for one that nobody knows."""


def ends_at_ms(session: Session, device: Role | None) -> int:
    """Return when a session ends, idle or absolute; `device` is the role of its key, None without one."""
    if session.table is not None:
        idle, whole = _AT_TABLE
    elif device is None:
        idle, whole = _PERSON
    else:
        idle, whole = _MANAGER if device is Role.MANAGER else _DEVICE
    return min(session.used_at_ms + idle, session.made_at_ms + whole)
