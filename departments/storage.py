"""Where a department's data is: its database, and the migrations of its tables."""

from pathlib import Path

from departments.domain.menu import Menu
from departments.settings import DepartmentSettings
from infra.db.database import Database

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


def open_database(menu: Menu, settings: DepartmentSettings, *, read_only: bool = False) -> Database:
    """Open the department's database: its own SQLite file, or its own schema on PostgreSQL."""
    url = settings.database_url or Path(settings.home).absolute() / f"{menu.name}.db"
    schema = menu.name.replace("-", "_")
    return Database(
        url, schema=schema, tenant=settings.restaurant, read_only=read_only, timeout=settings.database_timeout
    )
