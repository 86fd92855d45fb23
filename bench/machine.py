"""Describes the machine that is measured on, and what runs on it."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

MEASURED = (
    "litestar", "uvicorn", "uvloop", "httptools", "msgspec", "grpclib", "betterproto", "sqlalchemy", "psycopg",
    "fastapi", "starlette", "pydantic", "grpcio", "aiosqlite",
)  # fmt: skip
SYNCS = 200


def describe(data: Path) -> dict[str, str]:
    """Tell processor, memory, system, the data folder's file system and its fsync, Python and packages."""
    return {
        "processor": f"{os.cpu_count()} x {_field('/proc/cpuinfo', 'model name')}",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GiB",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        "file system": file_system(data, Path("/proc/self/mounts").read_text()),
        "fdatasync of 4 KiB, median": f"{_sync_seconds(data) * 1e6:.0f} µs",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in MEASURED),
    }


def file_system(folder: Path, mounts: str) -> str:
    """Name the kind of file system that a folder is on, given the system's table of mounts."""
    kinds = {fields[1]: fields[2] for fields in map(str.split, mounts.splitlines())}
    places = [str(folder.resolve()), *map(str, folder.resolve().parents)]
    return next(kinds[place] for place in places if place in kinds)


def _sync_seconds(folder: Path) -> float:
    """Time what a commit waits for at least: it is what every durable figure stands on."""
    path = folder / "sync"
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    path.unlink()
    return median(took)


def _field(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next(value.strip() for key, _, value in (line.partition(":") for line in lines) if key.strip() == name)
