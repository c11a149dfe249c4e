"""Whether a service of the containers does its work, asked as its users ask: `python -m veririsk_assets.defs.health NAME` ends with 0 or 1.

Only light imports: this runs every half minute in every container.
"""

import json
import os
import sys
from typing import Any
from urllib.request import Request, urlopen

SECONDS = 5
# Runs, assets and ticks are three storages with a connection pool each: after Postgres was away a pool's first question fails, and
# better this one than a person's. Entries come from the code server.
QUESTION = """{
  runsOrError(limit: 1) { __typename ... on Runs { results { runId } } }
  assetRecordsOrError(limit: 1) { __typename }
  autoMaterializeTicks(limit: 1) { id }
  workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } }
}"""


class Unhealthy(Exception):
    """The service answers, and not as it should."""


def code(address: str = "code:4000") -> None:
    """The code server has loaded the graph. Raises grpc.RpcError or Unhealthy."""
    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
    from grpc_health.v1.health_pb2_grpc import HealthStub

    with grpc.insecure_channel(address) as channel:
        status = HealthStub(channel).Check(HealthCheckRequest(service="DagsterApi"), timeout=SECONDS).status
    if status != HealthCheckResponse.SERVING:
        raise Unhealthy(f"the code server says {HealthCheckResponse.ServingStatus.Name(status)}")


def mlflow() -> None:
    """A registry question by the name that VeriRisk calls it by: `/health` says 200 even where every question gets 403."""
    _json(Request(f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/registered-models/search?max_results=1"))


def webserver(address: str = "localhost:3000") -> None:
    """GraphQL reaches every storage and has loaded the code location."""
    body = json.dumps({"query": QUESTION}).encode()
    answer = _json(Request(f"http://{address}/graphql", body, {"Content-Type": "application/json"}))
    said = answer.get("data") or {}
    kinds = [(said.get(name) or {}).get("__typename") for name in ("runsOrError", "assetRecordsOrError")]
    entries = (said.get("workspaceOrError") or {}).get("locationEntries", [])
    loaded = [(entry["locationOrLoadError"] or {}).get("__typename") for entry in entries]
    if "errors" in answer or kinds != ["Runs", "AssetRecordConnection"] or loaded != ["RepositoryLocation"]:
        raise Unhealthy(f"the webserver says {answer}")


def _json(request: Request) -> Any:
    with urlopen(request, timeout=SECONDS) as response:
        return json.load(response)


CHECKS = {"code": code, "mlflow": mlflow, "webserver": webserver}


def main(name: str) -> int:
    try:
        CHECKS[name]()
    except Exception as error:
        sys.stderr.write(f"{name}: {type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
