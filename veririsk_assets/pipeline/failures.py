"""Failures that a person can mend: one clear sentence, no traceback."""

from veririsk_assets.contracts.tables import ContractError
from veririsk_assets.lake.catalog import LakeBusyError
from veririsk_assets.lake.lake import EmptyLakeError
from veririsk_assets.pipeline.demo import DagsterFailed
from veririsk_assets.serving.queries import NothingPublished, UnknownPool
from veririsk_assets.wire.errors import SourceError

EXPECTED = (
    ContractError,
    DagsterFailed,
    EmptyLakeError,
    LakeBusyError,
    NothingPublished,
    SourceError,
    UnknownPool,
    ValueError,
    FileNotFoundError,
)
