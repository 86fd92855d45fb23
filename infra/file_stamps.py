"""What tells whether a file has changed."""

from pathlib import Path

Stamp = tuple[int, int, int]


def file_stamp(file: str | Path) -> Stamp:
    """Return what changes with a file's content; follows links, by which mounted volumes are swapped."""
    try:
        found = Path(file).stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
