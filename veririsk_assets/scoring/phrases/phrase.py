"""How a feature is said in a sentence. `{}` is the value without its sign; the unit says how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Unit = Literal["percent", "points", "number", "times", "hours", "usd"]


@dataclass(frozen=True)
class Phrase:
    """Sentences for a value above 0, below 0 and too small to name, and what is said when it is unknown.

    `ends` says how the usual range is written: with both signs, with minus signs only, without (the words
    give the side), or raw, for a value whose sign is not said at all, such as the logarithm of dollars. `why`: why it counts,
    as a sentence that holds whichever way it moves the risk.
    """

    up: str
    down: str
    flat: str
    unknown: str
    unit: Unit
    ends: Literal["signed", "plain", "bare", "raw"] = "plain"
    why: str = ""


def _inside(what: str) -> str:
    """The same words where no sentence begins."""
    return f"the {what[4:]}" if what.startswith("The ") else what


def change(what: str, span: str) -> Phrase:
    return Phrase(
        f"{what} rose {{}} over {span}", f"{what} fell {{}} over {span}", f"{what} did not move over {span}",
        f"How {_inside(what)} moved over {span} is not known", "percent", "signed",
    )  # fmt: skip


def moved(what: str, span: str) -> Phrase:
    return Phrase(
        f"{what} rose by {{}} over {span}", f"{what} fell by {{}} over {span}", f"{what} did not move over {span}",
        f"How {_inside(what)} moved over {span} is not known", "points", "signed",
    )  # fmt: skip


def states(what: str, unit: Unit = "percent") -> Phrase:
    return Phrase(f"{what} is {{}}", f"{what} is −{{}}", f"{what} is {{}}", f"{what} is not known", unit)


def below_high(what: str, high: str) -> Phrase:
    above, below = f"{what} is {{}} above its {high}", f"{what} is {{}} below its {high}"
    return Phrase(above, below, f"{what} is at its {high}", f"The {high} of {_inside(what)} is not known", "percent", "bare")


def since(what: str) -> Phrase:
    said = f"The last {what} was {{}} ago"
    return Phrase(said, said, f"A {what} happened this hour", f"When the last {what} happened is not known", "hours")


def with_reasons(phrases: Mapping[str, Phrase], why: Mapping[str, tuple[str, ...]]) -> dict[str, Phrase]:
    """The phrases, each with why it counts. `why`: a sentence → the features that it is said of. Raises KeyError for a feature without."""
    of = {feature: sentence for sentence, features in why.items() for feature in features}
    return {feature: replace(phrase, why=of[feature]) for feature, phrase in phrases.items()}


def phrase_of(phrases: Mapping[str, Phrase], feature: str) -> Phrase:
    """The phrase of a feature; an unlisted one is called by its name."""
    return phrases.get(feature) or states(feature.replace("_", " ").capitalize(), "number")
