"""What a version carries beside its forecast, whichever model won: the two heads that say the cause."""

from collections.abc import Mapping
from dataclasses import replace

from veririsk_assets.models import catalogue
from veririsk_assets.models.artefact import ServedModel
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.fit import Trained, train


def equipped(served: ServedModel, trained: Mapping[str, Trained], dataset: Dataset) -> ServedModel:
    """The winner with its companion; where none can be trained, its metadata say why (`causes`).

    `trained`: what the choice has trained already, by name. Two heads that won are no companion of their own.
    """
    if served.name == catalogue.TWO_HEADS:
        return served
    try:
        heads = trained.get(catalogue.TWO_HEADS) or train(dataset, catalogue.spec(catalogue.TWO_HEADS, dataset.horizon_hours))
    except CannotTrain as reason:
        return replace(served, metadata=served.metadata | {"causes": f"no cause model: {reason}"})
    return replace(served, companion=heads.served)
