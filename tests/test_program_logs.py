"""The plugin that shows programs' logs below a failed test."""

import pytest

SUITE = """
import pytest

class Programs:
    def program_logs(self):
        return [("log of bar", "bar wrote this")]

@pytest.fixture
def programs():
    return Programs()

@pytest.fixture
def other():
    return "without programs"

def test_one(programs, other):
    assert {holds}
"""


def run(pytester: pytest.Pytester, *, holds: bool) -> str:
    """Run a suite of one test, which passes where it `holds`, and return what pytest prints."""
    pytester.makepyfile(SUITE.format(holds=holds))
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "tests.support.program_logs")
    result.assert_outcomes(passed=int(holds), failed=int(not holds))
    return str(result.stdout)


def test_a_failed_test_shows_the_logs_of_its_fixtures_programs(pytester: pytest.Pytester) -> None:
    printed = run(pytester, holds=False)

    assert "- log of bar -" in printed
    assert "bar wrote this" in printed


def test_a_passed_test_shows_none(pytester: pytest.Pytester) -> None:
    assert "- log of bar -" not in run(pytester, holds=True)
