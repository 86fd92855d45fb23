"""The chart renders what Kubernetes takes, and what is committed is what it renders."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from helm_python import lint

from tests.kubernetes.schemas import faults
from tests.support.chart import CHART, COMMITTED, HEAD, MENUS, ROOT, copies, render, render_text

MENU = (
    'name = "terrace"\ntitle = "Terrace"\ngoods = "Drink"\n[[items]]\nid = "tea"\ntitle = "Tea"\nprice = 1\nstock = 1\n'
)

EVERYTHING: dict[str, Any] = {
    "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": ["registry"]},
    "settings": {"COMANDA_MAX_LINES": 60},
    "gateway": {"firstKeySecret": "first-key", "settings": {"COMANDA_DEADLINE": "1.5"}},
    "departments": {"bakery": None, "terrace": {"port": 50060, "replicas": 3, "menu": MENU}},
    "tls": {"domain": "example.org", "certManager": {"issuer": {"name": "vault", "kind": "ClusterIssuer"}}},
    "database": {
        "cloudnativepg": {"imageName": "postgres:18", "storage": {"storageClass": "fast"}, "parameters": {"a": "1"}}
    },
    "ingress": {"enabled": True, "host": "orders.example.org", "className": "haproxy", "clusterIssuer": "public"},
    "monitoring": {"podMonitor": True, "rules": True, "labels": {"release": "prometheus"}},
    "tracing": {
        "endpoint": "https://otlp.example.org/otlp",
        "headersSecret": {"name": "tracing"},
        "peers": [{"ipBlock": {"cidr": "198.51.100.0/24"}}],
    },
    "networkPolicy": {"extraEgress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]},
    "pod": {
        "annotations": {"a": "b"},
        "labels": {"c": "d"},
        "nodeSelector": {"e": "f"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
    },
}
LEAST: dict[str, Any] = {
    "gateway": {"autoscaling": {"enabled": False}},
    "database": {"cloudnativepg": {"enabled": False}, "secret": {"name": "database"}},
    "tls": {"certManager": {"enabled": False}},
    "networkPolicy": {"enabled": False},
    "podDisruptionBudget": {"enabled": False},
    "metrics": {"enabled": False},
    "audit": {"enabled": False},
}
LONE: dict[str, Any] = {"database": {"cloudnativepg": {"instances": 1}}, "monitoring": {"podMonitor": True}}
CASES = {
    "default": {},
    "lone database": LONE,
    "everything": EVERYTHING,
    "least": LEAST,
    "url": {**LEAST, "networkPolicy": {"enabled": True}, "audit": {"enabled": True}},
}


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_every_resource_is_valid_strictly(values: dict[str, Any]) -> None:
    assert [fault for resource in render(values) for fault in faults(resource)] == []


@pytest.mark.parametrize(
    ("kind", "place", "fault"),
    [
        ("Deployment", "spec.template.spec.containers.0.readinessProb", "Additional properties are not allowed"),
        ("NetworkPolicy", "spec.egres", "Additional properties are not allowed"),
        ("Certificate", "spec.dnsName", "Additional properties are not allowed"),
        ("Certificate", "apiVersion", "'cert-manager.io/v1' was expected"),
        ("Issuer", "spec.ca.secret", "Additional properties are not allowed"),
        ("Cluster", "spec.postgresql.synchronous.failoverQuorums", "Additional properties are not allowed"),
        ("Cluster", "spec.postgresql.synchronous.method", "0 is not one of ['any', 'first']"),
        ("Cluster", "spec.imageName", "0 is not of type 'string'"),
        ("PodMonitor", "spec.podMetricsEndpoints.0.intervall", "Additional properties are not allowed"),
        ("PrometheusRule", "spec.groups.0.rules.0.expression", "Additional properties are not allowed"),
        ("PrometheusRule", "spec.groups.0.rules.0.for", "0 is not of type 'string'"),
    ],
)
def test_a_wrong_field_is_found(kind: str, place: str, fault: str) -> None:
    values = EVERYTHING | {"tls": {}}  # with the chart's own issuers
    resource = next(each for each in render(values) if each["kind"] == kind and "-self" not in each["metadata"]["name"])
    *way, last = place.split(".")
    found: Any = resource
    for step in way:
        found = found[int(step) if step.isdecimal() else step]
    found[last] = 0

    assert any(fault in each for each in faults(resource))


RULED = {"imageCatalogRef", "serviceAccountName", "syncReplicaElectionConstraint"}
"""Fields of a Cluster's specification, and below of parts of it, which the CRD's rules in CEL are about."""

RULED_BELOW = {
    ("bootstrap", "initdb"): {"builtinLocale", "icuLocale", "icuRules", "localeProvider"},
    ("postgresql", "synchronous"): {
        *("standbyNamesPre", "standbyNamesPost", "maxStandbyNamesFromCluster"),
        *("podFailureDomainKeys", "nodeFailureDomainKeys"),
    },
}


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_a_cluster_has_no_field_that_a_rule_of_its_crd_or_its_operator_is_about_but_the_number(
    values: dict[str, Any],
) -> None:
    """The schemas in crds/ lack rules across fields: `x-kubernetes-validations`, and those of the operator's webhook.

    All of CloudNativePG 1.30's are about fields that the chart does not set, but for the number of standbys: it is
    positive, and below that of instances. Certificate, Issuer, PodMonitor and PrometheusRule have no rule about what
    the chart sets; crds/README.md says of which versions that was read.
    """
    for spec in (each["spec"] for each in render(values) if each["kind"] == "Cluster"):
        assert spec.keys() & RULED == set()
        for way, fields in RULED_BELOW.items():
            part = spec
            for step in way:
                part = part.get(step, {})
            assert part.keys() & fields == set()
        assert {"database", "owner"} <= spec["bootstrap"]["initdb"].keys()
        synchronous = spec.get("postgresql", {}).get("synchronous", {"number": 0, "dataDurability": "required"})
        assert 0 <= synchronous["number"] < spec["instances"]
        assert synchronous["dataDurability"] == "required"


def test_helm_finds_nothing_to_complain_about() -> None:
    report = lint(CHART, EVERYTHING, strict=True)

    assert report["errors"] == []
    assert [each["error"] for each in report["messages"]] == ["icon is recommended"]


def test_what_is_committed_is_what_the_chart_renders() -> None:
    assert COMMITTED.read_text() == HEAD + render_text(), "`just fix` writes it"


def test_the_charts_copies_are_those_of_the_product() -> None:
    copied = {copy: original.read_text() for copy, original in copies().items()}
    assert {each for each in (CHART / "files").rglob("*") if each.is_file()} == set(copied)
    assert {each: each.read_text() for each in copied} == copied, "`just fix` copies them"


def test_the_chart_has_the_version_of_the_product() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (about["version"], about["appVersion"]) == (version, version)


def test_every_port_of_a_department_that_ships_is_its_menus() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    menus = [tomllib.loads(each.read_text()) for each in MENUS.glob("*.toml")]
    assert {name: each["port"] for name, each in values["departments"].items()} == {
        each["name"]: each["port"] for each in menus
    }


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_every_name_that_a_resource_uses_is_there(values: dict[str, Any]) -> None:
    """Volumes, environment, scaling and ingress refer to what the chart makes, or its operators, or the values name."""
    resources = render(values)
    made = {each["metadata"]["name"] for each in resources} | {
        each["spec"]["secretName"] for each in resources if each["kind"] == "Certificate"
    }
    of_operators = {"comanda-db-app", "comanda-db-ca"} if "comanda-db" in made else set()
    of_values = {"first-key", "registry", "vault", "database", "tracing"}
    if values.get("tls", {}).get("certManager", {}).get("enabled") is False:
        of_values |= {f"comanda-{each}-tls" for each in ("gateway", "bakery", "bar", "kitchen")}

    used = {name for each in resources for name in names_used(each)}

    assert used - made - of_operators - of_values == set()


def names_used(value: Any, key: str = "") -> Iterator[str]:
    """Yield the names of ConfigMaps, Secrets, Services, accounts and issuers that a resource uses."""
    if isinstance(value, list):
        for each in value:
            yield from names_used(each, key)
    elif isinstance(value, dict):
        if key in {"configMap", "issuerRef", "scaleTargetRef", "secretKeyRef", "service"}:
            yield value["name"]
        for name, each in value.items():
            yield from names_used(each, name)
    elif key in {"secretName", "serviceAccountName"} and value != "comanda-front-tls":
        yield value  # the front's Secret is made by whoever has its domain


def test_the_committed_file_is_found_by_its_page() -> None:
    page = (ROOT / "docs/kubernetes.md").read_text()
    assert str(COMMITTED.relative_to(ROOT)) in page
    assert str(CHART.relative_to(ROOT)) in page
