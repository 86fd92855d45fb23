"""Runs rendered pods with a Docker engine: their commands, environment, volumes, limits and probes, as a node would."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.containers.stack import Container, docker
from tests.support.chart import Resource

Files = Mapping[str, str]


@dataclass
class Node:
    """A machine with a network of its own, and the ConfigMaps and Secrets that its pods use."""

    name: str
    folder: Path
    config_maps: dict[str, Files] = field(default_factory=dict)
    secrets: dict[str, Files] = field(default_factory=dict)
    _mounted: dict[str, Path] = field(default_factory=dict)
    _versions: int = 0

    def open(self) -> None:
        """Make the network."""
        docker("network", "create", self.name)

    def close(self) -> None:
        """Remove every container of the network, and the network."""
        running = docker("ps", "--all", "--quiet", f"--filter=network={self.name}").split()
        if running:
            docker("rm", "--force", "--volumes", *running)
        docker("network", "rm", self.name)

    def start(self, name: str, pod: Resource, service: str = "") -> Container:
        """Run a pod's init containers to their ends, and start its only container, which the name `service` finds."""
        volumes = {each["name"]: self._mount(f"{name}-{each['name']}", each, pod) for each in pod["volumes"]}
        for each in pod.get("initContainers", []):
            self._finish(["run", "--rm", *self._options(pod, each, volumes), each["image"], *each["args"]])
        (container,) = pod["containers"]
        alias = [f"--network-alias={service}"] if service else []
        options = [
            f"--name={self.name}-{name}",
            "--restart=unless-stopped",
            *alias,
            *self._options(pod, container, volumes),
        ]
        return Container(docker("run", "--detach", *options, container["image"], *container["args"]).strip())

    def run(self, name: str, pod: Resource) -> str:
        """Run a pod's only container to its end, and return what it prints; raises AssertionError where it fails."""
        volumes = {each["name"]: self._mount(f"{name}-{each['name']}", each, pod) for each in pod["volumes"]}
        (container,) = pod["containers"]
        return docker(
            "run",
            "--rm",
            *self._options(pod, container, volumes),
            container["image"],
            *container["args"],
        )

    def update(self, config_map: str, files: Files, *volumes: str) -> None:
        """Change a ConfigMap, and bring it into volumes that are mounted, each in one step, as the kubelet does."""
        self.config_maps[config_map] = files
        for each in volumes:
            self._swap(self._mounted[each], files)

    def _finish(self, command: list[str]) -> None:
        """Run an init container again until it ends well, as the kubelet does, five times at most."""
        for _ in range(4):
            try:
                docker(*command)
            except AssertionError as error:
                print(error)
            else:
                return
        docker(*command)

    def _options(self, pod: Resource, container: Resource, volumes: Mapping[str, Path]) -> list[str]:
        user, limits = pod["securityContext"], container["resources"]["limits"]
        security = container["securityContext"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"]
        return [
            f"--network={self.name}",
            "--no-healthcheck",  # Kubernetes takes no notice of an image's own
            f"--user={user['runAsUser']}:{user['runAsGroup']}",
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            f"--cpus={limits['cpu']}",
            f"--memory={limits['memory'].removesuffix('i').lower()}",
            *[f"--env={each['name']}={self._value(each)}" for each in container["env"]],
            *[f"--volume={volumes[each['name']]}:{each['mountPath']}:ro" for each in container["volumeMounts"]],
        ]

    def _value(self, variable: Resource) -> str:
        if "value" in variable:
            return str(variable["value"])
        wanted = variable["valueFrom"]["secretKeyRef"]
        return self.secrets[wanted["name"]][wanted["key"]]

    def _mount(self, name: str, volume: Resource, pod: Resource) -> Path:
        """Lay a volume's files out as the kubelet does: links over `..data`, which is replaced as a whole."""
        if name in self._mounted:
            return self._mounted[name]
        group = pod["securityContext"]["fsGroup"]
        place = self.folder / name
        place.mkdir()
        if "secret" in volume:
            secret = self.secrets[volume["secret"]["secretName"]]
            wanted = {each["key"]: each["path"] for each in volume["secret"].get("items", [])} or {k: k for k in secret}
            files = {path: secret[key] for key, path in wanted.items()}
            self._swap(place, files, volume["secret"]["defaultMode"], group)
        else:
            sources = volume["projected"]["sources"]
            files = {
                file: text for each in sources for file, text in self.config_maps[each["configMap"]["name"]].items()
            }
            self._swap(place, files, volume["projected"]["defaultMode"], group)
        self._mounted[name] = place
        return place

    def _swap(self, place: Path, files: Files, mode: int = 0o444, group: int = -1) -> None:
        self._versions += 1
        version = place / f"..{self._versions}"
        version.mkdir()
        for name, text in files.items():
            (version / name).write_text(text)
            os.chown(version / name, 0, group)
            (version / name).chmod(mode)
            if not (place / name).is_symlink():
                (place / name).symlink_to(f"..data/{name}")
        (place / "..new").symlink_to(version.name)
        (place / "..new").rename(place / "..data")


def passes(container: Container, probe: Resource, port: int = 0) -> bool:
    """Tell whether a probe of a container passes now."""
    if "exec" in probe:
        command = ["docker", "exec", container.id, *probe["exec"]["command"]]
        return not subprocess.run(command, capture_output=True, check=False, timeout=60).returncode
    url = f"http://{address(container)}:{port}{probe['httpGet']['path']}"
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def logs(container: Container) -> str:
    """Return what a container's program has logged."""
    return subprocess.run(["docker", "logs", container.id], capture_output=True, text=True, check=True).stderr


def address(container: Container) -> str:
    """Return a container's address on its network."""
    (network,) = container.inspect()["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])


def config_maps(resources: list[Resource]) -> dict[str, Files]:
    """Return the files of each ConfigMap that is among the resources."""
    return {each["metadata"]["name"]: each["data"] for each in resources if each["kind"] == "ConfigMap"}


def pod_of(resource: Resource) -> Any:
    """Return the pod that a Deployment or a CronJob makes."""
    spec = resource["spec"]
    return (spec["jobTemplate"]["spec"] if resource["kind"] == "CronJob" else spec)["template"]["spec"]
