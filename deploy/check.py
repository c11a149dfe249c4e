"""`make compose-check`: builds the image, starts everything as a user would, scores hours through the web API, looks at what is stored, kills
services in turn, and takes all down. Standard library only; works with docker compose and with podman-compose. Ends with 0, or 1 and what is wrong.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "veririsk-check"
SERVICES = ("postgres", "mlflow", "code", "webserver", "daemon")
STEP_SECONDS = 600
# Words of a log line that nobody should have to read in a healthy deployment.
TROUBLE = re.compile(r"\b(ERROR|CRITICAL|FATAL|PANIC)\b|Traceback")
# What Postgres tells a health probe that comes before it is ready.
TOO_EARLY = "FATAL:  the database system is starting up"
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
LAUNCH = """mutation($job: String!, $tags: [ExecutionTag!]) { launchRun(executionParams: {mode: "default", executionMetadata: {tags: $tags}, selector: {
  jobName: $job, repositoryName: "__repository__", repositoryLocationName: "veririsk"}}) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } ... on RunConfigValidationInvalid { errors { message } } } }"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
RUNS = "{ runsOrError { ... on Runs { results { runId status jobName tags { key value } } } } }"


class Failed(Exception):
    """Something is not as it should be."""


def tell(line: str) -> None:
    sys.stdout.write(f"[{time.monotonic() - STARTED:5.0f} s] {line}\n")
    sys.stdout.flush()


def require(is_so: object, what: str) -> None:
    if not is_so:
        raise Failed(what)


def until(what: str, ask: Callable[[], Any], seconds: float = STEP_SECONDS) -> Any:
    """The first answer that is not None or False; errors of a service that is not up count as none. Raises Failed."""
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if (answer := ask()) not in (None, False):
                return answer
        except (Failed, OSError, URLError, KeyError, ValueError) as error:
            last = f" ({error})"
        time.sleep(1)
    raise Failed(f"{what}: not within {seconds:.0f} s{last}")


class Engine:
    """docker compose, or podman-compose where no Docker engine answers."""

    def __init__(self, secrets: Path, override: Path) -> None:
        docker = (
            shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
        )
        if docker and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
            self.tool, compose = "docker", ["docker", "compose"]
        elif shutil.which("podman") and shutil.which("podman-compose"):
            self.tool, compose = "podman", ["podman-compose"]
        else:
            raise Failed("NO CONTAINER ENGINE: neither docker compose with a running engine nor podman with podman-compose")
        self._compose = [*compose, "-p", PROJECT, "-f", str(ROOT / "docker-compose.yml"), "-f", str(override)]
        self.ui, self.models = _free_port(), _free_port()
        ports = {"VERIRISK_UI_PORT": str(self.ui), "VERIRISK_MLFLOW_PORT": str(self.models)}
        self._environment = os.environ | ports | {"VERIRISK_SECRETS": str(secrets), "COMPOSE_ANSI": "never"}

    def compose(self, *arguments: str, check: bool = True) -> str:
        return self._run([*self._compose, *arguments], check)

    def engine(self, *arguments: str, check: bool = True) -> str:
        return self._run([self.tool, *arguments], check)

    def _run(self, command: list[str], check: bool) -> str:
        done = subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True, errors="replace", check=False)
        if check and done.returncode:
            raise Failed(f"{' '.join(command[:1] + command[-4:])} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
        return done.stdout + (done.stderr if not check else "")

    def container(self, service: str) -> str:
        """The name of a service's container; the two tools join its parts differently."""
        names = self.engine("ps", "-a", "--format", "{{.Names}}").split()
        return next(name for name in names if re.fullmatch(rf"{PROJECT}[-_]{service}[-_]1", name))

    def inside(self, service: str, *command: str, check: bool = True) -> str:
        return self.engine("exec", self.container(service), *command, check=check)

    def state(self, service: str) -> dict[str, Any]:
        return dict(json.loads(self.engine("inspect", self.container(service)))[0]["State"])

    def log(self, service: str) -> str:
        done = subprocess.run([self.tool, "logs", self.container(service)], capture_output=True, text=True, errors="replace", check=False)
        return done.stdout + done.stderr

    def is_healthy(self, service: str) -> bool:
        """As the compose file's own health check says, run now: not every engine runs them by the clock."""
        test = json.loads(self.engine("inspect", self.container(service)))[0]["Config"]["Healthcheck"]["Test"]
        command = ["sh", "-c", test[1]] if test[0] == "CMD-SHELL" else test[1:]
        done = subprocess.run([self.tool, "exec", self.container(service), *command], capture_output=True, check=False)
        return done.returncode == 0

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"http://127.0.0.1:{self.ui}/graphql", body, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=60) as response:
                answer = json.load(response)
        except HTTPError as error:
            raise Failed(f"GraphQL: {error}: {error.read()[:500]!r}") from None
        require("errors" not in answer, f"GraphQL: {answer.get('errors')}")
        return dict(answer["data"])

    def ask_mlflow(self, path: str) -> dict[str, Any]:
        with urlopen(f"http://127.0.0.1:{self.models}/api/2.0/mlflow/{path}", timeout=10) as response:
            return dict(json.load(response))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(engine: Engine, hour: datetime) -> str:
    """The id of a queued run of hourly_scoring for the hour that ends at `hour`."""
    tags = [{"key": "dagster/partition", "value": f"{hour - timedelta(hours=1):%Y-%m-%d-%H:%M}"}]
    answer = engine.graphql(LAUNCH, job="hourly_scoring", tags=tags)["launchRun"]
    require(answer["__typename"] == "LaunchRunSuccess", f"launching: {answer}")
    return str(answer["run"]["runId"])


