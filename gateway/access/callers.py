"""Who a caller is: guests, and what keys and sessions grant."""

from gateway.access.policy import AccessPolicy, ends_at_ms
from gateway.access.records import Key, Session, Snapshot
from gateway.domain.access import Caller, Grant, Guests, Role


class Callers:
    """Makes callers, as the policy says."""

    def __init__(self, policy: AccessPolicy) -> None:
        self._policy = policy
        self._pin_idle_ms = int(policy.pin_idle_seconds * 1000)
        is_open = policy.guests is Guests.OPEN
        self._everyone = (Grant(Role.GUEST if is_open else Role.VISITOR),)
        self.guest = Caller(self._everyone, is_limited=policy.limits_guests)
        """Who has neither a key nor a session."""

    def of_key(self, key: Key) -> Caller:
        """Return who sends a key."""
        return Caller((*self._everyone, _grant(key)), name=key.name, key_id=key.key_id)

    def of_session(self, session: Session, known: Snapshot, now_ms: int) -> Caller | None:
        """Return who has a session; None where it has ended, or what it stood for was revoked."""
        key = known.keys.get(session.key_id) if session.key_id is not None else None
        if session.key_id is not None and key is None:
            return None
        if now_ms >= ends_at_ms(session, None if key is None else key.role):
            return None
        grants = self._everyone if key is None else (*self._everyone, _grant(key))
        person = known.people.get(session.person_id) if session.person_id is not None else None
        if person is not None and self.is_person_there(session, now_ms):
            return Caller(
                (*grants, Grant(person.role)),
                name=person.name,
                person=person.name,
                key_id=session.key_id,
                person_id=person.person_id,
                session=session.session_hash,
            )
        if key is not None:
            return Caller(grants, name=key.name, key_id=key.key_id, session=session.session_hash)
        if session.table is None or self._policy.guests is Guests.CLOSED:
            return None
        at_table = Grant(Role.GUEST, table=session.table)
        return Caller((at_table,), session=session.session_hash, is_limited=self._policy.limits_guests)

    def holds_until_ms(self, session: Session, caller: Caller, known: Snapshot) -> int:
        """Return until when a session, unless it is used, is this caller's; in milliseconds since 1970."""
        key = known.keys.get(session.key_id) if session.key_id is not None else None
        ends = ends_at_ms(session, None if key is None else key.role)
        if caller.person_id is None or key is None:
            return ends
        return min(ends, session.acted_at_ms + self._pin_idle_ms)

    def is_person_there(self, session: Session, now_ms: int) -> bool:
        """Return whether the person of a session need not enter the PIN again: idle minutes are those of a device."""
        return session.key_id is None or now_ms < session.acted_at_ms + self._pin_idle_ms


def _grant(key: Key) -> Grant:
    return Grant(key.role, key.departments, key.rights)
