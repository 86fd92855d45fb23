"""Compiles the counters' contracts for the peers, with the tool that their users have."""

import subprocess
import sys
from pathlib import Path

from bench.programs import ROOT

PROTOS = ("bar.proto", "kitchen.proto", "bakery.proto")


def compile_counters(folder: Path) -> None:
    """Write the counters' modules into a new folder."""
    folder.mkdir()
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}"]
    subprocess.run([*command, f"--python_out={folder}", f"--grpc_python_out={folder}", *PROTOS], check=True)
