FROM python:3.11.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/footfall
ENV PATH=/opt/footfall/bin:$PATH
WORKDIR /src
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY collectors collectors
COPY pipeline pipeline
COPY sql sql
COPY dashboards dashboards
COPY footfall footfall
RUN pip install --no-deps .

FROM python:3.11.13-slim-bookworm
RUN useradd --system --create-home --home-dir /var/lib/footfall footfall
COPY --from=build /opt/footfall /opt/footfall
ENV PATH=/opt/footfall/bin:$PATH PYTHONUNBUFFERED=1
USER footfall
WORKDIR /var/lib/footfall
EXPOSE 8100 8101
ENTRYPOINT ["footfall"]
CMD ["up"]
