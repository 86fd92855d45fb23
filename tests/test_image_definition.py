"""What of the image can be checked without a Docker engine."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from infra.version import VERSION
from ops.health import SECONDS

ROOT = Path(__file__).parent.parent

WITHOUT = """
import sys
from types import SimpleNamespace

for name in sys.argv[1:]:
    sys.modules[name] = None  # an import of it fails

import departments.main
import gateway.main
from gateway.rest.app import create_litestar, routes
from gateway.rest.description import describe_api

access = SimpleNamespace(check=None)
litestar = create_litestar(None, None, None, None, {}, access, routes(), max_body=1024, openapi_config=describe_api())
assert "/orders" in litestar.openapi_schema.to_schema()["paths"]
"""


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version == VERSION
    assert f"ARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()
    assert f"COMANDA_VERSION:-{version}}}" in (ROOT / "deploy/program.yml").read_text()
    assert re.findall(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] == version


def test_the_programs_run_without_what_the_image_uninstalls() -> None:
    names = re.findall(r"pip uninstall --yes --quiet ([\w ]+?) \\", (ROOT / "Dockerfile").read_text())
    assert len(names) == 1
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *names[0].split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_engine_ends_no_health_check_that_only_starts_slowly() -> None:
    """On a machine that is busy, checks that are ended and begun again would be most of what it is busy with."""
    (limit,) = re.findall(r"^HEALTHCHECK .*--timeout=(\d+)s ", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert int(limit) >= 5 * SECONDS
