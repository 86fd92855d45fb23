import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, environment, run


@pytest.mark.parametrize("command", [["settings"], ["migrate"]])
def test_a_command_whose_reader_has_gone_finishes_without_an_error(command: list[str], tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-m", "ops", *command],
        cwd=ROOT,
        env=environment(HOME=tmp_path),
        stdout=writes,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writes)
    assert (done.returncode, done.stderr) == (0, "")
    assert command == ["settings"] or {file.name for file in tmp_path.glob("*.db")} == {
        "bakery.db",
        "bar.db",
        "gateway.db",
        "kitchen.db",
    }


def test_an_unknown_setting_is_one_line(tmp_path: Path) -> None:
    done = run(["-m", "ops", "audit"], environment(HOEM=tmp_path))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == "ops: COMANDA_HOEM is no setting: did you mean COMANDA_HOME?\n"
