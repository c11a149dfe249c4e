"""What a risk system is: one kind of entity with its path from raw to published. Data only; `pipeline/systems.py` binds the functions."""

from dataclasses import dataclass
from functools import cached_property

from veririsk_assets.contracts import detections, pool_features, pools, protocol_monitoring, protocols, raw, raw_protocols
from veririsk_assets.contracts.entity import FEATURE_NEEDS, INTERNAL, SNAPSHOT_NEEDS
from veririsk_assets.contracts.pool_publications import POOL_PUBLICATIONS
from veririsk_assets.contracts.published import PublishedTable
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.tables import ContractError, Table
from veririsk_assets.contracts.vocabulary import CAUSES, CRASH_HEAD, HORIZONS, NO_CAUSES, Causes


@dataclass(frozen=True)
class Also:
    """A table that one system makes beside what all have, and what it is made from. `may_be_silent`: not every instant has a row in it."""

    table: Table
    reads: tuple[Table, ...]
    may_be_silent: bool = False


@dataclass(frozen=True)
class System:
    """`name` scopes every table that systems share. Raises ContractError where a table lacks what all systems need.

    key, step_hours: the column that names an entity, and how far its instants lie apart (1 or 24 hours).
    horizons, shown_horizon: in hours; the one that is shown where nobody asks for another.
    identity: columns of `entities` by which people know one; the first is its id.
    measure, measured, forecast: the column without which nothing can be said, what it is called, and what is forecast, in words.
    history_days: how much history a training and a judgement look at; min_history_hours: for how long one has to be known to get a score.
    late_hours: how far back rows that come late are taken in; a source that tells its own past makes it long.
    label, causes, labelled: the main label and what would make it; no label: nothing is learnt, and `labelled` is None.
    feeds, named_by, needed: raw tables that snapshots are made from; of them those that name entities, and those whose silence is told.
    watched: features whose going null is told; none: all of them.
    raw: raw tables that only it brings; asked_after: which of them need the answers of others, asked before them; beside: tables that its snapshots write too; also: tables of its own; published: BI tables of its own.
    """

    name: str
    singular: str
    key: str
    step_hours: int
    horizons: tuple[int, ...]
    shown_horizon: int
    identity: tuple[str, ...]
    measure: str
    measured: str
    forecast: str
    entities: Table
    snapshots: Table
    features: Table
    scores: Table
    explanations: Table
    feeds: tuple[Table, ...]
    named_by: tuple[Table, ...]
    needed: tuple[Table, ...]
    history_days: int = 365
    min_history_hours: int = 24
    late_hours: int = 48
    label: str = ""
    causes: Causes = NO_CAUSES
    labelled: Table | None = None
    watched: tuple[str, ...] = ()
    raw: tuple[Table, ...] = ()
    asked_after: tuple[tuple[Table, tuple[Table, ...]], ...] = ()
    beside: tuple[Table, ...] = ()
    also: tuple[Also, ...] = ()
    published: tuple[PublishedTable, ...] = ()

    def __post_init__(self) -> None:
        for table, needed in (
            (self.snapshots, (self.measure, *SNAPSHOT_NEEDS)),
            (self.features, FEATURE_NEEDS),
            (self.scores, (self.measure,)),
        ):
            if missing := [name for name in needed if name not in table.names]:
                raise ContractError(f"{table.sql_name} of the system {self.name} lacks {', '.join(missing)}")

    @property
    def id(self) -> str:
        return self.identity[0]

    @property
    def head(self) -> str:
        """What its reasons are for."""
        return self.label or "risk"

    @property
    def tells_its_past(self) -> bool:
        """Whether its sources tell what was before anybody asked: then the first step that hears of it takes it in."""
        return self.late_hours > self.history_days * 24

    @property
    def learns(self) -> bool:
        return bool(self.label)

    @property
    def labels(self) -> Table:
        """Raises ContractError where nothing is learnt."""
        if self.labelled is None:
            raise ContractError(f"the system {self.name} has no labels")
        return self.labelled

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.features.names if name not in ("as_of", self.key))

    @cached_property
    def lookback_steps(self) -> int:
        """How many steps before its own a feature may look at."""
        return -(-max(column.lookback_hours for column in self.features.columns) // self.step_hours)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """Columns of a score that people see."""
        return tuple(name for name in self.columns(self.scores) if name not in INTERNAL)

    def columns(self, table: Table) -> tuple[str, ...]:
        """All columns but the key of the entity."""
        return tuple(name for name in table.names if name != self.key)

    def tables(self) -> tuple[Table, ...]:
        """Its own tables, in the order of the path."""
        labels = (self.labelled,) if self.labelled else ()
        also = tuple(one.table for one in self.also)
        return (self.entities, self.snapshots, *self.beside, self.features, *labels, self.scores, self.explanations, *also)

    def known_horizon(self, hours: int | None = None) -> int:
        """The horizon itself, or without one that which is shown. Raises ValueError that names those there are."""
        if hours is None:
            return self.shown_horizon
        if hours not in self.horizons:
            raise ValueError(f"there is no horizon of {hours} hours: known are {' and '.join(map(str, self.horizons))}")
        return hours


POOLS = System(
    name="pools",
    singular="pool",
    key="pool_key",
    step_hours=1,
    horizons=HORIZONS,
    shown_horizon=24,
    identity=pools.IDENTITY,
    measure="tvl_usd",
    measured="TVL",
    forecast="a 20 % TVL fall",
    entities=pools.POOLS,
    snapshots=pools.POOL_SNAPSHOTS,
    features=pools.POOL_FEATURES,
    scores=pools.POOL_SCORES,
    explanations=pools.POOL_EXPLANATIONS,
    feeds=raw.FEEDS,
    named_by=(raw.DEFILLAMA_POOLS, raw.GECKOTERMINAL_POOLS, raw.THEGRAPH_PAIRS),
    needed=raw.POOL_PULLS,
    label=CRASH_HEAD,
    causes=Causes(CAUSES, "LP supply is not known"),
    labelled=pools.POOL_LABELS,
    watched=pool_features.PHASE2_NAMES,
    beside=(SURROUNDINGS,),
    also=(Also(detections.POOL_DETECTIONS, (pools.POOL_SNAPSHOTS, pools.POOL_FEATURES)),),
    published=POOL_PUBLICATIONS,
)
PROTOCOLS = System(
    name="protocols",
    singular="protocol",
    key="protocol_key",
    step_hours=24,
    horizons=protocols.HORIZONS,
    shown_horizon=168,
    identity=protocols.IDENTITY,
    measure="tvl_usd",
    measured="TVL",
    forecast="a 20 % TVL fall",
    entities=protocols.PROTOCOLS,
    snapshots=protocols.PROTOCOL_SNAPSHOTS,
    features=protocols.PROTOCOL_FEATURES,
    scores=protocols.PROTOCOL_SCORES,
    explanations=protocols.PROTOCOL_EXPLANATIONS,
    feeds=(raw.DEFILLAMA_PROTOCOLS, *raw_protocols.PROTOCOL_PULLS),
    named_by=(raw.DEFILLAMA_PROTOCOLS,),
    needed=(raw.DEFILLAMA_PROTOCOLS,),
    history_days=3 * 365,
    min_history_hours=30 * 24,
    late_hours=20 * 366 * 24,
    label=protocols.CRASH,
    labelled=protocols.PROTOCOL_LABELS,
    raw=raw_protocols.PROTOCOL_PULLS,
    asked_after=raw_protocols.ASKED_AFTER,
    also=(
        Also(protocol_monitoring.SCORE_DISTRIBUTION, (protocols.PROTOCOL_SCORES,)),
        Also(protocol_monitoring.RESTATEMENTS, (raw_protocols.DEFILLAMA_TVL_DAYS, protocols.PROTOCOL_SNAPSHOTS), may_be_silent=True),
    ),
    published=protocol_monitoring.PROTOCOL_PUBLICATIONS,
)
# In reading order.
SYSTEMS: tuple[System, ...] = (POOLS, PROTOCOLS)


def known_system(name: str) -> System:
    """The system of that name. Raises ValueError."""
    found = next((system for system in SYSTEMS if system.name == name), None)
    if found is None:
        raise ValueError(f"no system {name!r}; known: {', '.join(system.name for system in SYSTEMS)}")
    return found
