"""The report's counts and table."""

from ops.audit.report import KEPT, SHOWN, Report
from ops.audit.rules import Column, Finding

NOTHING_WRONG = dict.fromkeys(Column, 0)


def test_a_report_counts_all_and_keeps_the_first() -> None:
    report = Report()
    report.add(Finding(Column.LOST, str(number), "gone") for number in range(2 * KEPT) for _ in range(2))

    assert report.counts == NOTHING_WRONG | {Column.LOST: 2 * KEPT}
    assert len(report.findings[Column.LOST]) == KEPT
    assert report.table().endswith(f"\nlost: and {2 * KEPT - SHOWN // 2} more")
