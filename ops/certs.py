"""`just certs`: an authority and certificates, for development and where there is no authority yet.

It needs trustme, which is installed for development only.
"""

import argparse
import os
import stat
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from departments.menu_file import menu_files, read_menu
from departments.menu_folder import menu_folder
from departments.settings import DepartmentSettings
from infra.db.sqlite_files import OWNER_ONLY, OWNER_ONLY_FOLDER, make_folder
from infra.errors import StartError
from infra.settings import read_settings
from infra.tls import certificate_name

FOLDER = Path(".comanda/certs")
VALID = timedelta(days=365)
PROXY = "proxy"
KEYS = ("key.pem", "proxy.pem")

STEPS = """
A folder for each program, with what COMANDA_TLS_CA, COMANDA_TLS_CERT and COMANDA_TLS_KEY name: ca.pem, cert.pem,
key.pem. Running programs load new files by themselves. The authority is changed in three steps, so that no program
is refused at any moment; every program has to have loaded the files of a step before the next one:

  new-authority   make a new authority; all programs trust both
  issue           issue certificates by the new authority
  forget-old      all programs trust the new authority only
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make or renew what the arguments say; an error is one line on standard error and exit code 2."""
    parser = argparse.ArgumentParser(
        prog="just certs", description=__doc__, epilog=STEPS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", nargs="?", choices=["issue", "new-authority", "forget-old"], default="issue")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where they are (default: {FOLDER})")
    parser.add_argument("--host", action="append", default=[], help="another name or address of the proxy")
    parser.add_argument("--containers", action="store_true", help="let the users of containers read the keys")
    parsed = parser.parse_args(arguments)
    try:
        folder = CertificateFolder(parsed.folder, _programs(), for_containers=parsed.containers)
        if parsed.step == "issue":
            folder.issue(["localhost", "127.0.0.1", *parsed.host])
        elif parsed.step == "new-authority":
            folder.change_authority()
        else:
            folder.forget_old()
    except StartError as error:
        print(f"certs: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"certs: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    print(f"{parsed.step}: {', '.join(_programs())}, {PROXY} in {parsed.folder}")


class CertificateFolder:
    """The authority, and a folder for each program, which only their owner can enter on this machine."""

    def __init__(self, folder: Path, programs: dict[str, str], *, for_containers: bool = False) -> None:
        """`programs`: the names in their certificates, by the programs' names.

        `for_containers` makes the programs' keys readable for all users, because a container's user has another number
        than the owner here. The folder around them stays the owner's. A renewed key stays as readable as it was.
        """
        self._folder = folder
        self._for_containers = for_containers
        self._programs = programs
        self._authority = folder / "ca"
        if not folder.parent.exists():
            make_folder(folder.parent)
        make_folder(folder)
        folder.chmod(OWNER_ONLY_FOLDER)

    def issue(self, proxy_hosts: Sequence[str]) -> None:
        """Issue a certificate for each program, and for the proxy, which clients reach by its hosts' names."""
        if not (self._authority / "cert.pem").exists():
            self._make_authority()
        authority = trustme.CA.from_pem(self._read("cert.pem"), self._read("key.pem"))
        until = datetime.now(UTC) + VALID
        for program, name in self._programs.items():
            leaf = authority.issue_cert(name, common_name=name, not_after=until)
            self._write(program, "key.pem", leaf.private_key_pem.bytes())
            self._write(program, "cert.pem", *(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf = authority.issue_cert(*proxy_hosts, common_name=proxy_hosts[0], not_after=until)
        self._write(PROXY, "proxy.pem", leaf.private_key_and_cert_chain_pem.bytes())
        self._trust()

    def change_authority(self) -> None:
        """Make a new authority, which all programs trust beside the old one; certificates stay as they are."""
        if (self._authority / "old.pem").exists():
            raise StartError(f"{self._authority / 'old.pem'}: the last change is not over; 'forget-old' ends it")
        self._write("ca", "old.pem", self._read("cert.pem"))
        self._make_authority()
        self._trust()

    def forget_old(self) -> None:
        """Make all programs trust the newest authority only."""
        (self._authority / "old.pem").unlink(missing_ok=True)
        self._trust()

    def _make_authority(self) -> None:
        authority = trustme.CA(organization_name="Comanda")
        self._write("ca", "key.pem", authority.private_key_pem.bytes())
        self._write("ca", "cert.pem", authority.cert_pem.bytes())

    def _trust(self) -> None:
        old = self._authority / "old.pem"
        trusted = [self._read("cert.pem"), *([old.read_bytes()] if old.exists() else [])]
        for program in (*self._programs, PROXY):
            self._write(program, "ca.pem", *trusted)

    def _read(self, name: str) -> bytes:
        try:
            return (self._authority / name).read_bytes()
        except FileNotFoundError:
            raise StartError(f"{self._authority}: there is no authority yet; 'issue' makes it") from None

    def _write(self, program: str, name: str, *blobs: bytes) -> None:
        """Write a file and rename it into place: a program may read it at any moment."""
        folder = self._folder / program
        make_folder(folder)
        folder.chmod(OWNER_ONLY_FOLDER if folder == self._authority else 0o755)
        unfinished = folder / f".{name}"
        unfinished.unlink(missing_ok=True)
        unfinished.touch(OWNER_ONLY)
        unfinished.write_bytes(b"".join(blobs))
        if not self._is_secret(folder / name):
            unfinished.chmod(0o644)
        unfinished.replace(folder / name)

    def _is_secret(self, file: Path) -> bool:
        """Return whether only the owner may read a file: one with a key, unless a container's user has to read it."""
        if file.name not in KEYS:
            return False
        if file.parent == self._authority:
            return True
        was_open = file.exists() and bool(file.stat().st_mode & stat.S_IROTH)
        return not (self._for_containers or was_open)


def _programs() -> dict[str, str]:
    domain = read_settings(DepartmentSettings, "", os.environ).tls_domain
    names = ["gateway", *(read_menu(path).name for path in menu_files(menu_folder(os.environ)))]
    return {name: certificate_name(name, domain) for name in names}


if __name__ == "__main__":
    main()
