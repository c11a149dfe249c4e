"""Imported first, it adds lanterns to a process: one `System` value, one binding. As a program it is the `veririsk` command with them."""

from veririsk_assets.contracts import systems
from veririsk_assets.pipeline import systems as bindings
from veririsk_assets_tests.toy.contracts import LANTERNS

systems.SYSTEMS = (*systems.SYSTEMS, LANTERNS)
bindings.BINDINGS[LANTERNS.name] = "veririsk_assets_tests.toy.binding"

if __name__ == "__main__":
    from veririsk_assets.cli.main import main

    main()
