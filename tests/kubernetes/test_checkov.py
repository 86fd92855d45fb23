"""checkov finds nothing in the rendered chart that is not reasoned away, by an annotation at its place.

It brings a hundred packages, so that it is no requirement of development: uv runs it in an environment of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kubernetes.test_chart import EVERYTHING
from tests.support.chart import HEAD, render_text

CHECKOV = "checkov==3.3.30"
REASONED = {
    "CKV_K8S_15": "a version's image never changes",
    "CKV_K8S_35": "the programs read their settings from the environment alone",
    "CKV_K8S_43": "a digest is a value",
}

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


def test_every_finding_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "default.yaml").write_text(HEAD + render_text())
    (tmp_path / "everything.yaml").write_text(render_text(EVERYTHING))
    uv = Path(sys.executable).parent / "uv"
    options = ["--framework=kubernetes", "--skip-download", "--compact", "--output=json"]
    done = subprocess.run(
        [uv, "tool", "run", "--quiet", f"--python={sys.executable}", CHECKOV, f"--directory={tmp_path}", *options],
        env=os.environ | {"LOG_LEVEL": "ERROR", "UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    report = json.loads(done.stdout)

    findings = [f"{each['check_id']} {each['resource']}" for each in report["results"]["failed_checks"]]
    assert findings == []
    assert {each["check_id"] for each in report["results"]["skipped_checks"]} == set(REASONED)
    assert report["summary"]["passed"] > 500
    assert report["summary"]["parsing_errors"] == 0