def status(engine: Engine, run: str) -> str:
    return str(engine.graphql(RUN, id=run)["runOrError"]["status"])


def score(engine: Engine, hour: datetime, word: str) -> None:
    """One hour through the web API, asserted in the BI file that a second container reads."""
    started, most = time.monotonic(), 0.0
    run = launch(engine, hour)

    def ended() -> str | None:
        nonlocal most
        most = max(most, memory(engine)["code"])
        return said if (said := status(engine, run)) in ENDED else None

    require(until(f"run {run}", ended, 300) == "SUCCESS", f"the run of {hour} {word} ended as {status(engine, run)}")
    rows = bi(
        engine,
        f"SELECT count(*), count(DISTINCT model_version), min(model_version) FROM pool_risk_history WHERE as_of = '{hour:%Y-%m-%d %H:%M}'",
    )
    require(rows[0][0] > 100 and rows[0][2] != "rule", f"scores of {hour} {word}: {rows}")
    tell(
        f"{word}: hour {hour:%H:%M} scored in {time.monotonic() - started:.0f} s, {rows[0][0]} rows by version {rows[0][2]}, code at most {most:.0f} MB"
    )


def bi(engine: Engine, query: str) -> list[list[Any]]:
    """A question to the BI file by a container that has nothing but the volume, read-only, and no network."""
    code = f"import duckdb, json; print(json.dumps(duckdb.connect('/bi/simulated/veririsk.duckdb', read_only=True).execute({query!r}).fetchall(), default=str))"
    mounted = f"{PROJECT}_published:/bi:ro"
    answer = engine.engine(
        "run", "--rm", "--network", "none", "--user", "12345", "--read-only", "-v", mounted, "veririsk", "python", "-c", code
    )
    return list(json.loads(answer))


def kill(engine: Engine, service: str) -> None:
    """SIGKILL to the service's own process, as the kernel does when memory runs out: its container ends and is started anew by its policy."""
    code = "import os, pathlib, signal; [os.kill(int(p.name), signal.SIGKILL) for p in pathlib.Path('/proc').glob('[0-9]*') if int(p.name) not in (1, os.getpid())]"
    engine.inside(service, "python", "-c", code, check=False)


def lake(engine: Engine, query: str) -> str:
    code = f"from veririsk_assets.pipeline.step import opened\nwith opened(True) as house: print(house.lake.sql({query!r}).iloc[0, 0])"
    return engine.inside("code", "python", "-c", code).strip()


