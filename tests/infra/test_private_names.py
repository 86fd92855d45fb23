"""Private names of libraries that the product uses: each exists in the version that is installed, and is in this list.

A new version of one of these libraries is taken only after this test and the tests of the modules named here pass.
"""

import ast
import inspect
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import betterproto
import grpclib._typing
import grpclib.client
import grpclib.protocol
import grpclib.reflection
import grpclib.server
import grpclib.utils
import h2._typing
import pytest
from grpclib.health.v1.health_grpc import HealthBase
from h2.connection import H2Connection
from h2.frame_buffer import FrameBuffer
from h2.stream import H2Stream
from litestar.handlers import HTTPRouteHandler
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

ROOT = Path(__file__).parents[2]
SOURCES = [path for package in ("departments", "gateway", "infra", "ops") for path in (ROOT / package).rglob("*.py")]


@dataclass(frozen=True)
class Private:
    """Names of one class or module that its library does not document, and the folder or module that uses them."""

    owner: Any
    names: str
    used_in: str


PRIVATE = [
    Private(
        H2Connection,
        "_frame_dispatch_table _get_or_create_stream _inbound_flow_control_window_manager _receive_data_frame "
        "_receive_goaway_frame _receive_headers_frame _receive_rst_stream_frame _stream_id_is_outbound "
        "_terminate_connection highest_inbound_stream_id highest_outbound_stream_id incoming_buffer state_machine "
        "streams",
        "infra/grpc",
    ),
    Private(H2Stream, "_expected_content_length _inbound_window_manager receive_headers reset_stream", "infra/grpc"),
    Private(FrameBuffer, "__next__ _data _headers_buffer _preamble_len _update_header_buffer", "infra/grpc"),
    Private(h2._typing, "Buffer", "infra/grpc/connection.py"),
    Private(
        grpclib.client.Channel,
        "_config _connected _create_connection _h2_config _protocol _protocol_factory _ssl",
        "infra/grpc",
    ),
    Private(grpclib.protocol.Buffer, "_ack_callback _eof add eof read unacked_size", "infra/grpc"),
    Private(grpclib.protocol.Connection, "_connection _transport ack create_stream feed write_ready", "infra/grpc"),
    Private(
        grpclib.protocol.EventsProcessor,
        "process process_connection_terminated process_remote_settings_changed process_request_received "
        "process_stream_reset processors register streams",
        "infra/grpc",
    ),
    Private(grpclib.protocol.H2Protocol, "config connection_lost connection_made h2_config processor", "infra/grpc"),
    Private(
        grpclib.protocol.Stream,
        "__ended__ __terminated__ _h2_connection _transport closable init_stream recv_data reset_nowait send_data "
        "send_headers",
        "infra/grpc",
    ),
    Private(grpclib.server.Handler, "_cancelled _tasks accept cancel closing", "infra/grpc"),
    Private(
        grpclib.server.Server,
        "__dispatch__ __gc_step__ _codec _config _h2_config _handlers _mapping _status_details_codec",
        "infra/grpc",
    ),
    Private(grpclib.server.Stream, "_cardinality _stream", "infra/grpc"),
    Private(grpclib.utils, "_service_name", "infra/grpc"),
    Private(grpclib.utils.Wrapper, "_error", "infra/grpc/call_guard.py"),
    Private(grpclib.reflection, "_deprecated", "infra/grpc"),
    Private(grpclib._typing, "IProtoMessage IServable", "infra/grpc"),
    Private(HealthBase, "__mapping__", "infra/grpc"),
    Private(betterproto, "PLACEHOLDER", "infra/grpc"),
    Private(
        betterproto.Message,
        "_Message__raw_get _betterproto _group_current _serialized_on_wire _unknown_fields",
        "infra/grpc",
    ),
    Private(
        HttpToolsProtocol,
        "_start_asgi_task _unsupported_upgrade_warning client connections cycle expect_100_continue flow headers "
        "loop on_headers_complete on_message_begin on_message_complete on_response_complete parser pipeline "
        "send_400_response server_state timeout_keep_alive transport",
        "infra/http",
    ),
    Private(
        RequestResponseCycle,
        "default_headers disconnected flow keep_alive message_event more_body on_response response_complete "
        "response_started scope transport",
        "infra/http",
    ),
    Private(HTTPRouteHandler, "_resolved_include_in_schema", "gateway/rest/methods.py"),
]

