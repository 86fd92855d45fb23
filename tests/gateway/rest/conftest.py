"""What the tests of the REST layer share."""

from collections.abc import Iterator

import pytest

from gateway.access import secrets


@pytest.fixture(autouse=True, scope="module")
def quick_pins() -> Iterator[None]:
    """Hash PINs with a thousandth of the work: tests/gateway/access/test_secrets.py hashes them as the product does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(secrets.PIN_COST, "n", 2**4)
        yield