def check_stores(engine: Engine, end: datetime) -> None:
    """Each store holds its own, and only its own role reads it."""
    ask = """PGPASSWORD="$POSTGRES_PASSWORD" psql -U postgres -tAc "SELECT datname || ':' || pg_get_userbyid(datdba) FROM pg_database\""""
    owners = engine.inside("postgres", "sh", "-c", ask)
    require({"lake:lake", "dagster:dagster", "mlflow:mlflow"} <= set(owners.split()), f"databases: {owners}")
    peek = 'PGPASSWORD="$MLFLOW_PASSWORD" psql -h 127.0.0.1 -U mlflow -d lake -tAc "SELECT 1"'
    require("permission denied" in engine.inside("postgres", "sh", "-c", peek, check=False), "the role mlflow reads the lake's catalog")
    require(lake(engine, "SELECT max(as_of) FROM lake.scores.hourly_pools").startswith(f"{end:%Y-%m-%d %H:%M}"), "the lake's newest scores")
    names = {model["name"] for model in engine.ask_mlflow("registered-models/search").get("registered_models", [])}
    require(names >= {"pools-6h", "pools-24h"}, f"MLflow has registered {names}")
    require(bi(engine, "SELECT count(*) FROM pool_risk_latest")[0][0] > 100, "the BI file's latest scores")
    tell("Postgres, lake, MLflow and the BI file hold what they should; roles keep to their databases")


def check_image(engine: Engine) -> None:
    who = engine.inside("code", "sh", "-c", "id -u; command -v gcc cc make pip || true; touch /x 2>&1 || true")
    require(who.startswith("10001") and "ead-only" in who and "/bin/" not in who, f"user, tools and file system: {who}")
    size = int(json.loads(engine.engine("image", "inspect", "veririsk"))[0]["Size"]) / 1e6
    base = int(json.loads(engine.engine("image", "inspect", "docker.io/library/python:3.11-slim-bookworm"))[0]["Size"]) / 1e6
    tell(f"image: {size:,.0f} MB, {base:,.0f} of them the base image's")


def memory(engine: Engine) -> dict[str, float]:
    """MB that each service's container holds now, page cache of files included where the engine counts it."""
    shown = engine.engine("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}")
    used = re.findall(rf"{PROJECT}[-_](\w+)[-_]1 ([\d.]+) ?([kMG])i?B", shown)
    return {name: float(size) * {"k": 0.001, "M": 1, "G": 1000}[unit] for name, size, unit in used}


def trouble(log: str) -> list[str]:
    """Lines of a log that nobody should have to read."""
    return [line for line in log.splitlines() if TROUBLE.search(line) and TOO_EARLY not in line]


def check_logs(engine: Engine, secrets: Path, is_quiet: bool = True) -> None:
    """No secret at all; no line of trouble where nothing was broken on purpose."""
    hidden = {secret for file in secrets.glob("*.env") for secret in re.findall(r"[0-9a-f]{48}", file.read_text())}
    require(len(hidden) == 4, "four passwords")
    for service in (*SERVICES, "load"):
        text = engine.log(service)
        require(not [1 for secret in hidden if secret in text], f"the log of {service} shows a secret")
        wrong = trouble(text)
        require(not (is_quiet and wrong), f"the log of {service}: {wrong[:5]}")
    history = engine.engine("history", "--no-trunc", "veririsk")
    require(not [1 for secret in hidden if secret in history], "the image's history shows a secret")
    tell("logs: no secret" + (", no error" if is_quiet else ""))


def check_healthy(engine: Engine) -> None:
    for service in SERVICES:
        until(f"{service} is healthy", lambda service=service: engine.is_healthy(service), 180)  # type: ignore[misc]
    tell("all services are healthy")


