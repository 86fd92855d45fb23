"""The Helm chart, rendered by the Helm library as `helm template comanda deploy/helm/comanda -n comanda` renders it."""

import json
import shutil
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from helm_python import Chart

ROOT = Path(__file__).parent.parent.parent
CHART = ROOT / "deploy/helm/comanda"
COMMITTED = ROOT / "deploy/kubernetes/comanda.yaml"
MENUS = ROOT / "departments/menus"
RULES = ROOT / "deploy/observability/rules.yml"

HEAD = """\
# What deploy/helm/comanda renders by default; `just fix` writes it, and docs/kubernetes.md tells how to use it.
apiVersion: v1
kind: Namespace
metadata:
  name: comanda
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""

Values = Mapping[str, Any]
Resource = dict[str, Any]


@cache
def chart() -> Chart:
    """Load the chart, once."""
    return Chart.load(CHART)


def render_text(values: Values | None = None) -> str:
    """Render the chart, as YAML; raises HelmError."""
    files = chart().render(dict(values or {}), name="comanda", namespace="comanda")
    parts = [part.strip("\n") for _, text in sorted(files.items()) for part in text.split("\n---\n")]
    return "".join(f"---\n{part.removeprefix('---').strip()}\n" for part in parts if part.strip("- \n"))


def render(values: Values | None = None) -> list[Resource]:
    """Render the chart, as resources that the caller may change; raises HelmError."""
    return deepcopy(_rendered(json.dumps(dict(values or {}))))


@cache
def _rendered(values: str) -> list[Resource]:
    return [each for each in yaml.load_all(render_text(json.loads(values)), Loader=yaml.CSafeLoader) if each]


def main() -> None:
    """Write the files that are made of others: the chart's copies, and the rendered default."""
    for copy, original in copies().items():
        shutil.copyfile(original, copy)
    COMMITTED.parent.mkdir(exist_ok=True)
    COMMITTED.write_text(HEAD + render_text())


def copies() -> dict[Path, Path]:
    """Return what the chart has a copy of, by copy: a chart cannot read files outside its folder."""
    menus = {CHART / "files/menus" / each.name: each for each in sorted(MENUS.glob("*.toml"))}
    return {**menus, CHART / "files/rules.yml": RULES}


if __name__ == "__main__":
    main()
