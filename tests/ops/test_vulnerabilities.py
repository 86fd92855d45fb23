"""`.ci/vulnerabilities` in a folder of its own, with a stand-in for uv that prints what pip-audit would."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

FAULT = {"name": "h2", "version": "4.4.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["4.4.2"]}]}
GOOD = {"name": "litestar", "version": "2.25.0", "vulns": []}
UNKNOWN = {"name": "segno", "skip_reason": "Dependency not found on PyPI"}


def check(folder: Path, printed: str, errors: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script where pip-audit prints this."""
    for name in (".ci", "requirements", "bin"):
        (folder / name).mkdir()
    script = shutil.copy(ROOT / ".ci/vulnerabilities", folder / ".ci")
    (folder / "requirements/run.txt").write_text("h2==4.4.1\n")
    (folder / "printed").write_text(printed)
    (folder / "errors").write_text(errors)
    uv = folder / "bin/uv"
    uv.write_text(f'#!/bin/sh\ncat "{folder}/printed"\ncat "{folder}/errors" >&2\nexit 1\n')
    uv.chmod(0o755)
    variables = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run([sys.executable, script], env=variables, capture_output=True, text=True, check=False)


def report(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_vulnerability_is_a_failure_with_its_remedy(tmp_path: Path) -> None:
    done = check(tmp_path, report(FAULT, GOOD))
    assert done.returncode == 1
    assert "requirements/run.txt: h2 4.4.1: PYSEC-1, fixed in 4.4.2" in done.stdout
    assert "2 of 2 versions checked, 1 vulnerabilities" in done.stdout


def test_nothing_known_is_none(tmp_path: Path) -> None:
    done = check(tmp_path, report(GOOD))
    assert (done.returncode, "NOT CHECKED" in done.stdout) == (0, False)


@pytest.mark.parametrize("printed", ["", "{}", "<html>", report(UNKNOWN)])
def test_an_index_that_does_not_respond_is_said_and_is_no_failure(tmp_path: Path, printed: str) -> None:
    done = check(tmp_path, printed, "warning\ncannot resolve host\n")
    assert (done.returncode, "NOT CHECKED" in done.stdout) == (0, True)
    assert ("cannot resolve host" in done.stdout) is (printed != report(UNKNOWN))


def test_what_the_index_does_not_know_is_named(tmp_path: Path) -> None:
    done = check(tmp_path, report(GOOD, UNKNOWN))
    assert (done.returncode, "the index does not know them: segno" in done.stdout) == (0, True)


def test_a_vulnerability_is_found_beside_what_is_not_known(tmp_path: Path) -> None:
    assert check(tmp_path, report(UNKNOWN, FAULT)).returncode == 1
