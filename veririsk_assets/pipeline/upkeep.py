"""Which lake snapshots must outlive the usual thirty days."""

from veririsk_assets.contracts.models import MODEL_VERSIONS
from veririsk_assets.pipeline.step import House


def kept_snapshots(house: House) -> set[int]:
    """Snapshots that a registered model was trained on."""
    return {int(snapshot) for snapshot in house.lake.read(MODEL_VERSIONS, columns=["lake_snapshot_id"])["lake_snapshot_id"]}
