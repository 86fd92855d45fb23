"""The settings of traces: the `OTEL_…` variables that OpenTelemetry defines. Without any of them there are no traces.

Of a variable with TRACES in it, such as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, and the same without, the former wins. A
value that cannot be followed is a SettingsError, so that nobody waits for traces that never come.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from infra.errors import SettingsError

OTLP = "OTEL_EXPORTER_OTLP"
DEFAULT_ENDPOINT = "http://localhost:4318"
TRACES_PATH = "/v1/traces"

PARENT_BASED = "parentbased_"
SAMPLERS: dict[str, float | None] = {"always_on": 1.0, "always_off": 0.0, "traceidratio": None}
"""The ratio of each sampler; None where OTEL_TRACES_SAMPLER_ARG has it."""


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """Where traces go, and of how many requests.

    `endpoint` is a whole URL. `timeout` of a request to it and `interval` between two are in seconds; `ca`, `cert` and
    `key` are paths, "" for none. At most `queue` spans wait for a request, and one takes at most `batch`.
    """

    service: str
    resource: dict[str, str]
    ratio: float
    follows_parents: bool
    endpoint: SplitResult
    headers: dict[str, str]
    timeout: float
    is_compressed: bool
    ca: str
    cert: str
    key: str
    interval: float
    queue: int
    batch: int


def read_tracing_settings(program: str, environ: Mapping[str, str]) -> TracingSettings | None:
    """Return the settings of `program`, or None where no traces are wanted; raises SettingsError."""
    variables = {name: text for name in environ if name.startswith("OTEL_") if (text := environ[name].strip())}
    if not _is_wanted(variables):
        return None
    protocol = _otlp(variables, "PROTOCOL") or "http/protobuf"
    if protocol != "http/protobuf":
        raise SettingsError(f"{OTLP}_PROTOCOL={protocol!r} is not allowed: Comanda sends traces by http/protobuf only")
    compression = _otlp(variables, "COMPRESSION") or "none"
    if compression not in ("none", "gzip"):
        raise SettingsError(f"{OTLP}_COMPRESSION={compression!r} is not allowed: expected one of none, gzip")
    ratio, follows_parents = _sampling(variables)
    queue = int(_number(variables, "OTEL_BSP_MAX_QUEUE_SIZE", 2048, 1, 1_000_000))
    return TracingSettings(
        service=variables.get("OTEL_SERVICE_NAME", f"comanda-{program}"),
        resource=dict(_pairs(variables, "OTEL_RESOURCE_ATTRIBUTES")),
        ratio=ratio,
        follows_parents=follows_parents,
        endpoint=_endpoint(variables),
        headers=dict(_pairs(variables, f"{OTLP}_HEADERS")) | dict(_pairs(variables, f"{OTLP}_TRACES_HEADERS")),
        timeout=_otlp_timeout(variables),
        is_compressed=compression == "gzip",
        ca=_otlp(variables, "CERTIFICATE"),
        cert=_otlp(variables, "CLIENT_CERTIFICATE"),
        key=_otlp(variables, "CLIENT_KEY"),
        interval=_number(variables, "OTEL_BSP_SCHEDULE_DELAY", 5000, 1, 3_600_000) / 1000,
        queue=queue,
        batch=min(queue, int(_number(variables, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, 1, 100_000))),
    )


def _is_wanted(variables: Mapping[str, str]) -> bool:
    """Return whether the variables ask for traces: by an endpoint, or by the exporter's name."""
    if variables.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = variables.get("OTEL_TRACES_EXPORTER", "")
    if exporter not in ("", "none", "otlp"):
        raise SettingsError(f"OTEL_TRACES_EXPORTER={exporter!r} is not allowed: expected one of otlp, none")
    return exporter != "none" and bool(exporter or _otlp(variables, "ENDPOINT"))


def _otlp(variables: Mapping[str, str], name: str) -> str:
    return variables.get(f"{OTLP}_TRACES_{name}") or variables.get(f"{OTLP}_{name}", "")


def _otlp_timeout(variables: Mapping[str, str]) -> float:
    general = _number(variables, f"{OTLP}_TIMEOUT", 10_000, 1, 600_000)
    return _number(variables, f"{OTLP}_TRACES_TIMEOUT", general, 1, 600_000) / 1000


def _endpoint(variables: Mapping[str, str]) -> SplitResult:
    """Return the URL for traces: as it is given for them alone, or with their path after the one for all signals."""
    name, url = f"{OTLP}_TRACES_ENDPOINT", variables.get(f"{OTLP}_TRACES_ENDPOINT", "")
    if not url:
        name, url = f"{OTLP}_ENDPOINT", variables.get(f"{OTLP}_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/") + TRACES_PATH
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid or parts.username is not None or parts.fragment:
        value = "" if "@" in url else f"={url!r}"  # a password is not for the log
        raise SettingsError(f"{name}{value} is not allowed: expected http://host:port or https://host:port")
    return parts


def _sampling(variables: Mapping[str, str]) -> tuple[float, bool]:
    """Return the ratio, and whether the flags of callers count."""
    has_ratio = "OTEL_TRACES_SAMPLER_ARG" in variables
    sampler = variables.get("OTEL_TRACES_SAMPLER", PARENT_BASED + ("traceidratio" if has_ratio else "always_on"))
    kind = sampler.removeprefix(PARENT_BASED)
    if kind not in SAMPLERS:
        allowed = ", ".join([*SAMPLERS, *(PARENT_BASED + each for each in SAMPLERS)])
        raise SettingsError(f"OTEL_TRACES_SAMPLER={sampler!r} is not allowed: expected one of {allowed}")
    ratio = SAMPLERS[kind]
    if ratio is None:
        ratio = _number(variables, "OTEL_TRACES_SAMPLER_ARG", 1.0, 0, 1)
    return ratio, sampler.startswith(PARENT_BASED)


def _number(variables: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = variables.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise SettingsError(f"{name}={text!r} is not allowed: expected a number from {least:g} to {most:g}")
    return number


def _pairs(variables: Mapping[str, str], name: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of `key=value,key=value`, in which special characters are percent-encoded."""
    text = variables.get(name, "")
    for part in filter(None, map(str.strip, text.split(","))):
        key, equals, value = part.partition("=")
        if not (key.strip() and equals):
            hint = "expected key=value, separated by commas"
            raise SettingsError(f"{name} is not allowed: {hint}")  # without its value, which may be a secret
        yield unquote(key.strip()), unquote(value.strip())
