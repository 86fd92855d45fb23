"""`python -m bench --quick | --full`: measures, prints the figures, and writes them to `docs/performance/`."""

import argparse
import os
import resource
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import describe
from bench.pages import page
from bench.plan import FULL, QUICK, SYSTEMS, Plan
from bench.plots import write_plots
from bench.programs import ROOT, ProgramFailed
from bench.results import Results, read_results, write_results
from bench.sections import SECTIONS
from bench.show import Show
from bench.stage import Stage
from bench.systems import NotTheSame
from bench.wrk import WrkFailed

WRITTEN = ROOT / "docs" / "performance"
WORK = ROOT / ".bench"
INTERRUPTED = 128 + signal.SIGINT

NO_WRK = "bench: there is no wrk; `apt install wrk` installs it"


def main() -> None:
    """Run the benchmark; what keeps it from running is one line and exit code 2."""
    given = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if given.again:
            report(read_results(given.again), given.again.parent)
        else:
            _run(QUICK if given.quick else FULL, tuple(given.systems), tuple(given.sections), given.output)
    except (ProgramFailed, NotTheSame, WrkFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--quick", action="store_true", help="three minutes")
    forms.add_argument("--full", action="store_true", help="twenty-five minutes; the default")
    forms.add_argument(
        "--again", type=Path, metavar="JSON", help="measure nothing; write a run's tables and plots anew"
    )
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS, help="measure only these")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="measure only these")
    parser.add_argument("--output", type=Path, help="folder for JSON, tables and plots")
    return parser


def _run(plan: Plan, names: tuple[str, ...], sections: tuple[str, ...], output: Path | None) -> None:
    if shutil.which("wrk") is None:
        print(NO_WRK, file=sys.stderr)
        sys.exit(2)
    _allow_files()
    folder = WORK / f"run-{time.time_ns()}"
    folder.mkdir(parents=True)
    begun = time.monotonic()
    results = Results(plan.form, datetime.now(UTC).isoformat(timespec="seconds"), describe(folder))
    wanted = [section for name, section in SECTIONS.items() if name in sections]
    show = Show(sum(section.windows(plan, names) for section in wanted))
    with show, Stage(folder, plan, names, results, show) as stage:
        _measure(stage, sections)
    results.took_seconds = time.monotonic() - begun
    target = output or (WRITTEN if plan is FULL else WRITTEN / plan.form)
    target.mkdir(parents=True, exist_ok=True)
    write_results(results, target / "results.json")
    report(results, target)


def _measure(stage: Stage, sections: tuple[str, ...]) -> None:
    for name, section in SECTIONS.items():
        if name not in sections or not section.windows(stage.plan, stage.names):
            continue
        if not section.goes_on:
            stage.close_systems()
            os.sync()  # what an earlier section wrote is not to compete with the commits of this one
        stage.show.section(name)
        section.run(stage)


def report(results: Results, folder: Path) -> None:
    """Print the figures, and write them with their plots into a folder."""
    text = page(results)
    (folder / "figures.md").write_text(text, "utf-8")
    write_plots(results, folder)
    print(text)


def _allow_files() -> None:
    """Open as many files as the system allows; wrk inherits it, and every connection is a file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