DOCUMENTED = {
    "_make": "collections.namedtuple",
    "_mapping": "sqlalchemy.Row",
    "_exit": "os",
    "_proxy_to_logger": "structlog.BoundLoggerBase",
}
"""Names with an underscore that belong to a public interface."""

NAMES = {name for private in PRIVATE for name in private.names.split()}


@pytest.mark.parametrize("private", PRIVATE, ids=lambda private: private.owner.__name__)
def test_private_names_exist(private: Private) -> None:
    missing = [name for name in private.names.split() if not has(private.owner, name)]
    assert not missing, f"{private.owner.__name__} has these no more, which {private.used_in} uses: {missing}"


def has(owner: Any, name: str) -> bool:
    """Tell whether a module or class defines a name, has a submodule of that name, or assigns such an attribute."""
    if inspect.getattr_static(owner, name, None) is not None:
        return True
    if isinstance(owner, ModuleType) and hasattr(owner, "__path__"):
        return find_spec(f"{owner.__name__}.{name}") is not None
    return re.search(rf"\b{name}\b", source_of(owner)) is not None


@cache
def source_of(owner: Any) -> str:
    """The source of a module, or of a class and those below it, where instance attributes are assigned."""
    if isinstance(owner, ModuleType):
        return inspect.getsource(owner)
    return "".join(inspect.getsource(kind) for kind in owner.__mro__ if kind.__module__.partition(".")[0] in PINNED)


@pytest.mark.parametrize("private", PRIVATE, ids=lambda private: private.owner.__name__)
def test_private_names_are_used_where_the_list_says(private: Private) -> None:
    path = ROOT / private.used_in
    text = "\n".join(file.read_text() for file in ([path] if path.is_file() else path.rglob("*.py")))
    assert [name for name in private.names.split() if not re.search(rf"\b{name}\b", text)] == []


def test_every_private_name_of_a_library_is_in_the_list() -> None:
    modules = {path: ast.parse(path.read_text()) for path in SOURCES}
    known = NAMES | set(DOCUMENTED) | set(own_names(modules.values()))
    used = {str(path.relative_to(ROOT)): set(private_names(module)) - known for path, module in modules.items()}
    assert {path: names for path, names in used.items() if names} == {}, "add these to PRIVATE"


def private_names(module: ast.Module) -> Iterator[str]:
    """Yield the private names that a module accesses or imports; those in the shape of `__init__` are Python's."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and node.module:
            is_private = re.search(r"\._[a-z]", node.module)
            yield from (alias.name for alias in node.names if is_private or re.match(r"_[a-z]", alias.name))


def own_names(modules: Iterable[ast.Module]) -> Iterator[str]:
    """Yield the private names that the product itself defines: functions, classes, and attributes of `self`."""
    for module in modules:
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                    yield node.attr
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
                yield from (target.id for target in targets if isinstance(target, ast.Name))


PINNED = {"betterproto", "grpclib", "h2", "litestar", "uvicorn"}


def test_the_libraries_whose_private_names_are_used_are_pinned() -> None:
    """To the version that requirements/run.txt installs, too."""
    owners = {getattr(private.owner, "__module__", private.owner.__name__).partition(".")[0] for private in PRIVATE}
    assert owners == PINNED
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = (ROOT / "requirements/run.txt").read_text()
    pins = [pin for pin in project["dependencies"] if re.split(r"[=<>\[]", pin)[0] in PINNED]
    assert len(pins) == len(PINNED)
    for pin in pins:
        assert "==" in pin
        assert f"\n{pin} \\" in f"\n{locked}"
