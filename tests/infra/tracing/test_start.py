"""A program starts with traces where its settings ask for them and it can send them."""

import sys

import pytest

from infra.errors import SettingsError
from infra.tracing.start import open_tracing

AT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


def test_without_settings_there_is_nothing() -> None:
    assert open_tracing("bar", {}) is None


def test_without_the_package_the_start_fails_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "infra.tracing.otlp", raising=False)
    for name in [each for each in sys.modules if each.startswith("opentelemetry.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SettingsError, match=r"^OTEL_… asks for traces, which need the package opentelemetry-proto: "):
        open_tracing("bar", AT)


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem"},
        {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/nowhere/me.pem"},
    ],
)
def test_a_certificate_that_is_not_there_fails_the_start(variables: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^a certificate for traces cannot be used \(/nowhere/.*\): "):
        open_tracing("bar", {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:9"} | variables)
