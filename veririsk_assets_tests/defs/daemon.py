"""A real Dagster deployment in processes of its own: webserver, daemon, code server, run queue. Launches, watches and kills runs."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

import dagster as dg

from veririsk_assets.settings import REPOSITORY_ROOT
from veririsk_assets_tests.defs.home import environment

WAIT_SECONDS = 180.0
T = TypeVar("T")


class Deployment:
    """`dagster dev` on a home, seen through its instance and its GraphQL door."""

    def __init__(self, instance: dg.DagsterInstance, port: int) -> None:
        from dagster_graphql import DagsterGraphQLClient

        self.instance = instance
        self.client: Any = DagsterGraphQLClient("127.0.0.1", port_number=port)

    def launch(self, tags: dict[str, str], job: str = "hourly_scoring", config: dict[str, Any] | None = None) -> str:
        return str(self.client.submit_job_execution(job, run_config=config or {}, tags=tags))

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        return self.instance.get_run_by_id(run_id).status  # type: ignore[union-attr]

    def worker(self, run_id: str) -> int:
        """Process id of the run's worker, as soon as there is one."""

        def found() -> int | None:
            events = [entry.dagster_event for entry in self.instance.all_logs(run_id) if entry.dagster_event]
            pids = [event.engine_event_data.metadata.get("pid") for event in events if event.event_type_value == "ENGINE_EVENT"]
            return next((int(str(pid.value)) for pid in pids if pid is not None), None)

        return wait_for(found)

    def finished(self, run_id: str) -> dg.DagsterRunStatus:
        return wait_for(lambda: status if (status := self.status(run_id)) in FINISHED else None)

    def idle(self) -> None:
        """Waits until nothing runs or waits to run."""
        active = dg.RunsFilter(statuses=[status for status in dg.DagsterRunStatus if status not in FINISHED])
        wait_for(lambda: self.instance.get_runs_count(active) == 0 or None)


FINISHED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def wait_for(look: Callable[[], T | None], seconds: float = WAIT_SECONDS) -> T:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen = look()
        if seen is not None:
            return seen
        time.sleep(0.05)
    raise TimeoutError(f"nothing after {seconds:.0f} s")


@contextmanager
def deployment(home: Path, folder: Path, **variables: str) -> Iterator[Deployment]:
    """Starts `dagster dev` on the repository's dagster.yaml and ends it, with everything that it started."""
    dagster_home = folder / "dagster"
    dagster_home.mkdir()
    shutil.copy(REPOSITORY_ROOT / "dagster.yaml", dagster_home)
    env = environment(home, dagster_home) | {"DAGSTER_DISABLE_TELEMETRY": "1", "PYTHONWARNINGS": "ignore"} | variables
    subprocess.run([sys.executable, "-m", "dagster", "instance", "migrate"], env=env, check=True, capture_output=True)
    port = _free_port()
    command = [sys.executable, "-m", "dagster", "dev", "-m", "veririsk_assets_tests.defs.quiet", "-h", "127.0.0.1", "-p", str(port)]
    log = (folder / "dagster.log").open("wb")
    process = subprocess.Popen(command, env=env, cwd=REPOSITORY_ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(lambda: _answers(port))
        with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
            yield Deployment(instance, port)
    finally:
        _end(process)
        log.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _answers(port: int) -> bool | None:
    try:
        return urlopen(f"http://127.0.0.1:{port}/server_info", timeout=2).status == 200 or None
    except (URLError, OSError):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
