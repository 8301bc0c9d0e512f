# One image for every service of docker-compose.yaml: docker compose build
# Pinned by its exact tag: a digest would be of one processor, or of an index that a registry must be asked for.
FROM python:3.11.14-slim-bookworm

# Java for Spark, OpenMP for LightGBM, ps for Spark's scripts.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless libgomp1 procps \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 10001 fleetlake \
    && mkdir /data /opt/fleetlake \
    && chown fleetlake:fleetlake /data /opt/fleetlake
USER fleetlake
WORKDIR /opt/fleetlake

# Libraries first: they change less often than the code.
COPY --chown=fleetlake:fleetlake requirements/uv.lock requirements/fleetlake.lock requirements/
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/uv.lock \
    && .venv/bin/uv pip sync --no-cache --python .venv/bin/python --compile-bytecode --require-hashes requirements/fleetlake.lock

ENV PATH=/opt/fleetlake/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FLEETLAKE_HOME=/data \
    FLEETLAKE_CACHE=/opt/fleetlake/cache

COPY --chown=fleetlake:fleetlake pyproject.toml ./
COPY --chown=fleetlake:fleetlake runtime runtime
RUN python -m runtime.jars
COPY --chown=fleetlake:fleetlake contracts contracts
COPY --chown=fleetlake:fleetlake lake lake
COPY --chown=fleetlake:fleetlake models models
COPY --chown=fleetlake:fleetlake ingestion ingestion
COPY --chown=fleetlake:fleetlake spark_jobs spark_jobs
COPY --chown=fleetlake:fleetlake fleet fleet
COPY --chown=fleetlake:fleetlake services services
COPY --chown=fleetlake:fleetlake local local
COPY --chown=fleetlake:fleetlake cli cli
COPY --chown=fleetlake:fleetlake dags dags

VOLUME /data
CMD ["python", "-m", "cli.main", "--help"]
