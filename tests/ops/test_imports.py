import subprocess
import sys

import pytest

from tests.support.processes import ROOT

CODE = "import sys, {module}; print(sorted({{'sqlalchemy', 'alembic', 'litestar'}} & set(sys.modules)))"


@pytest.mark.parametrize("module", ["ops.__main__", "ops.up", "ops.health"])
def test_what_stays_in_memory_or_runs_often_imports_no_database(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(module=module)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