def check_killed_in_a_run(engine: Engine, hour: datetime) -> None:
    """The code server dies with a run in it: the run is failed, its place freed, and a retry scores the hour."""
    run = launch(engine, hour)
    until("the run starts", lambda: status(engine, run) == "STARTED", 300)
    kill(engine, "code")
    killed_at = time.monotonic()
    until("the killed run has ended", lambda: status(engine, run) in ENDED, 300)
    require(status(engine, run) == "FAILURE", "a run that was killed is failed")
    noticed = time.monotonic() - killed_at

    def retried() -> bool:
        runs = engine.graphql(RUNS)["runsOrError"]["results"]
        mine = [one for one in runs if {"key": "dagster/parent_run_id", "value": run} in one["tags"]]
        return any(one["status"] == "SUCCESS" for one in mine)

    until("the retry of the killed run", retried, 300)
    tell(f"code server killed in a run: noticed after {noticed:.0f} s, retried with success after {time.monotonic() - killed_at:.0f} s")


def check_faults(engine: Engine, end: datetime) -> None:
    engine.compose("stop", "mlflow")
    score(engine, end + timedelta(hours=2), "MLflow down")
    engine.compose("start", "mlflow")
    check_killed_in_a_run(engine, end + timedelta(hours=3))
    engine.compose("stop", "postgres")
    time.sleep(15)
    engine.compose("start", "postgres")
    check_healthy(engine)
    score(engine, end + timedelta(hours=4), "after Postgres was away for 15 s")
    for service in ("daemon", "webserver", "mlflow"):
        kill(engine, service)
        until(f"{service} comes back", lambda service=service: engine.is_healthy(service), 120)  # type: ignore[misc]
        tell(f"{service} killed: came back")
    score(engine, end + timedelta(hours=5), "after every service was killed")


def check_stop(engine: Engine) -> None:
    """Each ends by itself when it is asked to, before it is killed."""
    started = time.monotonic()
    engine.compose("stop")
    codes = {service: engine.state(service)["ExitCode"] for service in SERVICES}
    require(137 not in codes.values(), f"killed instead of stopped: {codes}")
    ended = " (its code server had to be ended)" if "did not end by itself" in engine.log("code") else ""
    tell(f"stopped gracefully in {time.monotonic() - started:.0f} s{ended}: {codes}")


@contextmanager
def started(engine: Engine) -> Iterator[None]:
    try:
        tell(f"building with {engine.tool}")
        engine.compose("build", "load")
        check = time.monotonic()
        tell("built; starting")
        engine.compose("up", "-d")
        yield
        tell(f"took {time.monotonic() - check:.0f} s after the build")
    except (Failed, OSError):
        for service in (*SERVICES, "load"):
            sys.stdout.write(f"--- {service}\n{engine.log(service)[-3000:]}\n")
        raise
    finally:
        engine.compose("down", "-v", check=False)


def run(secrets: Path, override: Path) -> None:
    # The market ends some hours ago, so that there are new hours to score.
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
    subprocess.run([str(ROOT / "deploy" / "new-secrets"), str(secrets)], check=True, capture_output=True)
    command = f"python -m veririsk_assets.defs.service load --end {end:%Y-%m-%dT%H:%M}"
    override.write_text(json.dumps({"services": {"load": {"command": command}}}))
    engine = Engine(secrets, override)
    with started(engine):
        up_at = time.monotonic()
        until("the web page", lambda: engine.graphql(RUNS) and True, 180)
        tell(f"the web page answers {time.monotonic() - up_at:.0f} s after `up`")
        until("the first history", lambda: engine.state("load")["Status"] == "exited", 600)
        require(engine.state("load")["ExitCode"] == 0, "loading the first history")
        tell(f"the first history is loaded, learnt from and scored {time.monotonic() - up_at:.0f} s after `up`")
        check_healthy(engine)
        check_image(engine)
        tell(f"memory at rest, MB: {', '.join(f'{name} {size:.0f}' for name, size in sorted(memory(engine).items()))}")
        score(engine, end + timedelta(hours=1), "first hour")
        check_logs(engine, secrets)
        check_stores(engine, end + timedelta(hours=1))
        check_faults(engine, end)
        check_logs(engine, secrets, is_quiet=False)
        check_stop(engine)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(Path(folder) / "secrets", Path(folder) / "override.yml")
        except (Failed, OSError) as error:
            tell(f"FAILED: {error}")
            return 1
    tell("compose-check passed")
    return 0


STARTED = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
