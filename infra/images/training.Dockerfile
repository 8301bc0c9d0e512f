# Training on SageMaker, which starts `python -m models.train` in it (runtime/aws_tasks.py): make images.
FROM python:3.11.14-slim-bookworm AS libraries
ENV UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /opt/fleetlake
COPY requirements/uv.lock requirements/training.lock requirements/
RUN python -m venv installer && installer/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/uv.lock
RUN python -m venv --without-pip .venv && installer/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/training.lock

FROM python:3.11.14-slim-bookworm
# OpenMP for LightGBM.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fleetlake
WORKDIR /opt/fleetlake
COPY --from=libraries /opt/fleetlake/.venv .venv
COPY pyproject.toml ./
COPY contracts contracts
COPY runtime runtime
COPY lake lake
COPY models models
USER fleetlake
ENV PATH=/opt/fleetlake/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FLEETLAKE_PLATFORM=aws
CMD ["python", "-m", "models.train"]
