"""What the compose file and the image promise; `make compose-check` shows that they run."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.check import trouble
from veririsk_assets.settings import REPOSITORY_ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY_ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(set(SERVICES) - {"postgres"})


@pytest.mark.parametrize("name", OURS)
def test_our_services_can_change_nothing_but_their_volumes(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {SERVICES[one]["image"] for one in OURS} == {"veririsk"}


def test_only_web_pages_are_open_and_only_to_this_host() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"webserver", "mlflow"}
    assert all(port.startswith("127.0.0.1:") for listed in ports.values() for port in listed)


def test_every_lasting_service_is_started_anew_and_has_a_health_check() -> None:
    for name in set(SERVICES) - {"load"}:
        assert SERVICES[name]["restart"] == "unless-stopped", name
        assert "healthcheck" in SERVICES[name], name


def test_a_probe_that_came_too_early_is_no_trouble_in_a_log_and_everything_else_is() -> None:
    early, late = "[41] FATAL:  the database system is starting up", "[42] FATAL:  password authentication failed"
    assert trouble(f"{early}\n{late}\nLOG: ready\nTraceback (most recent call last)") == [late, "Traceback (most recent call last)"]


def test_only_two_base_images_are_used() -> None:
    bases = re.findall(r"^FROM (\S+)", (REPOSITORY_ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(bases) == {"docker.io/library/python:3.11-slim-bookworm"}
    assert re.fullmatch(r"docker\.io/library/postgres:\d+", SERVICES["postgres"]["image"])


def test_each_service_gets_only_its_own_secrets() -> None:
    given = {name: re.findall(r"(\w+)\.env\b", str(service["env_file"])) for name, service in SERVICES.items()}
    own = {"postgres": ["postgres"], "mlflow": ["mlflow"], "webserver": ["dagster"], "daemon": ["dagster"]}
    both = ["lake", "dagster"]
    assert given == own | {"load": both, "code": both}
    assert not re.search(r"password\s*[:=]\s*\w", (REPOSITORY_ROOT / "docker-compose.yml").read_text(), re.IGNORECASE)


def test_new_secrets_are_new_whole_and_private(tmp_path: Path) -> None:
    command = [str(REPOSITORY_ROOT / "deploy" / "new-secrets"), str(tmp_path / "secrets")]
    subprocess.run(command, check=True, capture_output=True)
    files = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "secrets").iterdir()} == {0o600}
    words = re.findall(r"[0-9a-f]{48}", files["postgres.env"])
    assert len(set(words)) == 4
    for name, user in (("lake.env", "lake"), ("dagster.env", "dagster"), ("mlflow.env", "mlflow")):
        password = re.search(rf"^{user.upper()}_PASSWORD=(\w+)$", files["postgres.env"], re.MULTILINE)
        assert password
        assert f"{user}:{password[1]}@postgres/{user}" in files[name]
    subprocess.run(command, check=True, capture_output=True)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == files


def test_the_image_installs_versions_of_the_lock() -> None:
    def pins(path: str) -> set[str]:
        return set(re.findall(r"^[A-Za-z0-9._-]+==\S+", (REPOSITORY_ROOT / path).read_text(), re.MULTILINE))

    image, lock = pins("deploy/requirements.lock"), pins("requirements.lock")
    assert image < lock
    assert not any(pin.startswith(("pytest==", "ruff==", "mypy==", "polars==")) for pin in image)
    text = (REPOSITORY_ROOT / "deploy" / "requirements.lock").read_text()
    assert text.count("--hash=sha256:") > text.count("==")
    assert not re.search(r"https?://|--index-url|--find-links", text)
