"""The standard variables of OpenTelemetry are followed, or refused in one line."""

import pytest

from infra.errors import SettingsError
from infra.tracing.settings import TracingSettings, read_tracing_settings

AT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def read(**variables: str) -> TracingSettings:
    settings = read_tracing_settings("bar", AT | variables)
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "  "},
        {"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER_ARG": "1"},
        {"OTEL_TRACES_EXPORTER": "none"},
        AT | {"OTEL_TRACES_EXPORTER": "none"},
        AT | {"OTEL_SDK_DISABLED": "true"},
        AT | {"OTEL_SDK_DISABLED": "TRUE"},
        {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x:1/v1/metrics"},
    ],
)
def test_there_are_no_traces_unless_they_are_asked_for(variables: dict[str, str]) -> None:
    assert read_tracing_settings("bar", variables) is None


def test_an_endpoint_is_enough() -> None:
    settings = read()
    assert settings.endpoint.geturl() == "http://collector:4318/v1/traces"
    assert (settings.service, settings.ratio, settings.follows_parents) == ("comanda-bar", 1.0, True)
    assert (settings.timeout, settings.interval, settings.queue, settings.batch) == (10.0, 5.0, 2048, 512)
    assert not settings.is_compressed
    assert settings.headers == settings.resource == {}


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "http://localhost:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://x.example/prefix/"}, "https://x.example/prefix/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x:9/own"}, "http://x:9/own"),
        (AT | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x:9/own?key=1"}, "http://x:9/own?key=1"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1]:4318"}, "http://[::1]:4318/v1/traces"),
    ],
)
def test_traces_go_where_the_settings_say(variables: dict[str, str], url: str) -> None:
    settings = read_tracing_settings("bar", variables)
    assert settings is not None
    assert settings.endpoint.geturl() == url


@pytest.mark.parametrize(
    ("sampler", "argument", "ratio", "follows_parents"),
    [
        ("", "0.01", 0.01, True),
        ("", "", 1.0, True),
        ("parentbased_traceidratio", "0.25", 0.25, True),
        ("traceidratio", "0.25", 0.25, False),
        ("traceidratio", "", 1.0, False),
        ("always_on", "0.25", 1.0, False),
        ("always_off", "", 0.0, False),
        ("parentbased_always_on", "", 1.0, True),
        ("parentbased_always_off", "", 0.0, True),
    ],
)
def test_the_sampler_is_one_of_the_standards(sampler: str, argument: str, ratio: float, follows_parents: bool) -> None:
    settings = read(OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG=argument)
    assert (settings.ratio, settings.follows_parents) == (ratio, follows_parents)


def test_what_else_the_standard_has() -> None:
    settings = read(
        OTEL_SERVICE_NAME="till",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment=prod,site=Madrid%2C Centro",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Basic%20abc=, x=1",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="x=2",
        OTEL_EXPORTER_OTLP_TIMEOUT="2500",
        OTEL_EXPORTER_OTLP_TRACES_COMPRESSION="gzip",
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_EXPORTER_OTLP_CERTIFICATE="ca.pem",
        OTEL_BSP_SCHEDULE_DELAY="200",
        OTEL_BSP_MAX_QUEUE_SIZE="100",
    )
    assert settings.service == "till"
    assert settings.resource == {"deployment.environment": "prod", "site": "Madrid, Centro"}
    assert settings.headers == {"authorization": "Basic abc=", "x": "2"}
    assert (settings.timeout, settings.interval, settings.queue, settings.batch) == (2.5, 0.2, 100, 100)
    assert settings.is_compressed
    assert settings.ca == "ca.pem"


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER='zipkin' is not allowed: expected one of otlp, none",
        ),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL='grpc' is not allowed"),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "br"}, "OTEL_EXPORTER_OTLP_COMPRESSION='br' is not allowed"),
        ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "OTEL_TRACES_SAMPLER='jaeger_remote' is not allowed"),
        ({"OTEL_TRACES_SAMPLER_ARG": "1.5"}, "OTEL_TRACES_SAMPLER_ARG='1.5' is not allowed: expected a number from 0"),
        ({"OTEL_TRACES_SAMPLER_ARG": "nan"}, "OTEL_TRACES_SAMPLER_ARG='nan' is not allowed"),
        ({"OTEL_TRACES_SAMPLER_ARG": "1%"}, "OTEL_TRACES_SAMPLER_ARG='1%' is not allowed"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT='collector:4318/v1/traces'"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:99999"}, "is not allowed: expected http://host:port"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:secret@x"},
            "_ENDPOINT is not allowed: expected http://host:port",
        ),
        ({"OTEL_BSP_SCHEDULE_DELAY": "soon"}, "OTEL_BSP_SCHEDULE_DELAY='soon' is not allowed"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "secret"}, "OTEL_EXPORTER_OTLP_HEADERS is not allowed: expected key=value"),
    ],
)
def test_what_cannot_be_followed_is_refused(variables: dict[str, str], fault: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**variables)
    assert fault in str(refused.value)
