"""Validates resources strictly: a field that Kubernetes does not know is an error.

Kubernetes' own schemas come with kubernetes-validate. Those of custom resources are in crds/; its README.md says where
they come from.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

CUSTOM = Path(__file__).parent / "crds"
VERSION = "v1.37.0-local-strict"

Schema = dict[str, Any]


def faults(resource: dict[str, Any]) -> list[str]:
    """List what is wrong with a resource, each with its place."""
    name = f"{resource['kind']} {resource['metadata']['name']}"
    errors = _validator(resource["apiVersion"], resource["kind"]).iter_errors(resource)
    return [f"{name}: {'.'.join(str(part) for part in error.path)}: {error.message}" for error in errors]


@cache
def _validator(api_version: str, kind: str) -> Draft202012Validator:
    custom = CUSTOM / f"{kind}.json"
    if custom.exists():
        return Draft202012Validator(json.loads(custom.read_text()))
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
