"""One service of the containers: waits for what it needs, then becomes it: `python -m veririsk_assets.defs.service NAME`.

Compose's own `depends_on` says in which order to start; this holds also where an engine does not wait, and after a restart of one service.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from time import monotonic, sleep
from typing import Any

from veririsk_assets.defs import health
from veririsk_assets.serving.terminal import errors, say
from veririsk_assets.settings import Settings
from veririsk_assets.wire.redaction import keep_password, redact

PATIENCE_SECONDS = 300.0
FIRST_HISTORY_SECONDS = 3600.0
POLL_SECONDS = 1.0
# Less than the grace that the compose file gives.
CODE_STOP_SECONDS = "20"
# Any constant that no other user of Dagster's database takes.
SCHEMA_LOCK = 0x5EC1A4F
LOADED = "veririsk/loaded"
WORKSPACE = ("--workspace", "/opt/dagster/workspace.yaml")
COMMANDS = {
    "code": (
        *(sys.executable, "-m", "veririsk_assets.defs.bounded", CODE_STOP_SECONDS),
        *("dagster", "api", "grpc", "--host", "0.0.0.0", "--port", "4000", "--module-name", "veririsk_assets.definitions"),
    ),
    "webserver": ("dagster-webserver", "--host", "0.0.0.0", "--port", "3000", *WORKSPACE),
    "daemon": ("dagster-daemon", "run", *WORKSPACE),
    "mlflow": (
        *("mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--artifacts-destination", "/mlflow"),
        *("--allowed-hosts", "mlflow,mlflow:*,localhost:*,127.0.0.1:*"),
        # Each worker is a third of a GB, and there is one user.
        *("--workers", "1", "--uvicorn-opts", "--no-access-log"),
    ),
}


class NotThere(Exception):
    """What a service needs did not come in time."""


def wait(what: str, is_there: Callable[[], object], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Asks once a second until `is_there` neither raises nor says False. Raises NotThere; says once what it waits for."""
    deadline, told = monotonic() + patience_seconds, False
    while True:
        try:
            if is_there() is not False:
                return
            reason = "not yet"
        except Exception as error:
            reason = redact(f"{type(error).__name__}: {error}".strip().partition("\n")[0])
        if monotonic() > deadline:
            raise NotThere(f"{what} was not there within {patience_seconds:.0f} s ({reason})")
        if not told:
            _say(f"waiting for {what}")
            told = True
        sleep(POLL_SECONDS)


def database(variable: str) -> Any:
    """A connection to the database that an environment variable names, by any driver's name for it."""
    import psycopg2

    connection = psycopg2.connect(keep_password(os.environ[variable].replace("+psycopg2", "")), connect_timeout=5)
    connection.autocommit = True
    return connection


def answers(variable: str) -> Callable[[], object]:
    def ask() -> None:
        with closing(database(variable)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    return ask


def prepare_dagster() -> None:
    """Makes the instance's own tables where they are not there yet: several services that did so at once would fail."""
    import dagster as dg

    with closing(database("DAGSTER_POSTGRES_URL")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (SCHEMA_LOCK,))
        with dg.DagsterInstance.get():
            pass


def is_loaded() -> bool:
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        return LOADED in instance.daemon_cursor_storage.get_cursor_values({LOADED})


def load() -> int:
    """At the first start of a simulated market: its history is loaded and learnt from. Live and recorded homes begin empty."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        instance.upgrade()
        give_up_own_runs(instance)
    if is_loaded():
        _say("the history is loaded; nothing to do")
        return 0
    if Settings().source == "simulated":
        done = subprocess.run(["veririsk", "demo", *sys.argv[2:]], check=False)
        if done.returncode:
            return done.returncode
    with dg.DagsterInstance.get() as instance:
        instance.daemon_cursor_storage.set_cursor_values({LOADED: "yes"})
    _say("ready: Dagster's page shows the graph, `docker compose exec code veririsk rank` the scores")
    return 0


def give_up_own_runs(instance: Any) -> None:
    """Runs of an earlier try that ended with its container: they would keep their place in the queue. Those of the code server carry its address."""
    import dagster as dg
    from dagster._core.storage.tags import GRPC_INFO_TAG

    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])):
        if GRPC_INFO_TAG not in run.tags:
            instance.report_run_failed(run, "its process ended with its container")


def wait_for_needs(name: str) -> None:
    """Raises NotThere."""
    if name == "mlflow":
        wait("its database", answers("MLFLOW_BACKEND_STORE_URI"))
        return
    wait("Dagster's database", answers("DAGSTER_POSTGRES_URL"))
    prepare_dagster()
    if name in ("code", "load"):
        wait("the lake's catalog", answers("VERIRISK_LAKE_CATALOG"))
    if name == "load":
        wait("MLflow", health.mlflow)
    if name in ("webserver", "daemon"):
        wait("the code server", health.code)
    if name == "daemon":
        wait("the first history", is_loaded, FIRST_HISTORY_SECONDS)


def main(name: str) -> int:
    try:
        wait_for_needs(name)
    except NotThere as error:
        _say(str(error))
        return 1
    if name == "load":
        return load()
    return os.execvp(COMMANDS[name][0], COMMANDS[name])


def _say(line: str) -> None:
    say(errors(), f"veririsk: {line}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
