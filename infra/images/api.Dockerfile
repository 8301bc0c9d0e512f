# The APIs on Fargate: make images. Its context is the checkout; what it copies is listed in infra/packaging/images.py by reading it.
FROM python:3.11.14-slim-bookworm AS libraries
ENV UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /opt/fleetlake
COPY requirements/uv.lock requirements/api-image.lock requirements/
RUN python -m venv installer && installer/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/uv.lock
RUN python -m venv --without-pip .venv && installer/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/api-image.lock

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fleetlake
WORKDIR /opt/fleetlake
COPY --from=libraries /opt/fleetlake/.venv .venv
COPY pyproject.toml ./
COPY contracts contracts
COPY runtime runtime
COPY lake lake
COPY fleet fleet
COPY services services
# On Fargate a folder that is mounted has the mode that the image declares for it; everything else is read-only there.
VOLUME ["/tmp"]
# Nothing of it can be changed by the process: the files are root's.
USER fleetlake
ENV PATH=/opt/fleetlake/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FLEETLAKE_PLATFORM=aws FLEETLAKE_BIND_ADDRESS=0.0.0.0 FLEETLAKE_API_PORT=8000
EXPOSE 8000
CMD ["python", "-m", "services.server"]
