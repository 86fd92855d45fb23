"""Words that were retired, each with the word of docs/architecture.md's glossary, or of the field, that replaced it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

RETIRED = {
    r"plumbing": "infra",
    r"(?<![a-z])houses?(?![a-z])": "restaurant, programs, ops",
    r"(?<![a-z])(?<!math\.)floors?(?![a-z])": "department service, department client, network",
    r"(?<![a-z])desks?(?![a-z])": "transactions",
    r"(?<![a-z])shel(f|ves)(?![a-z])": "stock",
    r"(?<![a-z])patience(?![a-z])": "retry policy",
    r"(?<![a-z])knock(s|ed|ing)?(?![a-z])": "probe",
    r"(?<![a-z])hand_?over(?![a-z])": "send",
    r"(?<![a-z])take_back(?![a-z])": "cancel",
    r"(?<![a-z])let_go(?![a-z])": "release, close",
    r"(?<![a-z])heard(?![a-z])": "received",
    r"at work or at rest": "running or stopped",
    r"nobody looks after": "the mechanism, with its subject",
    r"is told": "receives, gets",
    r"(?<![a-z])ordering(?=[:.,)])": "service, of an OrderService",
    r"nobody was told": "the mechanism, with its subject",
    r"(is|are|was|were) answered (20|40|50)": "gets",
}
"""Patterns, without regard to case: `_` and digits end a word, so that identifiers are found too."""

RETIRED_NAMES = RETIRED | {r"(?<![a-z])answer": "response, result; respond, return"}
"""Those, and what is retired from the names in tests only."""

OLD_PROFILES = ("docs/performance/figures.md",)
ALLOWED = {"floor": ("docs/performance", "bench/"), "plumbing": OLD_PROFILES, "desk": OLD_PROFILES}
"""Where a word may stay: the benchmark's lower bound is its floor; measured profiles have the modules' old names."""

TEXTS = (
    "departments",
    "gateway",
    "infra",
    "ops",
    "bench",
    "proto",
    "deploy",
    ".ci",
    "SECURITY.md",
    "docs/access.md",
    "docs/architecture.md",
    "docs/deployment.md",
    "docs/events.md",
    "docs/office.es.md",
    "docs/office.ko.md",
    "docs/office.md",
    "docs/performance",
    "docs/performance.md",
    "docs/performance-notes.md",
    "docs/reliability.md",
    "docs/screens.es.md",
    "docs/screens.ko.md",
    "docs/screens.md",
    "docs/security.md",
    "docs/settings.md",
    "docs/staff.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "justfile",
    "docker-compose.yml",
    "docker-compose.postgres.yml",
    "Dockerfile",
    "pyproject.toml",
)
"""Product code and docs, of which every line is searched."""

TESTS = ("tests",)
"""Folders of tests, of which names are searched: of files, functions and classes."""

NAMED = re.compile(r"\s*(?:async )?(?:def|class) (\w+)")
SUFFIXES = {"", ".py", ".md", ".toml", ".yml", ".proto", ".cfg", ".js", ".css", ".html", ".mako"}


def files(names: tuple[str, ...]) -> list[Path]:
    found = [
        path for name in names for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"))
    ]
    return sorted(
        path
        for path in found
        if path.is_file() and path.suffix in SUFFIXES and not {"swagger-ui", "vendor"} & set(path.parts)
    )


def retired_words(path: str, text: str, retired: Mapping[str, str] = RETIRED) -> list[str]:
    """List the retired words of a text, each with what to write instead."""
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r} is retired; use: {instead}"
        for pattern, instead in retired.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
        if not path.startswith(ALLOWED.get(match[0].lower().rstrip("s"), ("\0",)))
    ]


def names_only(code: str) -> str:
    """Return the names of functions and classes, each on its own line's number."""
    return "\n".join(found[1] if (found := NAMED.match(line)) else "" for line in code.splitlines())


def found_in(names: tuple[str, ...], read: Callable[[str], str], retired: Mapping[str, str] = RETIRED) -> list[str]:
    """List the retired words of files: in their paths, and in what `read` takes of their texts."""
    texts = [(str(path.relative_to(ROOT)), path.read_text()) for path in files(names)]
    return [
        found
        for path, text in texts
        for found in retired_words(path, path, retired) + retired_words(path, read(text), retired)
    ]


def test_no_text_has_a_retired_word() -> None:
    assert found_in(TEXTS, str) == []


def test_no_test_is_named_with_a_retired_word() -> None:
    assert found_in(TESTS, names_only, RETIRED_NAMES) == []


@pytest.mark.parametrize(
    "text",
    [
        "a plumbing error",
        "House(",
        "run_house(",
        "floors.py",
        "the desk's",
        "Shelves",
        "a task knocks",
        "handOver",
        "is told",
    ],
)
def test_a_retired_word_is_found(text: str) -> None:
    assert len(retired_words("a.py", text)) == 1


@pytest.mark.parametrize("text", ["a warehouse", "floored", "a desktop", "overheard", "the order is total"])
def test_a_word_that_only_contains_one_is_not(text: str) -> None:
    assert retired_words("a.py", text) == []


def test_a_name_that_is_retired_in_tests_is_found() -> None:
    code = "async def test_it_answers() -> None:\n    answer = 1\n"
    assert len(retired_words("a.py", names_only(code), RETIRED_NAMES)) == 1
