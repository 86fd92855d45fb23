"""The pages' modules, styles and icons, read once: served under one version, which is a hash of them all.

An address with the version of this gateway may be cached for ever. Relative imports stay within the version, so a page
never mixes modules of two.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

FOLDER = Path(__file__).parent / "static"
PATH = "/static"

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
"""The types of the files that are served; others in the folder, such as licences, are not."""

_imports = re.compile(r"""(?:^|\s)(?:import|export)\s*(?:[\w*{}\s,$]+from\s*)?["'](\.{1,2}/[^"']+)["']""").findall


_COMMENTS = {
    ".js": re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*$|^[ \t]*//[^\n]*$", re.DOTALL | re.MULTILINE),
    ".css": re.compile(r"/\*.*?\*/", re.DOTALL),
}


@dataclass(frozen=True)
class Asset:
    """A file."""

    name: str
    content: bytes

    @property
    def kind(self) -> str:
        """Its media type."""
        return TYPES[PurePosixPath(self.name).suffix]

    @cached_property
    def compressed(self) -> bytes:
        """Its content as gzip, made once; empty where that is not shorter."""
        shorter = gzip.compress(self.content, 9, mtime=0)
        return shorter if len(shorter) < len(self.content) else b""


class Assets:
    """The files by their names, such as `order/main.js`."""

    def __init__(self, folder: Path) -> None:
        self.files = {asset.name: asset for asset in _read(folder)}
        digest = hashlib.sha256()
        for name, asset in sorted(self.files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(asset.content).digest())
        self.version = digest.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Return where a file is; raises KeyError."""
        return f"{PATH}/{self.version}/{self.files[name].name}"

    @cache  # noqa: B019 - the assets live as long as the program
    def modules(self, name: str) -> tuple[str, ...]:
        """Return a module and all that it imports, each once, so that a browser loads them at once."""
        found: dict[str, None] = {}
        waiting = [name]
        while waiting:
            each = waiting.pop(0)
            if each not in found:
                found[each] = None
                text = self.files[each].content.decode()
                waiting += [_resolve(each, target) for target in _imports(text)]
        return tuple(found)


def _read(folder: Path) -> Iterator[Asset]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in TYPES and path.is_file():
            name = path.relative_to(folder).as_posix()
            yield Asset(name, path.read_bytes() if "vendor" in path.parts else _without_comments(path))


def _without_comments(path: Path) -> bytes:
    """Return a file without its comments, which are for readers and a third of the bytes; lines keep their numbers.

    In modules only those that have their lines for themselves: what stands within a line may be a part of a text.
    """
    comments = _COMMENTS.get(path.suffix)
    if comments is None:
        return path.read_bytes()
    return comments.sub(lambda found: "\n" * found[0].count("\n"), path.read_text()).encode()


def _resolve(base: str, target: str) -> str:
    """Return the name of a file that a module names relative to its own."""
    parts = list(PurePosixPath(base).parent.parts)
    for part in target.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


@cache
def assets() -> Assets:
    """Read the product's files."""
    return Assets(FOLDER)
