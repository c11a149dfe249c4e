# One image for all services of VeriRisk. The first stage installs what deploy/requirements.lock names; the second has nothing to build with.
FROM docker.io/library/python:3.11-slim-bookworm AS build
RUN python3 -m pip install --no-cache-dir --quiet uv
WORKDIR /src
COPY deploy/requirements.lock deploy/
RUN uv venv --quiet --python "$(readlink -f "$(command -v python3)")" /opt/venv \
 && uv pip install --quiet --no-cache --python /opt/venv/bin/python --require-hashes -r deploy/requirements.lock
COPY deploy/slim deploy/
RUN sh deploy/slim /opt/venv
COPY pyproject.toml README.md LICENSE ./
COPY veririsk_assets veririsk_assets
RUN uv pip install --quiet --no-cache --python /opt/venv/bin/python --no-deps . \
 && /opt/venv/bin/python -m compileall -q -j 0 /opt/venv/lib

FROM docker.io/library/python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /tmp veririsk \
 && install -d -o veririsk /data /published /mlflow /var/lib/dagster /var/cache/veririsk \
 && python3 -m pip uninstall --quiet --yes pip setuptools wheel 2>/dev/null || true
COPY --from=build /opt/venv /opt/venv
COPY deploy/dagster.yaml deploy/workspace.yaml /opt/dagster/
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp \
    DAGSTER_HOME=/opt/dagster VERIRISK_HOME=/data VERIRISK_PUBLISHED=/published \
    NUMBA_CACHE_DIR=/var/cache/veririsk/numba MPLCONFIGDIR=/var/cache/veririsk/matplotlib \
    DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true
USER veririsk
WORKDIR /tmp
# Kernels compiled and fonts listed once, at build: both lie in a volume that is filled from here at its first use.
RUN python -m veririsk_assets.defs.warm
VOLUME ["/data", "/published", "/mlflow", "/var/lib/dagster", "/var/cache/veririsk"]
