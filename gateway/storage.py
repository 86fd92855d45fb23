"""Where the gateway's data is: the journal's database, and the migrations of its tables."""

from pathlib import Path

from gateway.settings import GatewaySettings
from infra.db.database import Database

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


def open_database(settings: GatewaySettings, *, read_only: bool = False) -> Database:
    """Open the journal: a SQLite file, or a schema on PostgreSQL."""
    url = settings.database_url or Path(settings.home).absolute() / "gateway.db"
    return Database(
        url, schema="gateway", tenant=settings.restaurant, read_only=read_only, timeout=settings.database_timeout
    )
