FROM docker.io/library/python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 veririsk && mkdir -p /data /opt/dagster && chown veririsk /data /opt/dagster
WORKDIR /app
COPY requirements.lock ./
RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY --chown=veririsk . .
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps . && cp deploy/dagster.yaml /opt/dagster/dagster.yaml
ENV PATH=/opt/venv/bin:$PATH DAGSTER_HOME=/opt/dagster VERIRISK_HOME=/data DO_NOT_TRACK=1
USER veririsk
VOLUME /data
EXPOSE 3000
CMD ["dagster-webserver", "--host", "0.0.0.0", "--port", "3000", "--workspace", "deploy/workspace.yaml"]
