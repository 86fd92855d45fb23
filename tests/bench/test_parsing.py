import os
from collections import Counter
from pathlib import Path

from bench.machine import file_system
from bench.processes import machine_seconds
from bench.sections.costs import total_calls
from bench.sections.profile import own_time, package
from bench.windows import placed

STRACE = """syscall              calls
---------------- ---------
fdatasync              130
fsync                    2
---------------- ---------
total                  132
"""


def test_fsyncs_are_added_up() -> None:
    assert total_calls(STRACE) == 132
    assert total_calls("") == 0


LOG = """08:11:25 [info     ] open address=127.0.0.1:15000 database=sqlite:////data/bar.db department=bar items=3
08:11:26 [info     ] placed order_ids=['a', 'b'] orders=2 transactions=1
08:11:27 [info     ] cancelled order_ids=['a'] orders=9
08:11:28 [info     ] placed order_ids=['c', 'd', 'e'] orders=3 transactions=2
"""


def test_idle_time_and_interrupts_are_no_programs() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    stat = f"cpu  {ticks} {2 * ticks} {3 * ticks} 999 999 999 999 {4 * ticks} 0 0\ncpu0 1 2 3\n"
    assert machine_seconds(stat) == 10


def test_what_was_placed_is_read_from_a_departments_log() -> None:
    assert placed(LOG) == (5, 3)


def test_a_sample_counts_for_the_function_on_top() -> None:
    stacks = "main (bench/a.py:1);run (uvloop/__init__.py:9) 3\nmain (bench/a.py:2);run (uvloop/__init__.py:7) 4\n"
    assert own_time(stacks) == Counter({"run (uvloop/__init__.py)": 7})
    assert package("run (uvloop/__init__.py)") == "uvloop"
    assert package("wait (threading.py)") == "threading"


def test_a_folder_is_on_the_file_system_that_is_mounted_closest_to_it(tmp_path: Path) -> None:
    mounts = f"root / ext4 rw 0 0\nother {tmp_path} tmpfs rw 0 0\n"
    assert file_system(tmp_path / "data", mounts) == "tmpfs"
    assert file_system(Path("/"), mounts) == "ext4"
