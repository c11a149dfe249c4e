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
RUN uv pip install --quiet --no-cache --python /opt/venv/bin/python --no-deps .
# Byte code of what services import, compiled kernels and the list of fonts: once, here.
ENV NUMBA_CACHE_DIR=/var/cache/veririsk/numba MPLCONFIGDIR=/var/cache/veririsk/matplotlib DO_NOT_TRACK=1
WORKDIR /
RUN /opt/venv/bin/python -m veririsk_assets.defs.warm

FROM docker.io/library/python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --home-dir /tmp veririsk \
 && install -d -o veririsk /data /published /mlflow /var/lib/dagster \
 && rm -rf /usr/local/bin/pip* /usr/bin/pip* /usr/local/lib/python3.*/ensurepip \
      /usr/local/lib/python3.*/site-packages/pip* /usr/local/lib/python3.*/site-packages/setuptools* /usr/lib/python3/dist-packages/pip*
COPY --from=build /opt/venv /opt/venv
COPY --from=build --chown=veririsk /var/cache/veririsk /var/cache/veririsk
COPY deploy/dagster.yaml deploy/workspace.yaml /opt/dagster/
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp \
    DAGSTER_HOME=/opt/dagster VERIRISK_HOME=/data VERIRISK_PUBLISHED=/published \
    NUMBA_CACHE_DIR=/var/cache/veririsk/numba MPLCONFIGDIR=/var/cache/veririsk/matplotlib \
    DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true PYTHONWARNINGS="ignore:Parameter `backfill_policy`"
USER veririsk
WORKDIR /tmp
# A volume is filled from here at its first use.
VOLUME ["/data", "/published", "/mlflow", "/var/lib/dagster", "/var/cache/veririsk"]
