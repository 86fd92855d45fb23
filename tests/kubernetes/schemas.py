"""Validates resources strictly: a field that Kubernetes does not know is an error.

Kubernetes' own schemas come with kubernetes-validate. Those of custom resources are written here by hand, and allow no
more than the fields that the chart uses, with their meanings in the API references of cert-manager (v1), CloudNativePG
(1.28, v1) and the Prometheus operator (v1).
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

VERSION = "v1.37.0-local-strict"

Schema = dict[str, Any]


def faults(resource: dict[str, Any]) -> list[str]:
    """List what is wrong with a resource, each with its place."""
    name = f"{resource['kind']} {resource['metadata']['name']}"
    errors = _validator(resource["apiVersion"], resource["kind"]).iter_errors(resource)
    return [f"{name}: {'.'.join(str(part) for part in error.path)}: {error.message}" for error in errors]


@cache
def _validator(api_version: str, kind: str) -> Draft202012Validator:
    custom = CUSTOM.get((api_version, kind))
    if custom is not None:
        return Draft202012Validator(custom)
    group, _, version = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], version) if part)
    schema = _read(f"{name}.json")
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions())


@cache
def _definitions() -> "Registry[Any]":
    definitions: Registry[Any] = Registry()
    return Resource.from_contents(_read("_definitions.json")) @ definitions


def _read(name: str) -> Schema:
    text = files("kubernetes_validate").joinpath(f"kubernetes-json-schema/{VERSION}/{name}").read_text("utf-8")
    schema: Schema = json.loads(text)
    return schema


TEXT = {"type": "string"}
LABELS = {"type": "object", "additionalProperties": TEXT}
DURATION = {"type": "string", "pattern": "^([0-9]+(h|m|s))+$"}


def _closed(required: str = "", **fields: Any) -> Schema:
    """Return the schema of an object with these fields and no other."""
    return {"type": "object", "additionalProperties": False, "required": required.split(), "properties": fields}


def _several(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": item}


def _custom(api_version: str, kind: str, spec: Schema) -> tuple[tuple[str, str], Schema]:
    metadata = _closed("name namespace", name=TEXT, namespace=TEXT, labels=LABELS, annotations=LABELS)
    top = {"apiVersion": {"const": api_version}, "kind": {"const": kind}, "metadata": metadata, "spec": spec}
    return (api_version, kind), _closed("apiVersion kind metadata spec", **top)


CUSTOM: dict[tuple[str, str], Schema] = dict([
    _custom(
        "cert-manager.io/v1",
        "Issuer",
        {
            "oneOf": [
                _closed("selfSigned", selfSigned=_closed()),
                _closed("ca", ca=_closed("secretName", secretName=TEXT)),
            ]
        },
    ),
    _custom(
        "cert-manager.io/v1",
        "Certificate",
        _closed(
            "secretName issuerRef",
            secretName=TEXT,
            issuerRef=_closed("name", name=TEXT, kind={"enum": ["Issuer", "ClusterIssuer"]}, group=TEXT),
            isCA={"type": "boolean"},
            commonName={"type": "string", "maxLength": 64},
            dnsNames=_several(TEXT),
            usages=_several({"enum": ["digital signature", "key encipherment", "server auth", "client auth"]}),
            duration=DURATION,
            renewBefore=DURATION,
            privateKey=_closed(
                algorithm={"enum": ["RSA", "ECDSA", "Ed25519"]},
                size={"enum": [256, 384, 521]},
                rotationPolicy={"enum": ["Always", "Never"]},
            ),
        ),
    ),
    _custom(
        "postgresql.cnpg.io/v1",
        "Cluster",
        _closed(
            "instances",
            instances={"type": "integer", "minimum": 1},
            imageName=TEXT,
            bootstrap=_closed(
                initdb=_closed(database=TEXT, owner=TEXT, encoding=TEXT, localeCollate=TEXT, localeCType=TEXT)
            ),
            postgresql=_closed(
                parameters=LABELS,
                synchronous=_closed(
                    "method number",
                    method={"enum": ["any", "first"]},
                    number={"type": "integer", "minimum": 1},
                    dataDurability={"enum": ["required", "preferred"]},
                    failoverQuorum={"type": "boolean"},
                ),
            ),
            affinity=_closed(
                enablePodAntiAffinity={"type": "boolean"},
                topologyKey=TEXT,
                podAntiAffinityType={"enum": ["preferred", "required"]},
            ),
            storage=_closed(size=TEXT, storageClass=TEXT),
            resources=_closed(requests={"type": "object"}, limits={"type": "object"}),
        ),
    ),
    _custom(
        "monitoring.coreos.com/v1",
        "PodMonitor",
        _closed(
            "selector podMetricsEndpoints",
            jobLabel=TEXT,
            selector=_closed(
                matchLabels=LABELS,
                matchExpressions=_several(
                    _closed("key operator values", key=TEXT, operator=TEXT, values=_several(TEXT))
                ),
            ),
            podMetricsEndpoints=_several(_closed("port", port=TEXT, interval=DURATION)),
        ),
    ),
    _custom(
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        _closed(
            "groups",
            groups=_several(
                _closed(
                    "name rules",
                    name=TEXT,
                    interval=DURATION,
                    rules=_several(
                        {
                            **_closed(
                                "expr",
                                expr=TEXT,
                                alert=TEXT,
                                record=TEXT,
                                labels=LABELS,
                                annotations=LABELS,
                                **{"for": DURATION},
                            ),
                            "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
                        }
                    ),
                )
            ),
        ),
    ),
])  # fmt: skip
