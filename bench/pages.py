"""The page of figures, written from what was measured."""

from collections.abc import Callable, Iterator

from bench.figures import cpu_per_order, latency, peak_memory, rate, ratio, spread, written_per_order
from bench.live_pages import live, queries
from bench.plan import ABOUT
from bench.results import OpenWindow, Results
from bench.tables import NOTHING, number, table, with_spread
from bench.targets import COMANDA, COMPARISON, MEGABYTE, TARGETS
from bench.windows import Window

SHOWN = 6
"""How many lines of a profile are shown."""


def page(results: Results) -> str:
    """Write all that was measured."""
    sections = [text for text in _sections(results) if text]
    return "\n\n".join([f"# Figures of the {results.form} form", _note(results), *sections]) + "\n"


def _note(results: Results) -> str:
    return (
        f"Written by `just bench --{results.form}`, begun {results.began}, over after {results.took_seconds:.0f} s;"
        " nobody edits it. Medians of the rounds, the least and the most in brackets; ratios are of windows of the same"
        " round."
    )


def _disturbance(results: Results) -> str:
    seen = spread(window.disturbance for window in results.windows)
    if seen is None:
        return ""
    return (
        f"Other programs, or another machine on the same hardware, had {seen.median:.0%} of the CPU time in the median"
        f" window, {seen.most:.0%} in the most disturbed one."
    )


def _sections(results: Results) -> Iterator[str]:
    yield _disturbance(results)
    yield "## Targets\n\n" + targets(results)
    yield "## Systems\n\n" + "\n".join(f"- **{name}**: {about}" for name, about in ABOUT.items())
    yield _comparison(results)
    yield _costs(results)
    yield _open_loop(results)
    yield _growth(results)
    yield queries(results)
    yield live(results)
    yield _starts(results)
    yield _endurance(results)
    yield _profiles(results)
    yield _errors(results)
    yield _machine(results)


def targets(results: Results) -> str:
    """Write the targets, beside what was seen."""
    rows = []
    for target in TARGETS:
        seen = target.seen(results)
        bound = f"{'≥' if target.at_least else '≤'} {target.limit:g}{target.unit}"
        rows.append([target.text, bound, NOTHING if seen is None else number(seen) + target.unit, target.verdict(seen)])
    return table(["Comanda on SQLite", "target", "seen", ""], rows)


def _comparison(results: Results) -> str:
    columns: list[tuple[str, Callable[[Window], float]]] = [
        ("orders/s", rate),
        ("p50, ms", latency(50)),
        ("p99, ms", latency(99)),
        ("CPU µs/order", cpu_per_order),
        ("written bytes/order", written_per_order),
        ("peak MB", lambda window: peak_memory(window) / MEGABYTE),
    ]
    tables = []
    for connections in _connections(results):
        rows = []
        for system in _systems(results):
            seen = results.of(COMPARISON, system, connections)
            times = ratio(results.of(COMPARISON, COMANDA, connections), seen, rate)
            figures = [with_spread(spread(map(metric, seen))) for _, metric in columns]
            batch = spread(window.mean_batch for window in seen if window.mean_batch is not None)
            name = f"{system}, with errors" if any(window.errors for window in seen) else system
            rows.append([name, *figures[:1], with_spread(times), *figures[1:], with_spread(batch)])
        head = ["system", "orders/s", "Comanda is", *(name for name, _ in columns[1:]), "mean batch"]
        tables.append(f"### {connections} {'connection' if connections == 1 else 'connections'}\n\n{table(head, rows)}")
    if not tables:
        return ""
    note = "“Comanda is”: orders/s of Comanda on SQLite divided by the system's. Peak: of the system's largest process."
    return "\n\n".join(["## Side by side", note, *tables])


def _costs(results: Results) -> str:
    rows = []
    for seen in results.syncs:
        calls = sum(seen.calls.values())
        each = ", ".join(f"{name} {number(count / seen.orders)}" for name, count in seen.calls.items())
        rows.append([seen.system, number(seen.orders / seen.seconds), number(calls / seen.orders), each])
    cpu = _cpu_by_process(results)
    syncs = table(["system", "orders/s", "fsyncs/order", "by program"], rows) if rows else ""
    note = "Counted while strace looked on, which slows every call to the system: its orders/s are not the system's."
    parts = ["## What an order costs", *([cpu] if cpu else []), *([note, syncs] if rows else [])]
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _cpu_by_process(results: Results) -> str:
    rows = []
    for system in _systems(results):
        seen = results.of(COMPARISON, system, 64)
        for name in seen[0].processes if seen else ():
            cpu = spread(window.processes[name].cpu_seconds / window.orders * 1e6 for window in seen)
            written = spread(window.processes[name].written_bytes / window.orders for window in seen)
            peak = spread(window.processes[name].peak_bytes / MEGABYTE for window in seen)
            rows.append([f"{system}: {name}", with_spread(cpu), with_spread(written), with_spread(peak)])
    return table(["64 connections", "CPU µs/order", "written bytes/order", "peak MB"], rows) if rows else ""


def _open_loop(results: Results) -> str:
    if not results.open_windows:
        return ""
    rows = [_open_row(seen) for seen in sorted(results.open_windows, key=lambda seen: (seen.rate, seen.system))]
    note = (
        "Orders come at a fixed rate whether earlier ones are answered or not; latencies count from the moment an order"
        " was due. “Sent late”: how long after that it was sent, the generator's own part."
    )
    head = ["system", "orders/s", "p50, ms", "p90, ms", "p99, ms", "p99.9, ms", "sent late p50, ms", "p99", "not 201"]
    return "\n\n".join(["## At fixed rates", note, table(head, rows)])


