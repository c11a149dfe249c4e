"""The examples in the pure tools that a newcomer meets first say what is true."""

import doctest
from importlib import import_module

import pytest

SHOWN = {"contracts.windows": 3, "panels.rolling": 1, "panels.as_of": 1, "panels.retractions": 1, "pages.plots": 1}


@pytest.mark.parametrize("name", SHOWN)
def test_examples_are_true(name: str) -> None:
    module = import_module(f"veririsk_assets.{name}")
    found = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert len(found) >= SHOWN[name]
    assert doctest.testmod(module).failed == 0
