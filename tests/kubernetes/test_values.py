"""What the chart's schema refuses, and by what message."""

from typing import Any

import pytest
from helm_python import HelmError

from tests.support.chart import render

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"ingres": {}}, "", "'ingres' not allowed"),
    ({"gateway": {"linger": 1}}, "/gateway/linger", "got 1, want 5"),
    ({"gateway": {"guests": "all"}}, "/gateway/guests", "'open', 'tables', 'closed'"),
    ({"gateway": {"replicas": "two"}}, "/gateway/replicas", "got string, want integer"),
    ({"gateway": {"publicUrl": "orders.example.org"}}, "/gateway/publicUrl", "does not match pattern"),
    ({"gateway": {"settings": {"MAX_LINES": "3"}}}, "/gateway/settings", "'MAX_LINES' not allowed"),
    (
        {"gateway": {"resources": {"requests": {"cpu": "a lot"}}}},
        "/gateway/resources/requests/cpu",
        "does not match pattern",
    ),
    ({"departments": {"Bar": {"port": 50060}}}, "/departments", "'Bar' not allowed"),
    ({"departments": {"gateway": {"port": 50060}}}, "/departments/gateway", "false schema"),
    ({"departments": {"bar": {"port": 80}}}, "/departments/bar/port", "got 80, want 1,024"),
    ({"departments": {"bar": {"replica": 2}}}, "/departments/bar", "'replica' not allowed"),
    ({"departments": {"pool": {"replicas": 2}}}, "/departments/pool", "missing property 'port'"),
    ({"database": {"timeout": 6}}, "/database/timeout", "exclusiveMaximum: got 6, want 6"),
    ({"database": {"cloudnativepg": {"instances": 0}}}, "/database/cloudnativepg/instances", "got 0, want 1"),
    ({"tls": {"certManager": {"issuer": {"kind": "Authority"}}}}, "/tls/certManager/issuer/kind", "'Issuer'"),
    ({"networkPolicy": {"clients": []}}, "/networkPolicy/clients", "got 0, want 1"),
    ({"tracing": {"endpoint": "collector:4318"}}, "/tracing/endpoint", "does not match pattern"),
    ({"tracing": {"ratio": 1.5}}, "/tracing/ratio", "got 1.5, want 1"),
    ({"tracing": {"sampler": "always_on"}}, "/tracing", "'sampler' not allowed"),
    ({"currency": "euro"}, "/currency", "does not match pattern"),
    ({"image": {"digest": "latest"}}, "/image/digest", "does not match pattern"),
    ({"tls": {"certManager": {"duration": "90d"}}}, "/tls/certManager/duration", "does not match pattern"),
    ({"monitoring": {"interval": "1m15s"}}, "/monitoring/interval", "does not match pattern"),
    ({"audit": {"schedule": "nightly"}}, "/audit/schedule", "does not match pattern"),
]


@pytest.mark.parametrize(("values", "place", "reason"), REFUSED, ids=[place for _, place, _ in REFUSED])
def test_a_wrong_value_is_refused_with_its_place(values: dict[str, Any], place: str, reason: str) -> None:
    with pytest.raises(HelmError) as refused:
        render(values)
    assert f"at '{place}'" in str(refused.value)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"departments": {"pool": {"port": 50060}}}, "departments.pool.menu: the chart has no menu of this name"),
        ({"database": {"cloudnativepg": {"enabled": False}}}, "database.secret.name: without"),
        ({"ingress": {"enabled": True}}, "ingress.host: the name under which"),
        (
            {"database": {"cloudnativepg": {"instances": 2, "synchronous": 2}}},
            "database.cloudnativepg.synchronous: 2 standbys need more than 2 instances",
        ),
        (
            {"tls": {"certManager": {"duration": "720h"}}},
            "tls.certManager.renewBefore: 720h is not less than duration, 720h",
        ),
    ],
)
def test_what_is_missing_or_does_not_go_together_is_said(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(HelmError, match=reason):
        render(values)
