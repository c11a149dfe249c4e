"""What a catalogue is: the models of one system by name, which of them a training tries, and what they have to beat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from veririsk_assets.models.spec import Entry, Spec


@dataclass(frozen=True)
class Catalogue:
    """`candidates`: what a training tries, the one to prefer first and `floor` last. `label`: what is judged where nobody says.

    `naive`: columns that rank entities without any learning, with the sign of their risky end. `apart`: models of another
    question, found by name and never tried.
    """

    entries: Mapping[str, Entry]
    candidates: tuple[str, ...]
    floor: str
    label: str
    naive: Mapping[str, float] = field(default_factory=dict)
    apart: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def baselines(self) -> tuple[str, ...]:
        return tuple(name for name in self.entries if name not in self.candidates)

    @property
    def others(self) -> tuple[str, ...]:
        """Labels that some model learns beside the one that it is judged by."""
        return tuple(dict.fromkeys(label for entry in self.entries.values() for label in entry.also))

    def spec(self, name: str, horizon_hours: int, label: str = "", **params: Any) -> Spec:
        """The spec of a catalogued model; raises KeyError with the known names."""
        entry = self.entries.get(name) or self.apart.get(name)
        if entry is None:
            raise KeyError(f"no model {name!r}; known: {', '.join(self.entries)}")
        return Spec(name, entry.features, horizon_hours, entry.label or label or self.label, entry, params)
