"""The result of an audit: counts and findings, and the table that `just audit` prints."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ops.audit.rules import HARMLESS, Column, Finding

SHOWN = 20
KEPT = 1000
"""How many findings of a column are shown, and how many are kept; all are counted."""


def _no_findings() -> dict[Column, list[Finding]]:
    return {column: [] for column in Column}


def _no_subjects() -> dict[Column, set[str]]:
    return {column: set() for column in Column}


@dataclass(slots=True)
class Report:
    """What an audit found.

    `acknowledged`: how many orders were acknowledged, by the client's log, or by the journal where there is no log.
    `without_menu`: by each department without a menu file, how many open orders still owe it something.
    `unreadable`: the reason for each order, and for each "department order", that this version cannot read.
    """

    acknowledged: int = 0
    orders: int = 0
    tickets: int = 0
    counter_sales: int = 0
    without_menu: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    findings: dict[Column, list[Finding]] = field(default_factory=_no_findings)
    subjects: dict[Column, set[str]] = field(default_factory=_no_subjects)

    @property
    def counts(self) -> dict[Column, int]:
        """Return how many orders, or items, are in each column."""
        return {column: len(subjects) for column, subjects in self.subjects.items()}

    @property
    def is_right(self) -> bool:
        """Return whether every promise was kept."""
        return not any(found for column, found in self.findings.items() if column not in HARMLESS)

    @property
    def is_complete(self) -> bool:
        """Return whether every record could be read, and every open order be compared with its tickets."""
        return not (self.unreadable or self.without_menu.total())

    def add(self, findings: Iterable[Finding]) -> None:
        """Count all of these findings, and keep the first ones of each column."""
        for finding in findings:
            self.subjects[finding.column].add(finding.subject)
            if len(self.findings[finding.column]) < KEPT:
                self.findings[finding.column].append(finding)

    def table(self) -> str:
        """Return the table, and below it the findings behind each figure that is not zero, as lines of text."""
        summary = f"{self.orders} orders, {self.tickets} tickets, {self.counter_sales} of them sold over the counter"
        return "\n".join([*self._figures(), summary, *self._unknown(), *self._details()])

    def _figures(self) -> Iterator[str]:
        figures: dict[str, int] = {"acknowledged": self.acknowledged} | {str(k): n for k, n in self.counts.items()}
        widths = [max(len(name), len(str(count))) for name, count in figures.items()]
        yield "  ".join(name.rjust(width) for name, width in zip(figures, widths, strict=True))
        yield "  ".join(str(count).rjust(width) for count, width in zip(figures.values(), widths, strict=True))

    def _unknown(self) -> Iterator[str]:
        if self.without_menu:
            yield f"not looked at, as there is no menu file: {', '.join(sorted(self.without_menu))}"
        for name, count in sorted((+self.without_menu).items()):
            yield f"not known: {count} open orders are owed something by {name}, which has no menu file"
        for subject, reason in sorted(self.unreadable.items())[:SHOWN]:
            yield f"not known: {subject} cannot be read: {reason}"
        if (more := len(self.unreadable) - SHOWN) > 0:
            yield f"not known: and {more} more cannot be read"

    def _details(self) -> Iterator[str]:
        for column, found in self.findings.items():
            shown = found[:SHOWN]
            for _, subject, reason in shown:
                yield f"{column}: {subject}: {reason}"
            if more := len(self.subjects[column] - {finding.subject for finding in shown}):
                yield f"{column}: and {more} more"
