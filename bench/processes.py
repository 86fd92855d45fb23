"""What Linux knows of a process: its time, its memory, what it wrote."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds, and bytes sent to the disk, since the processes began."""

    cpu_seconds: float
    written_bytes: int


def usage(pids: Iterable[int]) -> Usage:
    """Add up what processes have used; one that has ended counts nothing."""
    cpu, written = 0.0, 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            cpu += _cpu_seconds((PROC / str(pid) / "stat").read_text())
            written += _field((PROC / str(pid) / "io").read_text(), "write_bytes")
    return Usage(cpu, written)


def usages(processes: Mapping[str, Iterable[int]]) -> dict[str, Usage]:
    """Return what each named program has used."""
    return {name: usage(pids) for name, pids in processes.items()}


def forget_peaks(pids: Iterable[int]) -> None:
    """Let the kernel find the processes' peak memory anew."""
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            (PROC / str(pid) / "clear_refs").write_text(_RESET_PEAK)


def peak_bytes(pids: Iterable[int]) -> int:
    """Return the most memory that one of these processes has had at once."""
    return max((_status_bytes(pid, "VmHWM") for pid in pids), default=0)


def resident_bytes(pid: int) -> int:
    """Return the memory that a process has now."""
    return _status_bytes(pid, "VmRSS")


def machine_seconds(stat: str) -> float:
    """Add up the CPU seconds of all programs since the machine started, and those its hypervisor kept for others.

    Interrupts are left out: most of them are the network's, on loopback the measured system's own.
    """
    user, nice, system, _idle, _wait, _irq, _softirq, steal = map(int, stat.split()[1:9])
    return (user + nice + system + steal) / _TICKS


def family(pid: int) -> list[int]:
    """List a process and its children."""
    children = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    return [pid, *map(int, children)]


def _status_bytes(pid: int, name: str) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        return _field((PROC / str(pid) / "status").read_text(), name) * 1024
    return 0


def _cpu_seconds(stat: str) -> float:
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _field(text: str, name: str) -> int:
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise KeyError(name)
