"""Services of the containers: waiting, one schema for several that start at once, runs that died, and health that means something."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.error import HTTPError

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from psycopg2.extensions import parse_dsn

from veririsk_assets.defs import health, service
from veririsk_assets.defs.launcher import WatchfulRunLauncher

STORAGE = "storage:\n  postgres:\n    postgres_url:\n      env: DAGSTER_POSTGRES_URL\ntelemetry:\n  enabled: false\n"


def test_waiting_ends_when_the_answer_comes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(service, "POLL_SECONDS", 0.0)
    answers = iter([OSError("refused"), False, True])

    def ask() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    service.wait("the database", ask, patience_seconds=30)
    assert capsys.readouterr().err.count("waiting for the database") == 1


def test_waiting_has_an_end_and_tells_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "POLL_SECONDS", 0.0)
    monkeypatch.setenv("VERIRISK_LAKE_CATALOG", "postgresql://lake:not-for-you-at-all@127.0.0.1:1/lake")
    with pytest.raises(service.NotThere, match="was not there within 0 s") as failure:
        service.wait("the catalog", service.answers("VERIRISK_LAKE_CATALOG"), patience_seconds=0.0)
    assert "not-for-you" not in str(failure.value)


def test_services_that_start_at_once_make_one_schema(postgres: str, fast_disk: Path) -> None:
    (fast_disk / "dagster.yaml").write_text(STORAGE)
    of = parse_dsn(postgres)
    url = f"postgresql+psycopg2://{of['user']}:{of.get('password', '')}@/{of['dbname']}?host={of['host']}&port={of.get('port', 5432)}"
    environment = os.environ | {"DAGSTER_HOME": str(fast_disk), "DAGSTER_POSTGRES_URL": url}
    command = [sys.executable, "-c", "from veririsk_assets.defs.service import prepare_dagster as p; p()"]
    started = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [one.communicate()[1] for one in started]
    assert [one.returncode for one in started] == [0, 0, 0], said


def test_only_runs_of_an_earlier_try_are_given_up() -> None:
    @dg.job
    def job() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        own = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        of_code = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={GRPC_INFO_TAG: "{}"})
        service.give_up_own_runs(instance)
        found = {run.run_id: run.status for run in instance.get_runs()}
    assert found == {own.run_id: dg.DagsterRunStatus.FAILURE, of_code.run_id: dg.DagsterRunStatus.STARTED}


def test_a_code_server_that_does_not_know_a_run_has_lost_it(fast_disk: Path) -> None:
    @dg.job
    def job() -> None: ...

    (fast_disk / "graph.py").write_text("import dagster as dg\ndefs = dg.Definitions()\n")
    with dg.DagsterInstance.local_temp(str(fast_disk)) as instance, _code_server(fast_disk) as port:
        launcher = WatchfulRunLauncher()
        launcher.register_instance(instance)

        def status(**tags: str) -> WorkerStatus:
            return launcher.check_run_worker_health(instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)).status

        assert launcher.supports_check_run_worker_health
        assert status(**{GRPC_INFO_TAG: f'{{"host": "localhost", "port": {port}}}'}) == WorkerStatus.FAILED
        # A server that is away may be on its way back, and a run in its own process has no server.
        assert status(**{GRPC_INFO_TAG: f'{{"host": "localhost", "port": {_free_port()}}}'}) == WorkerStatus.RUNNING
        assert status() == WorkerStatus.RUNNING


@contextmanager
def _code_server(folder: Path) -> Iterator[int]:
    port = _free_port()
    # Now and then Dagster's server takes the signal and stays: a test may not wait for ever.
    command = [sys.executable, "-m", "veririsk_assets.defs.bounded", "20", sys.executable, "-m", "dagster", "api", "grpc"]
    command += ["--port", str(port), "--python-file", str(folder / "graph.py")]
    server = subprocess.Popen(command, env=os.environ | {"DAGSTER_HOME": str(folder)}, stderr=subprocess.DEVNULL)
    try:
        service.wait("the code server", lambda: health.code(f"localhost:{port}"), patience_seconds=60)
        yield port
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _http(status: int, body: bytes) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_mlflow_that_refuses_the_service_name_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    for status, error in ((403, HTTPError), (200, None)):
        with _http(status, b"{}") as address:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{address}")
            if error is None:
                health.mlflow()
                continue
            with pytest.raises(error):
                health.mlflow()


@pytest.mark.parametrize(
    ("runs", "assets", "location", "is_healthy"),
    [
        ("Runs", "AssetRecordConnection", "RepositoryLocation", True),
        ("PythonError", "AssetRecordConnection", "RepositoryLocation", False),
        ("Runs", "PythonError", "RepositoryLocation", False),
        ("Runs", "AssetRecordConnection", "PythonError", False),
    ],
)
def test_a_page_without_runs_events_or_graph_is_not_healthy(runs: str, assets: str, location: str, is_healthy: bool) -> None:
    said = {
        "runsOrError": {"__typename": runs},
        "assetRecordsOrError": {"__typename": assets},
        "autoMaterializeTicks": [],
        "workspaceOrError": {"locationEntries": [{"locationOrLoadError": {"__typename": location}}]},
    }
    with _http(200, json.dumps({"data": said}).encode()) as address:
        if is_healthy:
            health.webserver(address)
        else:
            with pytest.raises(health.Unhealthy):
                health.webserver(address)
