"""What a risk system is: one kind of entity with its path from raw to published. Data only; `pipeline/` binds the functions."""

from dataclasses import dataclass

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.vocabulary import HORIZONS


@dataclass(frozen=True)
class System:
    """`name` scopes every table that systems share. `key`: the column that names an entity; `label`: what is forecast."""

    name: str
    singular: str
    key: str
    step_hours: int
    horizons: tuple[int, ...]
    label: str
    entities: Table
    snapshots: Table
    features: Table
    labels: Table
    scores: Table
    explanations: Table


POOLS = System(
    name="pools",
    singular="pool",
    key="pool_key",
    step_hours=1,
    horizons=HORIZONS,
    label="crash",
    entities=pools.POOLS,
    snapshots=pools.POOL_SNAPSHOTS,
    features=pools.POOL_FEATURES,
    labels=pools.POOL_LABELS,
    scores=pools.POOL_SCORES,
    explanations=pools.POOL_EXPLANATIONS,
)
# In reading order.
SYSTEMS: tuple[System, ...] = (POOLS,)


def known_system(name: str) -> System:
    """The system of that name. Raises ValueError."""
    found = next((system for system in SYSTEMS if system.name == name), None)
    if found is None:
        raise ValueError(f"no system {name!r}; known: {', '.join(system.name for system in SYSTEMS)}")
    return found
