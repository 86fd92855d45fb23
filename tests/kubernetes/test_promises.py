"""What the chart's resources say together: nothing is lost at a rollout, and nothing passes that need not."""

from typing import Any

import pytest
import yaml

from departments.settings import DepartmentSettings
from gateway.settings import GatewaySettings
from infra.setting_names import refuse_unknown_names
from infra.settings import read_settings
from infra.tracing.settings import TracingSettings, read_tracing_settings
from tests.support.chart import CHART, RULES, Resource, render

PROGRAMS = ("bakery", "bar", "gateway", "kitchen")
DATABASE_URL = "postgresql://comanda@db/comanda"
CLIENTS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
SCRAPERS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
DNS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
OPERATOR = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "cnpg-system"}}}

RECEIVER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tracing"}}}
TRACING = {"tracing": {"endpoint": "http://collector.tracing:4318", "peers": [RECEIVER]}}
INGRESS = {"ingress": {"enabled": True, "host": "orders.example.org"}}


def of_kind(kind: str, values: dict[str, Any] | None = None) -> dict[str, Resource]:
    """Return the resources of a kind, by name without the release's."""
    found = [each for each in render(values) if each["kind"] == kind]
    return {each["metadata"]["name"].removeprefix("comanda-"): each for each in found}


def pods(values: dict[str, Any] | None = None) -> dict[str, Resource]:
    """Return the specification of every pod, by program."""
    found = {name: each["spec"]["template"]["spec"] for name, each in of_kind("Deployment", values).items()}
    audit = of_kind("CronJob", values)["audit"]
    return {**found, "audit": audit["spec"]["jobTemplate"]["spec"]["template"]["spec"]}


def containers() -> list[tuple[str, Resource, Resource]]:
    """Return (program, pod, container) of every container."""
    return [
        (program, pod, each)
        for program, pod in pods().items()
        for each in [*pod.get("initContainers", []), *pod["containers"]]
    ]


def environment(container: Resource) -> dict[str, str]:
    """Return a container's environment, with a URL for the one in the Secret."""
    return {each["name"]: each.get("value", DATABASE_URL) for each in container["env"]}


