# The worker that ingests on Fargate, in the function's place: make images.
FROM python:3.11.14-slim-bookworm AS libraries
ENV UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /opt/fleetlake
COPY requirements/uv.lock requirements/worker.lock requirements/
RUN python -m venv installer && installer/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/uv.lock
RUN python -m venv --without-pip .venv && installer/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/worker.lock

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fleetlake
WORKDIR /opt/fleetlake
COPY --from=libraries /opt/fleetlake/.venv .venv
COPY pyproject.toml ./
COPY contracts contracts
COPY runtime runtime
COPY lake lake
COPY ingestion ingestion
# On Fargate a folder that is mounted has the mode that the image declares for it; everything else is read-only there.
VOLUME ["/tmp"]
USER fleetlake
ENV PATH=/opt/fleetlake/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FLEETLAKE_PLATFORM=aws FLEETLAKE_HOME=/tmp/fleetlake
CMD ["python", "-m", "ingestion.worker"]
