"""The whole system against a plain-Python model. `python -m tests.simulation.model` is the long version."""

from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.model import run_model

pytestmark = pytest.mark.proof


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_the_system_does_what_the_model_says() -> None:
    assert run_model(30, 30, derandomize=True) > 300
