"""Registered versions: list them, point aliases at them, fetch one as a folder. Paths out; `models.artefact.load` makes the object."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from veririsk_assets.registry import store
from veririsk_assets.registry.runs import ARTEFACT

CHAMPION = "champion"
CHALLENGER = "challenger"


class UnknownVersion(LookupError):
    """No such registered model or version."""


@dataclass(frozen=True)
class RegisteredVersion:
    """One version with the aliases that point at it and its run's metrics."""

    name: str
    version: str
    run_id: str
    created_at: datetime
    aliases: tuple[str, ...]
    tags: dict[str, str]
    metrics: dict[str, float]


def registered_name(family: str, horizon_hours: int) -> str:
    """One registered model per family and horizon: pools-24h."""
    return f"{family}-{horizon_hours}h"


def versions(tracking_uri: str, name: str) -> list[RegisteredVersion]:
    """Every version, newest first; none where nothing was registered."""
    if store.is_empty(tracking_uri):
        return []
    registry = store.client(tracking_uri)
    pointed = _aliases(registry, name)
    found = registry.search_model_versions(f"name = '{name}'")
    return sorted((_version(registry, one, pointed) for one in found), key=lambda one: -int(one.version))


def set_alias(tracking_uri: str, name: str, alias: str, version: str, tags: dict[str, str] | None = None) -> None:
    """Point `alias` at `version`; `tags` on the version say why, for the audit. Raises UnknownVersion."""
    registry = store.client(tracking_uri)
    _get(registry, name, version)
    registry.set_registered_model_alias(name, alias, version)
    for key, value in (tags or {}).items():
        registry.set_model_version_tag(name, version, key, value)


def get_alias(tracking_uri: str, name: str, alias: str) -> str | None:
    """The version that `alias` points at, None if it points nowhere."""
    return None if store.is_empty(tracking_uri) else _aliases(store.client(tracking_uri), name).get(alias)


def clear_alias(tracking_uri: str, name: str, alias: str) -> None:
    """Let `alias` point nowhere; nothing happens where it does not exist."""
    if get_alias(tracking_uri, name, alias) is not None:
        store.client(tracking_uri).delete_registered_model_alias(name, alias)


def download(tracking_uri: str, name: str, version: str, folder: Path) -> Path:
    """The artefact of a version as `folder`, moved into place whole; a folder that is there is kept as it is."""
    if folder.exists():
        return folder
    if store.is_empty(tracking_uri):
        raise UnknownVersion(f"no version {version} of {name}: nothing was registered yet")
    registry = store.client(tracking_uri)
    run_id = _get(registry, name, version).run_id
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(prefix=".download-", dir=folder.parent))
    try:
        Path(registry.download_artifacts(run_id, ARTEFACT, str(scratch))).rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _get(registry: Any, name: str, version: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return registry.get_model_version(name, version)
    except MlflowException as error:
        raise UnknownVersion(f"no version {version} of {name}") from error


def _aliases(registry: Any, name: str) -> dict[str, str]:
    from mlflow.exceptions import MlflowException

    try:
        return {alias: str(version) for alias, version in registry.get_registered_model(name).aliases.items()}
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise


def _version(registry: Any, one: Any, pointed: dict[str, str]) -> RegisteredVersion:
    version = str(one.version)
    return RegisteredVersion(
        one.name,
        version,
        one.run_id,
        datetime.fromtimestamp(one.creation_timestamp / 1000, UTC),
        tuple(sorted(alias for alias, at in pointed.items() if at == version)),
        dict(one.tags),
        dict(registry.get_run(one.run_id).data.metrics),
    )