def test_there_is_a_deployment_of_every_program() -> None:
    assert sorted(of_kind("Deployment")) == sorted(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_new_pod_is_ready_before_an_old_one_stops(program: str) -> None:
    deployment = of_kind("Deployment")[program]["spec"]
    budget = of_kind("PodDisruptionBudget")[program]["spec"]

    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "readinessProbe" in deployment["template"]["spec"]["containers"][0]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == deployment["selector"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_pod_is_killed_only_after_it_had_time_to_linger_and_to_drain(program: str) -> None:
    values = {"gateway": {"linger": 40, "grace": 7}, "departmentDefaults": {"linger": 40, "grace": 7}}
    pod = of_kind("Deployment", values)[program]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    lingers = environment(container).get("COMANDA_LINGER")
    if lingers is None:
        lingers = container["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert int(lingers) == 40
    assert environment(container)["COMANDA_GRACE"] == "7"
    assert pod["terminationGracePeriodSeconds"] == 40 + 7 + 10


def test_a_container_may_do_as_little_as_possible() -> None:
    for _, pod, container in containers():
        check_rights(pod, container)


def check_rights(pod: Resource, container: Resource) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }
    assert all(mount["readOnly"] is True for mount in container["volumeMounts"])
    assert {"cpu", "memory"} == set(container["resources"]["limits"]) == set(container["resources"]["requests"])


def test_every_variable_is_a_setting_and_kubernetes_adds_none() -> None:
    """`comanda-bar` as a Service would become COMANDA_BAR_PORT=tcp://…, which no program takes."""
    for program, pod, container in containers():
        assert pod["enableServiceLinks"] is False
        variables = environment(container)
        refuse_unknown_names(variables)
        if program != "audit":
            read_settings(GatewaySettings if program == "gateway" else DepartmentSettings, program, variables)


def test_the_gateway_finds_each_department_by_its_service() -> None:
    (container,) = pods()["gateway"]["containers"]
    settings = read_settings(GatewaySettings, "gateway", environment(container))
    services = of_kind("Service")

    assert sorted(settings.departments) == ["bakery", "bar", "kitchen"]
    for name, address in settings.departments.items():
        service = services[name]
        assert address.host == service["metadata"]["name"]
        assert address.port == service["spec"]["ports"][0]["port"]
        assert (
            service["spec"]["clusterIP"] == "None"
        )  # a virtual address would lead to one replica for as long as it is up
        assert pods()[name]["containers"][0]["ports"][0]["containerPort"] == address.port


@pytest.mark.parametrize("department", ["bakery", "bar", "kitchen"])
def test_a_departments_probes_are_the_products_own_and_speak_tls(department: str) -> None:
    (container,) = pods()[department]["containers"]

    check = ["python", "-m", "ops.health"]
    assert container["readinessProbe"]["exec"]["command"] == [*check, department]
    for probe in ("livenessProbe", "startupProbe"):
        assert container[probe]["exec"]["command"] == [*check, "--live", department]
        assert container[probe]["timeoutSeconds"] > 5  # the check's own 4 s come first


def test_a_menu_is_mounted_as_a_folder_so_that_it_changes() -> None:
    for name in ("bakery", "bar", "kitchen"):
        (container,) = pods()[name]["containers"]
        assert all("subPath" not in mount for mount in container["volumeMounts"])
        assert float(environment(container)["COMANDA_MENU_CHECK"]) > 0
    before, after = (of_kind("Deployment", values) for values in ({}, {"departments": {"bar": {"menu": "# other"}}}))
    assert before == after, "a changed menu restarts a pod"


def test_migrations_run_in_the_pod_before_its_probes() -> None:
    for program in PROGRAMS:
        (migrating,) = pods()[program]["initContainers"]
        (running,) = pods()[program]["containers"]
        assert migrating["args"] == [*running["args"], "--migrate"]
        assert migrating["image"] == running["image"]


def test_a_certificate_is_for_a_program() -> None:
    for domain, suffix in (("", ""), ("example.org", ".example.org")):
        certificates = of_kind("Certificate", {"tls": {"domain": domain}})
        names = {name: each["spec"].get("dnsNames") for name, each in certificates.items()}
        assert names == {**{program: [program + suffix] for program in PROGRAMS}, "ca": None}
    assert of_kind("Certificate")["ca"]["spec"]["privateKey"]["rotationPolicy"] == "Never"


def test_the_database_acknowledges_what_a_standby_has() -> None:
    synchronous = of_kind("Cluster")["db"]["spec"]["postgresql"]["synchronous"]
    assert synchronous == {"method": "any", "number": 1, "dataDurability": "required", "failoverQuorum": True}


def test_a_lone_instance_has_no_standby_to_wait_for() -> None:
    one = {"instances": 1}
    assert "postgresql" not in of_kind("Cluster", {"database": {"cloudnativepg": one}})["db"]["spec"]
    cluster = of_kind("Cluster", {"database": {"cloudnativepg": {**one, "parameters": {"work_mem": "8MB"}}}})["db"]
    assert cluster["spec"]["postgresql"] == {"parameters": {"work_mem": "8MB"}}


def allowed(direction: str, values: dict[str, Any] | None = None) -> dict[str, list[tuple[str, int]]]:
    """Return (peer, port) that each policy allows, by program."""
    found: dict[str, list[tuple[str, int]]] = {}
    for name, policy in of_kind("NetworkPolicy", values).items():
        rules = policy["spec"].get(direction, [])
        found[name] = [
            (peer_name(peer), port["port"])
            for rule in rules
            for peer in rule["from" if direction == "ingress" else "to"]
            for port in rule["ports"]
            if port["protocol"] == "TCP"
        ]
    return found


def peer_name(peer: dict[str, Any]) -> str:
    named = {"clients": CLIENTS, "scrapers": SCRAPERS, "dns": DNS, "operator": OPERATOR, "receiver": RECEIVER}
    for name, selector in named.items():
        if peer == selector:
            return name
    labels = peer["podSelector"]["matchLabels"]
    return str(labels.get("app.kubernetes.io/component", labels.get("cnpg.io/cluster")))


def test_nothing_passes_that_is_not_named() -> None:
    policies = of_kind("NetworkPolicy")
    selected = {name: peer_name(each["spec"]) for name, each in policies.items()}
    assert selected == {**{program: program for program in (*PROGRAMS, "audit")}, "db": "comanda-db"}
    for name, policy in policies.items():
        assert policy["spec"]["policyTypes"] == (["Ingress"] if name == "db" else ["Ingress", "Egress"])

    to_database = ("comanda-db", 5432)
    assert allowed("ingress") == {
        "gateway": [("clients", 8000), ("scrapers", 9464)],
        "bakery": [("gateway", 50051), ("scrapers", 9464)],
        "bar": [("gateway", 50052), ("scrapers", 9464)],
        "kitchen": [("gateway", 50053), ("scrapers", 9464)],
        "audit": [],
        "db": [
            *[(program, 5432) for program in ("gateway", "bakery", "bar", "kitchen", "audit")],
            *[("comanda-db", 5432), ("comanda-db", 8000), ("operator", 5432), ("operator", 8000)],
            ("scrapers", 9187),
        ],
    }
    departments = [("bakery", 50051), ("bar", 50052), ("kitchen", 50053)]
    assert allowed("egress") == {
        "gateway": [*departments, ("dns", 53), to_database],
        **{name: [("dns", 53), to_database] for name in ("bakery", "bar", "kitchen", "audit")},
        "db": [],
    }


def test_metrics_are_for_nobody_where_no_scraper_is_named() -> None:
    """An empty `from` would let everybody pass."""
    found = of_kind("NetworkPolicy", {"networkPolicy": {"scrapers": []}})

    assert [rule for each in found.values() for rule in each["spec"].get("ingress", []) if not rule["from"]] == []
    ports = {
        port["port"] for each in found.values() for rule in each["spec"].get("ingress", []) for port in rule["ports"]
    }
    assert ports.isdisjoint({9464, 9187})


def tracing(values: dict[str, Any]) -> dict[str, TracingSettings | None]:
    """Return what each program reads of its traces' settings."""
    return {
        program: read_tracing_settings(program, environment(pod["containers"][0]))
        for program, pod in pods(values).items()
    }


def test_there_are_no_traces_without_an_endpoint() -> None:
    assert tracing({}) == dict.fromkeys([*PROGRAMS, "audit"])


def test_gateways_and_departments_send_traces_to_the_endpoint() -> None:
    found = tracing({"tracing": {"endpoint": "http://collector.tracing:4318", "ratio": 0.25}})
    assert found.pop("audit") is None
    assert sorted(found) == sorted(PROGRAMS)
    for program, settings in found.items():
        assert settings is not None
        assert (settings.service, settings.ratio) == (f"comanda-{program}", 0.25)
        assert settings.endpoint.geturl() == "http://collector.tracing:4318/v1/traces"


def test_headers_of_traces_are_a_secret() -> None:
    values = {"tracing": {**TRACING["tracing"], "headersSecret": {"name": "headers", "key": "otlp"}}}
    for program in PROGRAMS:
        (container,) = pods(values)[program]["containers"]
        (headers,) = [each for each in container["env"] if each["name"] == "OTEL_EXPORTER_OTLP_HEADERS"]
        assert headers["valueFrom"] == {"secretKeyRef": {"name": "headers", "key": "otlp"}}


def test_what_sends_traces_reaches_their_receiver_and_nothing_else_more() -> None:
    without, found = allowed("egress"), allowed("egress", TRACING)
    for program in PROGRAMS:
        assert found[program] == [*without[program], ("receiver", 4318)]
    assert found["audit"] == without["audit"]


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [("http://collector", 80), ("https://otlp.example.org/otlp", 443), ("https://otlp.example.org:8443/", 8443)],
)
def test_a_policy_has_the_port_of_the_endpoint(endpoint: str, port: int) -> None:
    """Without peers the receiver may be anywhere, on its port."""
    policy = of_kind("NetworkPolicy", {"tracing": {"endpoint": endpoint}})["bar"]
    assert {"ports": [{"port": port, "protocol": "TCP"}]} in policy["spec"]["egress"]


def test_every_program_is_scraped_under_the_job_that_the_rules_name() -> None:
    monitor = of_kind("PodMonitor", {"monitoring": {"podMonitor": True}})["comanda"]["spec"]
    (chosen,) = monitor["selector"]["matchExpressions"]
    assert sorted(chosen["values"]) == sorted(PROGRAMS)
    for program, deployment in of_kind("Deployment").items():
        template = deployment["spec"]["template"]
        labels, (container,) = template["metadata"]["labels"], template["spec"]["containers"]
        assert labels[monitor["jobLabel"]] == "comanda"
        assert labels.items() >= monitor["selector"]["matchLabels"].items()
        assert {"name": "metrics", "containerPort": 9464} in container["ports"], program
    assert 'up{job="comanda"}' in (CHART / "files/rules.yml").read_text()


def test_the_rules_are_those_that_were_tested() -> None:
    rule = of_kind("PrometheusRule", {"monitoring": {"rules": True}})["comanda"]
    assert rule["spec"] == yaml.safe_load(RULES.read_text())


def test_events_have_a_rule_of_their_own() -> None:
    rules = of_kind("Ingress", INGRESS)
    paths = {name: rule["spec"]["rules"][0]["http"]["paths"][0] for name, rule in rules.items()}

    assert {name: (each["path"], each["pathType"]) for name, each in paths.items()} == {
        "gateway": ("/", "Prefix"),
        "gateway-events": ("/events", "Exact"),
    }
    annotations = rules["gateway-events"]["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    assert "annotations" not in rules["gateway"]["metadata"]


def test_codes_of_tables_lead_to_the_ingress() -> None:
    container = of_kind("Deployment", INGRESS)["gateway"]["spec"]["template"]["spec"]["containers"][0]
    assert environment(container)["COMANDA_PUBLIC_URL"] == "https://orders.example.org"


def test_a_gateway_that_is_scaled_has_no_fixed_number_of_replicas() -> None:
    assert "replicas" not in of_kind("Deployment")["gateway"]["spec"]
    assert of_kind("HorizontalPodAutoscaler")["gateway"]["spec"]["minReplicas"] == 2
    fixed = of_kind("Deployment", {"gateway": {"autoscaling": {"enabled": False}}})["gateway"]["spec"]
    assert fixed["replicas"] == 2
