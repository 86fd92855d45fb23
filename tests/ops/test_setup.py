"""`.ci/setup` in a clone of its own, with a stand-in for uv that records its arguments."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT

UV = """#!/usr/bin/env bash
set -e
echo "$1 $2 ${@: -1}" >>"$CALLS"
if [[ -e $BROKEN ]]; then exit 1; fi
if [[ $1 == venv ]]; then mkdir -p .venv/bin; install -m 755 /dev/null .venv/bin/python; fi
"""


class Clone:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.broken = folder / "broken"
        (folder / ".ci").mkdir()
        (folder / "requirements").mkdir()
        shutil.copy(ROOT / ".ci/setup", folder / ".ci")
        for kind in ("run", "dev"):
            self.require(kind, "one")
        (folder / "uv").write_text(UV)
        (folder / "uv").chmod(0o755)

    def require(self, kind: str, packages: str) -> None:
        (self.folder / f"requirements/{kind}.txt").write_text(packages)

    def set_up(self, kind: str) -> list[str]:
        """Run the set-up; return the arguments that uv got."""
        self.calls.write_text("")
        variables = {"PATH": f"{self.folder}:/usr/bin:/bin", "CALLS": str(self.calls), "BROKEN": str(self.broken)}
        command = [str(self.folder / ".ci/setup"), kind]
        done = subprocess.run(command, env=variables, check=False, capture_output=True)
        assert bool(done.returncode) == self.broken.exists(), done.stderr
        return self.calls.read_text().splitlines()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


RUN, DEV = ["pip install requirements/run.txt"], ["pip sync requirements/dev.txt"]


def test_running_needs_the_run_requirements_only_and_does_not_need_them_twice(clone: Clone) -> None:
    assert clone.set_up("run")[1:] == RUN
    assert clone.set_up("run") == []


def test_development_needs_more_and_then_running_is_satisfied(clone: Clone) -> None:
    clone.set_up("run")
    assert clone.set_up("dev") == DEV
    assert clone.set_up("run") == []
    assert clone.set_up("dev") == []


def test_what_has_changed_is_installed_and_a_venv_for_development_stays_one(clone: Clone) -> None:
    clone.set_up("run")
    clone.require("run", "two")
    assert clone.set_up("run") == RUN
    clone.set_up("dev")
    clone.require("dev", "two")
    assert clone.set_up("run") == DEV
    assert clone.set_up("dev") == []


def test_what_could_not_be_installed_is_tried_again(clone: Clone) -> None:
    clone.set_up("run")
    clone.broken.touch()
    assert clone.set_up("dev") == DEV
    clone.broken.unlink()
    assert clone.set_up("dev") == DEV
