"""The pages, in a real Chromium that can reach nothing but this machine."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.pages.support import FLAGS, find_chromium
from tests.support.database_contents import Store
from tests.support.systems import System, Systems

pytestmark = pytest.mark.pages

ALONE = (*FLAGS, "--headless", "--no-first-run", "--virtual-time-budget=10000")
"""Flags of a Chromium that no library starts."""


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    systems = Systems(tmp_path_factory.mktemp("systems"), Store)
    yield systems
    systems.close()


@pytest.fixture(scope="module")
def system(systems: Systems) -> System:
    return systems.open({"bar": {"coffee": 10}})


def read_page(url: str, folder: Path, *options: str) -> tuple[str, set[str]]:
    """Open a page; return its document after its scripts have run, and every host that it sent requests to."""
    journal = folder / "network.json"
    command = [find_chromium(), *ALONE, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={journal}", *options]
    done = subprocess.run([*command, "--dump-dom", url], capture_output=True, text=True, timeout=120, check=True)
    events = [event.get("params", {}) for event in json.loads(journal.read_text())["events"]]
    # The browser's own requests have no initiator; the page's have the page.
    asked = {
        urlsplit(event["url"]).netloc for event in events if "url" in event and "://" in event.get("initiator", "")
    }
    return done.stdout, asked


@pytest.mark.parametrize("size", ["390,844", "1280,900"], ids=["phone", "desk"])
def test_api_page_works_without_any_other_machine(system: System, tmp_path: Path, size: str) -> None:
    document, asked = read_page(f"{system.url}/schema", tmp_path, f"--window-size={size}")
    assert asked == {urlsplit(system.url).netloc}
    for summary in ("Place an order", "Order the set menu", "Cancel an order", "Read the menu"):
        assert summary in document
    assert "Unable to render" not in document
