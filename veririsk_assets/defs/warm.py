"""Compiles what a first run would otherwise wait for, at image build: `python -m veririsk_assets.defs.warm`.

Byte code is written of what is imported, and of nothing else: of all packages it would be 190 MB.
"""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from veririsk_assets.contracts.windows import HOUR
from veririsk_assets.settings import Settings

HOURS = 30
POOLS = 8
# What services and trainings import beside what scoring does.
USED = (
    *(
        "dagster._cli",
        "dagster._daemon.cli",
        "dagster._grpc.server",
        "dagster_webserver.cli",
        "dagster_postgres",
        "grpc_health.v1.health_pb2_grpc",
    ),
    *("mlflow.cli", "mlflow.server.fastapi_app", "mlflow.models", "mlflow.store.tracking.sqlalchemy_store", "uvicorn.workers"),
    *("matplotlib.pyplot", "sklearn.ensemble", "sklearn.isotonic", "sklearn.linear_model", "veririsk_assets.definitions", "xgboost"),
)


def main() -> None:
    """A few hours of a tiny simulated market, from the first pull to the published file, in a folder that is thrown away."""
    from veririsk_assets.pipeline import replay
    from veririsk_assets.pipeline.known.outside import outside
    from veririsk_assets.pipeline.publishing import publish
    from veririsk_assets.pipeline.step import House

    for name in USED:
        import_module(name)
    end = datetime(2026, 1, 2, tzinfo=UTC)
    with TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), published=None, pools=POOLS)
        house = House.open(settings, lambda: end + timedelta(minutes=30))
        replay.run(house, outside(house, end), end - HOURS * HOUR, end - 2 * HOUR, end, lambda *_: None)
        publish(house)
        house.close()


if __name__ == "__main__":
    main()
