# syntax=docker/dockerfile:1

# The service as an image. The binary is the entry point, so its subcommands are the arguments:
#
#   docker build -t foundry-api .                          (--build-arg FEATURES=otlp sends traces, too)
#   docker run --rm foundry-api keys generate
#   docker run --rm -p 127.0.0.1:8080:8080 -v foundry-data:/data foundry-api
#
# The last line runs on the embedded store, in /data. Nothing else is written to, so the container
# runs with --read-only as well.

ARG RUST_VERSION=1.95

FROM rust:${RUST_VERSION}-slim-bookworm AS build
ARG FEATURES=
WORKDIR /source
COPY . .
# The caches are not part of the image: the binary is copied out of them in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/source/target,sharing=locked \
    cargo build --release --locked --bin foundry-api --features "$FEATURES" \
    && install -D target/release/foundry-api /out/foundry-api

FROM debian:bookworm-slim
# Certificates: for a database or a collector that is reached over TLS.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 foundry \
    && useradd --system --uid 10001 --gid foundry --home-dir /data --shell /usr/sbin/nologin foundry \
    && install --directory --owner=foundry --group=foundry --mode=0700 /data
COPY --from=build /out/foundry-api /usr/local/bin/foundry-api

USER 10001:10001
WORKDIR /data
ENV FOUNDRY_LISTEN=0.0.0.0:8080 \
    FOUNDRY_DATA=/data
EXPOSE 8080

# bash opens the connection itself, which saves a curl in the image.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["/bin/bash", "-c", "\
exec 3<>/dev/tcp/127.0.0.1/${FOUNDRY_LISTEN##*:} \
&& printf 'GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 \
&& read -r -t 4 _ status _ <&3 \
&& [[ $status == 200 ]]"]

ENTRYPOINT ["/usr/local/bin/foundry-api"]
