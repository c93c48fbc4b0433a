# The image for production. Building it needs no secret, no database and no settings:
#
#     docker build -t lintel --build-arg REVISION="$(git rev-parse HEAD)" .
#
# It answers on port 8000 and expects DATABASE_URL, SECRET_KEY and ALLOWED_HOSTS; without
# them it says which one is missing and ends. Migrations are a step of their own, run before:
#
#     docker run --rm --env-file .env lintel python manage.py migrate

ARG PYTHON_VERSION=3.13


# Dependencies first and alone: this stage is built again only when requirements change.
FROM python:${PYTHON_VERSION}-slim AS builder

ARG UV_VERSION=0.13.9
ENV UV_CACHE_DIR=/var/cache/uv \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never

RUN pip install --no-cache-dir --root-user-action=ignore "uv==${UV_VERSION}" \
    && uv venv --python "$(command -v python)" /opt/venv

RUN apt-get update && apt-get install --yes --no-install-recommends binutils

# Symbols for debuggers are a fifth of all that is installed. Libraries that came along with a
# package (`*.libs`) were rewritten by their packagers, and stripping breaks such files. The packages'
# own tests, and what helps writing some, are 3 MB that nobody imports.
COPY requirements/prod.txt /build/requirements/
RUN --mount=type=cache,target=/var/cache/uv \
    uv pip sync --python /opt/venv/bin/python --require-hashes /build/requirements/prod.txt \
    && find /opt/venv -name '*.so' -not -path '*.libs/*' -exec strip --strip-unneeded {} + \
    && find /opt/venv/lib -type d '(' -name tests -o -name testing ')' -prune -exec rm -r {} +


FROM python:${PYTHON_VERSION}-slim AS runtime

# All bytecode is written below, while the image is built. The server writes none: its user
# may not, and the file system may be read-only.
ENV ENVIRONMENT=production \
    PATH="/opt/venv/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONUNBUFFERED=1

# A fixed number, so that volumes and orchestrators can speak of it.
RUN groupadd --gid 10001 lintel \
    && useradd --uid 10001 --gid lintel --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin lintel

# The one folder that the server writes to, besides /tmp. Mount a volume there, or uploads go
# with the container.
ENV MEDIA_DIRECTORY=/var/lib/lintel/media
RUN install --directory --owner=lintel --group=lintel "${MEDIA_DIRECTORY}"

WORKDIR /app

COPY --from=builder /opt/venv /opt/venv
COPY manage.py pyproject.toml ./
# What a load test found; the pattern lets a project build that has no such file yet.
COPY deploy/probe.py deploy/capacity.tom[l] deploy/
COPY migrations migrations
COPY templates templates
COPY project project
COPY apps apps

# Unchecked: the source in an image never changes, and a rebuilt layer may change its times.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
    manage.py deploy migrations project apps

USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM

# Liveness, never the database: an orchestrator that restarts on it must not restart every
# container because PostgreSQL did. The slim image has no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "deploy/probe.py", "/health/live"]

CMD ["python", "manage.py", "runserver", "--host", "0.0.0.0", "--port", "8000"]

# Last, because they differ from build to build.
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Lintel" \
      org.opencontainers.image.description="A production-ready, sync-first, Django-style FastAPI project" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
