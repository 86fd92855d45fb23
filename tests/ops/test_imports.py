import re
import subprocess
import sys

import pytest

from tests.support.processes import ROOT, environment, start_and_wait

DATABASES = {"sqlalchemy", "alembic", "litestar"}
UNUSED = {"rich", "pygments", "attr", "alembic", "psycopg", "sqlalchemy.dialects.postgresql"}


def imported(code: str, names: set[str]) -> list[str]:
    """Tell which of these modules a new interpreter has imported after running some code."""
    code += f"\nprint(*sorted(name for name in {names} if sys.modules.get(name)))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("module", ["ops.__main__", "ops.up", "ops.health"])
def test_what_stays_in_memory_or_runs_often_imports_no_database(module: str) -> None:
    assert imported(f"import {module}", DATABASES) == []


@pytest.mark.parametrize("module", ["gateway", "departments", "ops", "ops.health"])
def test_a_program_on_sqlite_imports_nothing_that_it_does_not_use(module: str) -> None:
    run = f"import runpy\nsys.argv = ['{module}', '--help']\n"
    run += f"try: runpy.run_module('{module}', run_name='__main__')\nexcept SystemExit: pass"
    assert imported(run, UNUSED) == []


def test_every_command_imports_what_it_uses() -> None:
    """Most tests fork commands from a process that has imported all of them."""
    (commands,) = re.findall(r"\{([a-z,]+)\}", start_and_wait(["-m", "ops", "--help"], environment()).stdout)[:1]
    for command in commands.split(","):
        done = start_and_wait(["-m", "ops", command, "--help"], environment())
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: python -m ops {command} ")
