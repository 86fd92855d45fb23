"""The command `settings`: writes docs/settings.md from the settings themselves."""

import argparse
from collections.abc import Iterator, Mapping

import msgspec

from departments.settings import DepartmentSettings
from gateway.settings import GatewaySettings
from infra.settings import describe
from ops.printing import show

_HEAD = """\
# Settings

Written by `just fix` from the programs' own settings; `just check` fails when it is out of date.

All settings come from the environment. `COMANDA_PORT` is read by every program; `COMANDA_GATEWAY_PORT` by the gateway
only, `COMANDA_BAR_PORT` by the bar only, and so for every setting and every department: the narrower name wins. A value
that is not allowed is one line on standard error, and the program does not start. So is a name that no program reads;
the line has the nearest one that is read.

In paths, `~` in front is the home folder. An IPv6 address that has a port stands in brackets: `[::1]:50051`.

`just up` starts a department for each menu file and passes their addresses to the gateway: there, `COMANDA_PORT` is
the gateway's alone, and so is `COMANDA_METRICS_PORT`; `COMANDA_DEPARTMENTS` is not read, and a name for a department
that has no menu file is refused.

The staff's commands (`python -m ops tickets` and the like, [Staff](staff.md)) read `COMANDA_URL`, where the gateway is;
without it they call this machine's, at the gateway's `COMANDA_HOST` and `COMANDA_PORT`. They send the key that
`COMANDA_KEY` has ([Access](access.md)).

Traces have the `OTEL_…` variables of OpenTelemetry ([Traces](tracing.md)); without these there are none.
"""


def run(_arguments: argparse.Namespace, _environ: Mapping[str, str]) -> int:
    """Print the page; returns 0."""
    show(settings_page(), end="")
    return 0


def settings_page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_section("The gateway", GatewaySettings), *_section("A department", DepartmentSettings)])


def _section(title: str, kind: type[msgspec.Struct]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| variable | default | meaning |"
    yield "| --- | --- | --- |"
    for variable, default, meaning in describe(kind):
        yield f"| `{variable}` | {f'`{default}`' if default else ''} | {meaning} |"
    yield ""
