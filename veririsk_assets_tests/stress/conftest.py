"""The homes and disks of the Dagster tests."""

from veririsk_assets_tests.defs.conftest import fast_disk, history, house, instance

__all__ = ["fast_disk", "history", "house", "instance"]
