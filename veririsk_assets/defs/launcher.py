"""A run launcher that notices when a run has died with the code server that ran it.

Dagster's own asks nobody: after a code server was killed its runs stay STARTED, and keep their place in the queue until their longest
run time has passed. A run is a child of its code server, so a server that answers and does not know the run has lost it.
"""

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus


class WatchfulRunLauncher(DefaultRunLauncher):
    """For run monitoring, which fails a run whose worker is gone; run retries start it anew."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """FAILED where the run's code server answers and does not know it; a server that is away may still come back with an answer."""
        from dagster._core.errors import DagsterUserCodeUnreachableError
        from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
        from dagster._serdes import deserialize_value

        client = self._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "runs in the process that asked for it")
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=5)
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its code server does not answer")
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "its code server was started anew and does not know it")
