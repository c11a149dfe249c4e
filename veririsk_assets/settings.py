"""Every environment variable that VeriRisk reads, once, with its default and its meaning."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from veririsk_assets.contracts.paths import plain

REPOSITORY_ROOT = Path(__file__).resolve().parent.parent
SourceMode = Literal["simulated", "recorded", "live"]


class Settings(BaseSettings):
    """Read from `VERIRISK_…` variables (and a few that providers name themselves)."""

    model_config = SettingsConfigDict(env_prefix="VERIRISK_", populate_by_name=True, extra="ignore")

    home: Path = Field(REPOSITORY_ROOT / ".veririsk", description="Where everything is kept: one folder per source mode in it.")
    source: SourceMode = Field("simulated", description="Where data comes from: simulated, recorded or live.")
    recorded_dir: Path | None = Field(None, description="Folder with pool_reserves_4h.parquet, for the recorded mode.")
    published: Path | None = Field(None, description="Folder of the published file, a folder per source mode in it; empty: in the home.")
    lake_catalog: str = Field("", description="postgresql://… for a Postgres catalog; empty: a SQLite file in the home.")
    lake_data: str = Field("", description="Folder or s3://… for the lake's Parquet files; empty: lake/ in the home.")
    seed: int = Field(11, description="Seed of the simulated market, fixed in the home at its first use.")
    variant: Literal["harder", "phase2"] = Field("harder", description="Which simulated market: harder, or the report's own generator.")
    pools: int = Field(120, description="How many pools the simulated market has.")
    history_days: int = Field(90, description="Days of scores kept in the published file.")
    detail_days: int = Field(30, description="Days of features and reasons kept in the published file.")
    min_tvl_usd: float = Field(
        1_000_000.0, description="A live DeFiLlama pool enters the universe at this TVL and leaves after 30 days below 80 % of it."
    )
    max_protocols: int = Field(
        300, ge=0, description="How many protocols, the largest, have their history asked for; 0: nothing of theirs is asked for."
    )
    max_geckoterminal_pools: int = Field(300, description="GeckoTerminal addresses asked for per hour.")
    coingecko_monthly_credits: int = Field(10_000, description="CoinGecko calls allowed per calendar month.")
    pull_deadline_seconds: float = Field(240.0, description="Longest time that one source may take in one hour, retries included.")
    alert_webhook_url: SecretStr = Field(SecretStr(""), description="Optional: HIGH onsets are POSTed here as JSON. A secret.")
    webhook_allow_private: bool = Field(False, description="Allow a webhook on a private or loopback address.")
    challenger_share: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="Share of pools, stable by hash of their id, that the challenger serves; 0: it runs in shadow only.",
    )
    shadow_hours: int = Field(168, ge=0, description="Hours that a challenger must have run in shadow before the gate may promote it.")
    user_agent: str = Field("VeriRisk/0.1 (open DeFi risk monitor)", description="Sent with every request.")
    defillama_api_key: SecretStr = Field(SecretStr(""), alias="DEFILLAMA_API_KEY", description="DeFiLlama pro key; empty: the free hosts.")
    coingecko_api_key: SecretStr = Field(SecretStr(""), alias="COINGECKO_API_KEY", description="CoinGecko key; empty: keyless.")
    coingecko_plan: Literal["demo", "pro"] = Field(
        "demo", alias="COINGECKO_PLAN", description="Which CoinGecko host and header the key is for."
    )
    thegraph_url: SecretStr = Field(
        SecretStr(""),
        alias="THEGRAPH_URL",
        description="Gateway URL of a Uniswap-V2-shaped subgraph, key included. A secret; empty: not asked.",
    )
    aave_subgraph_url: SecretStr = Field(
        SecretStr(""),
        alias="AAVE_SUBGRAPH_URL",
        description="Gateway URL of an Aave subgraph with Messari's lending schema, key included. A secret; empty: not asked.",
    )
    ethereum_rpc_url: SecretStr = Field(
        SecretStr(""), alias="ETHEREUM_RPC_URL", description="JSON-RPC URL of an Ethereum node. A secret; empty: not asked."
    )
    traceback: bool = Field(False, description="Show the whole traceback of a failure, for whoever mends the code.")
    mlflow_tracking_uri: str = Field("", alias="MLFLOW_TRACKING_URI", description="MLflow server; empty: SQLite in the home.")

    @cached_property
    def mode_home(self) -> Path:
        """The home of the current source mode: a lake of one mode is never opened in another."""
        return self.home.expanduser().resolve() / self.source

    @cached_property
    def lake_folder(self) -> Path:
        return self.mode_home / "lake"

    @cached_property
    def published_file(self) -> Path:
        folder = self.mode_home / "published" if self.published is None else self.published.expanduser().resolve() / self.source
        return folder / "veririsk.duckdb"

    @cached_property
    def models_folder(self) -> Path:
        return self.mode_home / "models"

    @cached_property
    def tracking_uri(self) -> str:
        return self.mlflow_tracking_uri or f"sqlite:///{plain(self.mode_home) / 'mlflow' / 'mlflow.db'}"


def env_example() -> str:
    """The text of `.env.example`: every variable, its meaning, its default commented out."""
    lines = ["# Every setting of VeriRisk, generated from veririsk_assets/settings.py. Uncomment to change.", ""]
    for name, field in Settings.model_fields.items():
        variable = field.alias or f"VERIRISK_{name.upper()}"
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = ".veririsk" if name == "home" else "" if default is None else default
        lines += [f"# {field.description}", f"# {variable}={shown}", ""]
    return "\n".join(lines)
