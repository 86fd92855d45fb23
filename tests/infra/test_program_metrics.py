import platform

from infra.program_metrics import program_metrics
from infra.version import VERSION
from tests.support.metrics import samples_of


async def test_every_series_has_the_program_and_the_restaurant() -> None:
    metrics = program_metrics("bar", "main", None)
    text, _ = await metrics.scrape()
    metrics.close()
    shown = samples_of(text.decode())
    python = platform.python_version()
    assert shown[f"build_info{{program=bar,python={python},restaurant=main,version={VERSION}}}"] == 1
    assert 0 < shown["event_loop_seconds{program=bar,restaurant=main}"] < 5
    assert not [name for name in shown if name.startswith("certificate")]
