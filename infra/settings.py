"""Settings: environment variables, parsed into one typed and documented struct for each program.

The field `port` of the program `bar` is read from `COMANDA_BAR_PORT`, else from `COMANDA_PORT`, else it has the field's
default: one environment can serve every program on a machine and still configure one of them differently.

Text is normalised to NFC, because some systems enter decomposed characters. Paths are not normalised, because a file's
name is its bytes; a leading `~` is expanded.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from infra.errors import SettingsError

PREFIX = "COMANDA_"

PATH = {"is_path": True}
"""Marks a field whose value is a path: `Meta(extra=PATH)`."""

S = TypeVar("S", bound=msgspec.Struct)


def read_settings(kind: type[S], program: str, environ: Mapping[str, str]) -> S:
    """Read the settings of `program`; raises SettingsError for a value that its field does not allow."""
    values: dict[str, object] = {}
    hints = get_type_hints(kind, include_extras=True)
    for field in kind.__struct_fields__:
        for name in (variable(field, program), variable(field)):
            text = environ.get(name, "").strip()
            if text:
                values[field] = _parse(name, text, hints[field])
                break
    return kind(**values)


def variable(field: str, program: str = "") -> str:
    """Return the name of a field's environment variable, for all programs or for one."""
    return PREFIX + "_".join(part.replace("-", "_").upper() for part in (program, field) if part)


def describe(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str, str]]:
    """Yield (variable, default, description) of every field, for docs/settings.md."""
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        yield variable(field.name), _spell(default), _description(hints[field.name])


def _parse(name: str, text: str, hint: Any) -> object:
    text = _expand(name, text) if _is_path(hint) else unicodedata.normalize("NFC", text)
    raw: object = text
    bare = _bare(hint)
    if get_origin(bare) is dict:
        raw = dict(_pairs(name, text))
    elif get_origin(bare) is list:
        raw = [part for each in text.split(",") if (part := each.strip())]
    try:
        return msgspec.convert(raw, hint, strict=False, dec_hook=_construct)
    except msgspec.ValidationError as error:
        rule = str(error).partition(" - at `$")[0]
        if get_origin(bare) is Literal:
            rule = f"expected one of {', '.join(get_args(bare))}"
        raise SettingsError(f"{name}={text!r} is not allowed: {rule}") from None


def _pairs(name: str, text: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for part in text.split(","):
        key, equals, value = part.strip().partition("=")
        if not (key and equals and value):
            raise SettingsError(f"{name}={text!r} is not allowed: expected name=host:port, separated by commas")
        if key in seen:
            raise SettingsError(f"{name}={text!r} is not allowed: {key!r} occurs twice")
        seen.add(key)
        yield key, value


def _construct(kind: type[Any], value: object) -> object:
    """Build a value of a type of ours, such as Address, which raises ValueError for text that it does not allow."""
    return kind(value)


def _is_path(hint: Any) -> bool:
    return any((meta.extra or {}).get("is_path") for meta in _metas(hint))


def _expand(name: str, path: str) -> str:
    if not path.startswith("~"):
        return path
    try:
        return str(Path(path).expanduser())
    except RuntimeError:
        user = path.partition("/")[0]
        raise SettingsError(f"{name}={path!r} is not allowed: there is no home folder {user!r}") from None


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if hasattr(hint, "__metadata__") else hint


def _description(hint: Any) -> str:
    return " ".join(meta.description for meta in _metas(hint) if meta.description)


def _metas(hint: Any) -> list[msgspec.Meta]:
    return [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]


def _spell(default: object) -> str:
    if isinstance(default, dict):
        return ",".join(f"{key}={value}" for key, value in default.items())
    if isinstance(default, list):
        return ",".join(default)
    return "" if default is None else str(default)
