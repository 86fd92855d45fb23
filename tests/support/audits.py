"""What the auditor prints."""

import subprocess


def figures(audit: "subprocess.CompletedProcess[str]") -> dict[str, int]:
    """Read the auditor's table."""
    names, counts = audit.stdout.splitlines()[:2]
    return dict(zip(names.replace("stock law", "stock-law").split(), map(int, counts.split()), strict=True))
