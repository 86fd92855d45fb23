"""Where a department's data is: its database, the migrations of its tables, and the folder of menu files."""

from collections.abc import Mapping
from pathlib import Path

from departments.domain.menu import Menu
from departments.menu_file import SHIPPED
from departments.settings import DepartmentSettings
from infra.db.database import Database
from infra.settings import read_settings

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


def open_database(menu: Menu, settings: DepartmentSettings, *, read_only: bool = False) -> Database:
    """Open the department's database: its own SQLite file, or its own schema on PostgreSQL."""
    url = settings.database_url or Path(settings.home).absolute() / f"{menu.name}.db"
    schema = menu.name.replace("-", "_")
    return Database(url, schema=schema, read_only=read_only, timeout=settings.database_timeout)


def menu_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of menu files that the environment names, or the one that ships; raises SettingsError."""
    folder = read_settings(DepartmentSettings, "", environ).menus
    return Path(folder) if folder else SHIPPED
