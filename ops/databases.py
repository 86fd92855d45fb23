"""Opens the databases of all programs, as the settings name them: the journal, and one for each menu file."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from departments import storage as department_storage
from departments.menu_file import menu_files, read_menu
from departments.menu_folder import menu_folder
from departments.settings import DepartmentSettings
from gateway import storage as journal_storage
from gateway.settings import GatewaySettings
from infra.db.database import Database
from infra.errors import StartError
from infra.setting_names import GATEWAY
from infra.settings import read_settings


@contextmanager
def opened_databases(
    environ: Mapping[str, str], *, read_only: bool = False
) -> Iterator[tuple[Database, dict[str, Database]]]:
    """Open the journal, and each department's database by its department's name; close them at the end.

    Raises StartError for a setting, a menu file or a database that cannot be used.
    """
    with ExitStack() as opened:
        settings = read_settings(GatewaySettings, "gateway", environ)
        journal = journal_storage.open_database(settings, read_only=read_only)
        opened.callback(journal.close)
        departments = {}
        for path in menu_files(menu_folder(environ)):
            menu = read_menu(path)
            own = read_settings(DepartmentSettings, menu.name, environ)
            departments[menu.name] = department_storage.open_database(menu, own, read_only=read_only)
            opened.callback(departments[menu.name].close)
        yield journal, departments


def prepare(database: Database) -> None:
    """Take a database for this process, and bring its tables up to date; raises StartError."""
    is_journal = database.schema == GATEWAY
    database.prepare(journal_storage.MIGRATIONS if is_journal else department_storage.MIGRATIONS)


def database_files(environ: Mapping[str, str]) -> dict[str, Path]:
    """Return the files of all databases by their programs' names, the journal's first.

    Raises StartError where a database is no file.
    """
    files = {}
    with opened_databases(environ) as (journal, departments):
        for name, database in {GATEWAY: journal, **departments}.items():
            if database.file is None:
                raise StartError(f"{database} is not a file; PostgreSQL's own pg_dump and pg_restore copy it")
            files[name] = database.file
    return files
