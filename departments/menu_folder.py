"""Where the menu files are. Apart from storage.py, because `up` and health checks need no database."""

from collections.abc import Mapping
from pathlib import Path

from departments.menu_file import SHIPPED
from departments.settings import DepartmentSettings
from infra.settings import read_settings


def menu_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of menu files that the environment names, or the one that ships; raises SettingsError."""
    folder = read_settings(DepartmentSettings, "", environ).menus
    return Path(folder) if folder else SHIPPED
