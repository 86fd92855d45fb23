# Comanda's recipes. `just` alone lists them.
set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

bin := justfile_directory() / ".venv/bin"
export PATH := bin + ":" + env("PATH")

# list the recipes
default:
    @just --list --unsorted

# make .venv from the hashed requirements, with what development needs; quick when there is nothing to do
setup:
    @.ci/setup dev

# the same with what running needs; more than that is kept
_run-setup:
    @.ci/setup run

# install what the checks of the pages' modules need: types, lint, accessibility
_web-setup:
    @.ci/setup web

# just takes a signal for a failure, but for a line whose failures it ignores: so the exit code comes by a file

# run everything: three departments and the gateway, on SQLite, until Ctrl-C
[no-exit-message]
up: _run-setup
    -@exec .ci/up ".venv/up-$PPID" up
    @code=$(cat ".venv/up-$PPID" 2>/dev/null || echo 130); rm -f ".venv/up-$PPID"; exit "$code"

# a made-up evening in a restaurant of its own, until Ctrl-C: `just demo --help`
[no-exit-message]
demo *args: _run-setup
    -@exec .ci/up ".venv/demo-$PPID" demo "$@"
    @code=$(cat ".venv/demo-$PPID" 2>/dev/null || echo 130); rm -f ".venv/demo-$PPID"; exit "$code"

# compile the protos into generated/
gen: setup
    @.ci/gen generated

# format, lint, types, imports, protos, generated code, rules, written pages, modules: reads only
check: setup _web-setup
    ruff format --check .
    ruff check .
    mypy
    lint-imports
    buf lint
    @.ci/gen --check generated
    python -m pytest -q tests/test_rules.py tests/test_words.py tests/test_architecture.py tests/ops/test_settings_page.py tests/observability/test_files.py
    npm run --silent check

# write what `check` would complain about
fix: setup _web-setup
    ruff format .
    ruff check --fix .
    npm run --silent fix
    python -m ops settings > docs/settings.md
    python -m tests.architecture
    python -m ops.diagrams docs/architecture.md
    python -m ops.dashboard
    python -m tests.support.chart

# run the tests, side by side; what takes longer than a change should is in `prove`
test *args: setup
    @.ci/tests "$@"

# run the tests that start no other process, PostgreSQL included, with small samples: less than half a minute
test-fast *args: setup
    @.ci/tests -m fast "$@"

# run the proofs in their short forms, two at a time: simulation, model, planted bugs, torture, fuzz, failover, crowds
prove *args: setup
    python -m pytest -m proof -n 2 --dist loadfile --no-loadscope-reorder "$@"

# look at the pages in a real Chromium, which has to be installed; what is timed runs alone, at the end
test-pages *args: setup _web-setup
    @if (($#)); then .ci/tests -m pages -n 0 "$@"; else .ci/tests -m "pages and not timed" -n 3 && .ci/tests -m "pages and timed" -n 0; fi

# write pictures of every page to docs/screens/: phone, tablet, wall; light, dark; three languages
screenshots *pages: setup
    python -m tests.pages.screenshots docs/screens "$@"

# run the tests, side by side, and report branch coverage
cover *args: setup
    @.ci/cover "$@"

# make or renew certificates for development: `just certs --help`
certs *args: setup
    @python -m ops.certs "$@"

# bring the databases up to date without starting anything
migrate: _run-setup
    python -m ops migrate

# compare journal, orders, tickets and stock across all databases; changes nothing
audit *args: _run-setup
    @python -m ops audit "$@"

# copy every SQLite database into a new folder, while the programs are running or stopped
backup folder: _run-setup
    @python -m ops backup {{quote(folder)}}

# put the copies in a folder back, while all programs are stopped
restore folder: _run-setup
    @python -m ops restore {{quote(folder)}}

# list tickets without an order, as a restored backup may leave them; `--yes` cancels those that are not started
settle *args: _run-setup
    @python -m ops settle "$@"

# build the image and start it on SQLite, or `just compose-up postgres`: two of everything, behind a proxy with TLS
compose-up stack="sqlite":
    @.ci/compose-up {{quote(stack)}}

# stop the containers; what they have written stays in their volumes
compose-down stack="sqlite":
    @.ci/compose -f {{if stack == "postgres" { "docker-compose.postgres.yml" } else { "docker-compose.yml" } }} down

# the system in containers: orders, kills, upgrades, backups (needs a Docker engine and its base image)
compose-test *args: setup
    python -m pytest -m containers tests/containers "$@"

# fail a PostgreSQL cluster over under load, in every way, `--rounds 3` times each (needs Debian's etcd-server)
prove-failover *args: setup
    @python -m tests.failover "$@"

# run the proofs in their long forms: some two hours
torture: setup
    python -m tests.simulation --seeds 1000 --orders 200
    python -m tests.simulation.model --steps 100000
    python -m tests.simulation.planted
    python -m tests.torture --database sqlite --kills 250 --orders 20000
    python -m tests.torture --database postgresql --kills 250 --orders 20000
    python -m tests.failover --rounds 3
    python -m tests.fuzz --frames 100000 --cases 20000 --role-cases 10000

# measure Comanda beside what else one would pick, `--full` or `--quick`, on a machine that does nothing else; needs wrk
bench *args:
    @.ci/setup bench .venv-bench
    @.ci/setup run .venv-run
    @exec .venv-bench/bin/python -m bench "$@"

# ask the package index for known vulnerabilities of the pinned versions; says so where it cannot be asked
vulnerabilities: setup
    @.ci/vulnerabilities

# write requirements/ anew from pyproject.toml (needs the package index)
lock: setup
    @.ci/lock
