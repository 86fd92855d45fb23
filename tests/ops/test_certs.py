import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.tls import Credentials
from ops import certs

PROGRAMS = ["bakery", "bar", "gateway", "kitchen"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "certs")
    return tmp_path / "certs"


def make(folder: Path, *arguments: str) -> None:
    certs.main([*arguments, "--folder", str(folder)])


def load(folder: Path, program: str) -> Credentials:
    own = folder / program
    return Credentials(program, str(own / "ca.pem"), str(own / "cert.pem"), str(own / "key.pem"))


def all_are_good(folder: Path) -> None:
    for program in PROGRAMS:
        load(folder, program)  # which checks them


def contents(folder: Path, name: str) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in folder.glob(f"*/{name}") if path.parent.name != "ca"}


def test_every_program_gets_a_certificate_of_its_own(folder: Path) -> None:
    for program in PROGRAMS:
        assert load(folder, program).name == program
    assert len(set(contents(folder, "key.pem").values())) == len(PROGRAMS)


def test_the_domain_is_part_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMANDA_TLS_DOMAIN", "example.org")
    make(tmp_path)
    own = tmp_path / "bar"
    bar = Credentials("bar.example.org", *(str(own / f"{kind}.pem") for kind in ("ca", "cert", "key")))
    assert bar.until > datetime.now(UTC).isoformat()


def test_the_proxy_gets_key_and_certificate_in_one_file(tmp_path: Path) -> None:
    make(tmp_path, "--host", "till.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "proxy" / "proxy.pem")
    text = ssl._ssl._test_decode_cert(str(tmp_path / "proxy" / "proxy.pem"))  # type: ignore[attr-defined]
    names = [name for _, name in text["subjectAltName"]]
    assert names == ["localhost", "127.0.0.1", "till.example.org"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_gets_in_and_may_read_keys(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "certs"
    make(folder)
    assert [mode(each) for each in (folder.parent, folder, folder / "ca")] == [0o700] * 3
    keys = [*folder.glob("*/key.pem"), folder / "proxy" / "proxy.pem"]
    assert {mode(key) for key in keys} == {0o600}
    assert len(keys) == len(PROGRAMS) + 2
    assert mode(folder / "bar" / "ca.pem") == 0o644


def test_a_container_may_read_what_it_is_given_and_that_stays_so(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    make(folder, "--containers")
    for _ in range(2):
        assert mode(folder) == mode(folder / "ca") == 0o700
        assert mode(folder / "ca" / "key.pem") == 0o600
        assert mode(folder / "bar") == 0o755
        assert mode(folder / "bar" / "key.pem") == mode(folder / "proxy" / "proxy.pem") == 0o644
        make(folder)


def test_again_is_new_certificates_by_the_same_authority(folder: Path) -> None:
    trusted, keys = contents(folder, "ca.pem"), contents(folder, "key.pem")
    make(folder)
    assert contents(folder, "ca.pem") == trusted
    assert all(key != keys[program] for program, key in contents(folder, "key.pem").items())


def test_an_authority_is_changed_in_three_steps_and_all_are_good_after_each(folder: Path) -> None:
    (old,) = set(contents(folder, "ca.pem").values())
    leaves = contents(folder, "cert.pem")

    make(folder, "new-authority")
    (both,) = set(contents(folder, "ca.pem").values())
    assert both.endswith(old)
    assert contents(folder, "cert.pem") == leaves
    all_are_good(folder)

    make(folder, "issue")
    assert set(contents(folder, "ca.pem").values()) == {both}
    all_are_good(folder)

    make(folder, "forget-old")
    (new,) = set(contents(folder, "ca.pem").values())
    assert new + old == both
    all_are_good(folder)


def test_a_change_that_is_not_over_is_not_begun_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(folder, "new-authority")
    with pytest.raises(SystemExit, match="2"):
        make(folder, "new-authority")
    assert "the last change is not over; 'forget-old' ends it" in capsys.readouterr().err


def test_there_is_nothing_to_change_at_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in ("new-authority", "forget-old"):
        with pytest.raises(SystemExit, match="2"):
            make(tmp_path, step)
        assert "there is no authority yet; 'issue' makes it\n" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match="2"):
        make(tmp_path / "file" / "certs")
    assert capsys.readouterr().err == f"certs: {tmp_path / 'file' / 'certs'}: Not a directory\n"
