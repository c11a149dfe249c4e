"""What was renamed in the lake, release by release. A new table or column needs no entry: it is made when a home is opened."""

from dataclasses import dataclass

from veririsk_assets.contracts.tables import Table, instant, text, whole


@dataclass(frozen=True)
class RenameTable:
    """`stage.name` of a table becomes another one in the same stage; its rows stay."""

    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.old} is {self.new}"


@dataclass(frozen=True)
class RenameColumn:
    """A column of the table `stage.name`, as it is called after the changes before this one; its values stay."""

    table: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.table}.{self.old} is {self.table}.{self.new}"


Change = RenameTable | RenameColumn
# Number n is the n-th: entries are added at the end and never taken away.
MIGRATIONS: tuple[Change, ...] = (
    RenameTable("snapshots.hourly_markets", "snapshots.hourly_surroundings"),
    RenameColumn("models.versions", "model", "system"),
    RenameColumn("models.champions", "model", "system"),
    RenameColumn("models.calibration_shifts", "model", "system"),
    RenameColumn("monitoring.performance", "model", "system"),
    RenameColumn("monitoring.shadow_scores", "pool_key", "entity_key"),
)
# Marks beside the lake: what a step has seen bears the name of its table.
RENAMED_MARKS = {"seen/snapshots": "seen/snapshots.hourly_pools", "seen/features": "seen/features.hourly_pools"}

APPLIED = Table(
    "monitoring",
    "migrations",
    "one change of names",
    ("number",),
    "applied_at",
    "Names that this lake has followed: a release that knows fewer changes refuses to open it.",
    (
        whole("number", "Its place in the list", required=True, ge=1),
        text("change", "What it did", required=True),
        instant("applied_at", "When", required=True),
    ),
)
