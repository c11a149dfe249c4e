"""Failures that a person can mend: one clear sentence that says what to do, no traceback and no secret."""

import errno
import re
from collections.abc import Callable

from pydantic import ValidationError

from veririsk_assets.contracts.tables import ContractError
from veririsk_assets.lake.catalog import LakeBusyError, MissingExtension
from veririsk_assets.lake.lake import EmptyLakeError
from veririsk_assets.lake.schema import NewerLakeError
from veririsk_assets.pipeline.demo import DagsterFailed
from veririsk_assets.registry.versions import UnknownVersion
from veririsk_assets.serving.queries import NothingPublished, UnknownEntity
from veririsk_assets.settings import Settings
from veririsk_assets.wire.errors import SourceError
from veririsk_assets.wire.redaction import redact

# These say themselves what is wrong and what to do.
EXPECTED = (
    ContractError,
    DagsterFailed,
    EmptyLakeError,
    LakeBusyError,
    MissingExtension,
    NewerLakeError,
    NothingPublished,
    SourceError,
    UnknownEntity,
    UnknownVersion,
    ValueError,
    OverflowError,
)
# Libraries that store: known by name, so that none is imported to ask.
STORES = {
    "_duckdb": "lake",
    "duckdb": "lake",
    "sqlite3": "lake",
    "psycopg2": "lake",
    "sqlalchemy": "MLflow store",
    "mlflow": "MLflow store",
}
FULL = ("no space left on device", "disk is full", "disk quota exceeded", "out of disk")
# SQLite needs to write beside a catalog even to read it.
UNWRITABLE = (
    "unable to open database file",
    "read-only file system",
    "readonly database",
    "read-only database",
    "permission denied",
    "operation not permitted",
)
FREE_SPACE = "the disk is full: free some space, then run the same command again; what was stored before is whole"
CHOOSE_A_FOLDER = "make it writable, or set VERIRISK_HOME to a folder that is"
SHORTEN = 400
# DuckLake puts its whole query before what went wrong.
_QUERY = re.compile(r"Failed to (?:execute|prepare) query .*\": ")


def sentence(error: Exception) -> str | None:
    """What a person is told; None for what only a programmer can mend, and for everything where VERIRISK_TRACEBACK is set."""
    if _wants_traceback():
        return None
    told = next((tell(error) for kind, tell in _TELLERS if isinstance(error, kind)), None) or _of_store(error)
    return None if told is None else redact(told)


def was_stopped(error: Exception) -> bool:
    """Whether this is how DuckDB says that Ctrl-C came in the middle of a query."""
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"


def _of_settings(error: Exception) -> str:
    assert isinstance(error, ValidationError)
    faults = (f"{_variable(str(fault['loc'][0]))}: {fault['msg']}" for fault in error.errors() if fault["loc"])
    return "; ".join(faults) or str(error)


def _variable(name: str) -> str:
    field = Settings.model_fields.get(name)
    return name if field is None else field.alias or f"VERIRISK_{name.upper()}"


def _of_system(error: Exception) -> str:
    assert isinstance(error, OSError)
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}{FREE_SPACE}"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{where}{error.strerror}: {CHOOSE_A_FOLDER}"
    return f"{where}{error.strerror or error}"


def _of_store(error: Exception) -> str | None:
    """A storage library's own error: of its many lines the first, and what to do."""
    store = next((STORES[room] for kind in type(error).__mro__ if (room := kind.__module__.partition(".")[0]) in STORES), None)
    if store is None:
        return None
    whole = str(error)
    if any(words in whole.lower() for words in FULL):
        return FREE_SPACE
    first = _QUERY.sub("", whole.strip().partition("\n")[0])[:SHORTEN]
    if any(words in whole.lower() for words in UNWRITABLE):
        return f"the {store} cannot be written ({first}): {CHOOSE_A_FOLDER}"
    return f"the {store} cannot be used ({first}): {_what_to_check(store)}"


def _what_to_check(store: str) -> str:
    settings = Settings()
    setting = "MLFLOW_TRACKING_URI" if store == "MLflow store" else "VERIRISK_LAKE_CATALOG"
    if settings.mlflow_tracking_uri if store == "MLflow store" else settings.lake_catalog:
        return f"does its server run, and is {setting} right?"
    return f"is all there in {settings.mode_home}, and room on its disk? Bring it back from a copy, or set VERIRISK_HOME to another folder"


def _wants_traceback() -> bool:
    try:
        return Settings().traceback
    except ValidationError:
        return False


_TELLERS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Exception], str]], ...] = (
    (ValidationError, _of_settings),
    (EXPECTED, str),
    (OSError, _of_system),
    (MemoryError, lambda _: "the memory is not enough: close other programs, or look at a shorter span"),
)