def _open_row(seen: OpenWindow) -> list[str]:
    latencies = [number(seen.latencies[p]) if seen.latencies else NOTHING for p in (50, 90, 99, 99.9)]
    lateness = [number(seen.lateness[p]) if seen.lateness else NOTHING for p in (50, 99)]
    return [seen.system, number(seen.rate), *latencies, *lateness, str(seen.asked - seen.orders)]


def _growth(results: Results) -> str:
    kinds = {
        "stored": ("orders stored", COMANDA),
        "departments": ("departments, 3 lines an order", COMANDA),
        "lines": ("lines an order, 3 departments", COMANDA),
        "gateways": ("gateways on PostgreSQL", "comanda-postgresql"),
    }
    tables = []
    for section, (name, system) in kinds.items():
        sizes = sorted({window.parameters["size"] for window in results.windows if window.section == section})
        rows = [_growth_row(results, section, system, size, sizes[0]) for size in sizes]
        if rows:
            tables.append(table([name, "orders/s", "against the first", "p50, ms", "p99, ms", "mean batch"], rows))
    recoveries = [
        f"{one.unfinished:,} unfinished orders were decided {one.seconds:.2f} s after the programs' start; the audit"
        " found nothing wrong."
        for one in results.recoveries
    ]
    return "\n\n".join(["## Growth, at 64 connections", *tables, *recoveries]) if tables or recoveries else ""


def _growth_row(results: Results, section: str, system: str, size: float, first: float) -> list[str]:
    seen = results.of(section, system, 64, size=size)
    against = ratio(seen, results.of(section, system, 64, size=first), rate)
    batch = spread(window.mean_batch for window in seen if window.mean_batch is not None)
    figures = [spread(map(metric, seen)) for metric in (latency(50), latency(99))]
    return [f"{size:,.0f}", *map(with_spread, (spread(map(rate, seen)), against, *figures, batch))]


def _starts(results: Results) -> str:
    rows = []
    for system in dict.fromkeys(start.system for start in results.starts):
        own = [start for start in results.starts if start.system == system]
        anew = spread(start.seconds for start in own if start.anew)
        again = spread(start.seconds for start in own if not start.anew)
        rows.append([system, with_spread(anew), with_spread(again)])
    head = ["seconds to the first good order", "on new databases", "on those of before"]
    return "## Start\n\n" + table(head, rows) if rows else ""


def _endurance(results: Results) -> str:
    if not results.endurance:
        return ""
    names = list(results.endurance[0].resident)
    step = max(1, len(results.endurance) // 10)
    samples = [*results.endurance[::step]]
    if samples[-1] is not results.endurance[-1]:
        samples.append(results.endurance[-1])
    rows = [[f"{sample.orders:,}", *(number(sample.resident[name] / MEGABYTE) for name in names)] for sample in samples]
    return "## Memory over time, 256 connections, MB\n\n" + table(["orders placed", *names], rows)


def _profiles(results: Results) -> str:
    tables = []
    for profile in results.profiles:
        if not profile.samples:
            continue
        packages = _shares(profile.packages, profile.samples)
        functions = _shares(profile.functions, profile.samples)
        empty = ("", "")
        rows = [
            [*(packages[n] if n < len(packages) else empty), *(functions[n] if n < len(functions) else empty)]
            for n in range(SHOWN)
        ]
        head = ["package", "share", "function", "share"]
        busy = f"The interpreter is held {profile.samples / profile.looks:.0%} of the time."
        tables.append(f"### {profile.system}: {profile.program}\n\n{busy}\n\n{table(head, rows)}")
    note = (
        "Samples of who held the interpreter, by the Python function on top. C code counts for the function that called"
        " it; `Runner.run` is the event loop itself, uvloop and what it calls in C. What gives the interpreter away, as"
        " SQLite and fsync do, is not seen here, but in the CPU time of the process above."
    )
    return "\n\n".join(["## Where the time goes, at 64 connections", note, *tables]) if tables else ""


def _shares(counts: dict[str, int], samples: int) -> list[tuple[str, str]]:
    return [(f"`{name}`", f"{count / samples:.1%}") for name, count in list(counts.items())[:SHOWN]]


def _errors(results: Results) -> str:
    rows = [
        [f"{w.section}: {w.system}", str(w.connections), str(w.round + 1), f"{w.orders:,}", _spell(w.errors)]
        for w in results.windows
        if w.errors
    ]
    missing = "\n".join(f"- {text}" for text in results.missing)
    if not rows:
        return "\n\n".join(filter(None, ["## Errors", "None: every order of every window got 201.", missing]))
    head = ["window", "connections", "round", "answered 201", "errors"]
    return "\n\n".join(filter(None, ["## Errors", table(head, rows), missing]))


def _spell(errors: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in errors.items())


def _machine(results: Results) -> str:
    facts = results.machine | ({"PostgreSQL": ", ".join(f"{k} {v}" for k, v in results.postgresql.items())})
    return "## Machine\n\n" + table(["", ""], [[name, text] for name, text in facts.items() if text])


def _connections(results: Results) -> list[int]:
    return sorted({window.connections for window in results.windows if window.section == COMPARISON})


def _systems(results: Results) -> list[str]:
    seen = {window.system for window in results.windows if window.section == COMPARISON}
    return [name for name in ABOUT if name in seen]
