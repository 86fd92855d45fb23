"""The quick version; the long one is `python -m tests.fuzz`."""

import pytest

from tests.fuzz import frames
from tests.support.systems import System

pytestmark = pytest.mark.proof

MUTATED = 3000


async def test_a_department_lives_through_mutated_frames_and_messages(system: System) -> None:
    attack, honest = await frames.besiege(system, MUTATED, 1, lambda _: None)
    assert not attack.faults, attack
    assert {"OK", "INVALID_ARGUMENT"} <= set(attack.statuses)
    assert attack.sent_away
    assert honest.quantile(0.5) < 500
