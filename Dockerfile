# One image for the gateway and every department; the command chooses:
#   docker run comanda gateway        docker run comanda departments bar
# BASE is any Debian with Python 3.11 or newer as python3, and its venv module.
# faker and polyfactory (26 MB) make up examples for Litestar's API descriptions, which Comanda writes itself.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /build
COPY requirements/run.txt .
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --no-cache-dir --no-compile --disable-pip-version-check --only-binary :all: \
      --require-hashes -r run.txt \
 && /opt/venv/bin/python -m pip uninstall --yes --quiet faker polyfactory pip \
 && find /opt/venv -depth \( -name tests -o -name __pycache__ \) -type d -exec rm -rf {} + \
 && rm -rf /opt/venv/lib/python3*/site-packages/setuptools* /opt/venv/bin/pip*
COPY . /app
RUN /opt/venv/bin/python -m compileall -q /opt/venv/lib /app

FROM ${BASE}
# The base's pip goes too: nothing is ever installed in a container that runs.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin comanda \
 && install -d -o comanda -g comanda /data /backup
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COMANDA_HOME=/data \
    COMANDA_LOG_FORMAT=json
WORKDIR /app
USER 10001:10001
VOLUME /data
STOPSIGNAL SIGTERM
# The check gives the program 4 s to respond. The engine's own limit is for the check's start as well: were it as short,
# every check on a machine that is busy for a while would be ended and begun again, and be most of what it is busy with.
HEALTHCHECK --interval=10s --timeout=30s --start-period=60s --retries=3 CMD ["python", "-m", "ops.health"]
ENTRYPOINT ["python", "-m"]
CMD ["gateway"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Comanda" \
      org.opencontainers.image.description="A restaurant's orders: the gateway and its departments" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
