# One image for all roles, each built into few files:
#   docker build -t mailfleet --build-arg REVISION="$(git rev-parse HEAD)" .
#   docker run --rm mailfleet --help

ARG NODE=24.21.0

FROM node:${NODE}-slim AS manifests
WORKDIR /srv
COPY package.json package-lock.json .npmrc ./
COPY bench/package.json bench/
COPY apps/cli/package.json apps/cli/
COPY apps/console/package.json apps/console/
COPY apps/producer/package.json apps/producer/
COPY apps/worker/package.json apps/worker/
COPY packages/blobs/package.json packages/blobs/
COPY packages/checks/package.json packages/checks/
COPY packages/config/package.json packages/config/
COPY packages/consumer/package.json packages/consumer/
COPY packages/contract/package.json packages/contract/
COPY packages/core/package.json packages/core/
COPY packages/engine/package.json packages/engine/
COPY packages/entra/package.json packages/entra/
COPY packages/imap/package.json packages/imap/
COPY packages/mime/package.json packages/mime/
COPY packages/onboarding/package.json packages/onboarding/
COPY packages/pop3/package.json packages/pop3/
COPY packages/queue/package.json packages/queue/
COPY packages/role/package.json packages/role/
COPY packages/runtime/package.json packages/runtime/
COPY packages/sandbox/package.json packages/sandbox/
COPY packages/store/package.json packages/store/
COPY packages/telemetry/package.json packages/telemetry/
COPY packages/testkit/package.json packages/testkit/
COPY packages/web/package.json packages/web/

FROM manifests AS dependencies
# What is in the image, as CycloneDX: of manifests and lock, so before anything is installed.
COPY scripts/sbom.mjs scripts/
COPY scripts/lib/sbom.mjs scripts/lib/npm-json.mjs scripts/lib/processes.mjs scripts/lib/
RUN node scripts/sbom.mjs > sbom.cdx.json && rm -r scripts
# Only what the programs need; the root's own packages are tools, and a second Node.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --include-workspace-root=false \
    --workspace apps/cli --workspace apps/console --workspace apps/producer --workspace apps/worker

FROM manifests AS built
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY packages packages
COPY apps apps
COPY scripts/build-roles.mjs scripts/
COPY scripts/lib/ascii-only.mjs scripts/lib/left-out.mjs scripts/lib/plain-http.mjs scripts/lib/processes.mjs scripts/lib/source-places.mjs scripts/lib/
RUN node scripts/build-roles.mjs built

FROM node:${NODE}-slim
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mailfleet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION"
# What a worker must have from its start (packages/runtime/src/node-flags.ts); the other roles do not mind.
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-semi-space-size=4 --disable-sigusr1 --report-exclude-env" \
    UV_THREADPOOL_SIZE=16 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    MALLOC_TRIM_THRESHOLD_=16777216 \
    MAILFLEET_REVISION="$REVISION" \
    MAILFLEET_DATA_DIR=/data \
    MAILFLEET_METRICS_LISTEN=127.0.0.1:9464
WORKDIR /srv
COPY --from=dependencies /srv ./
COPY LICENSE ./
COPY packages packages
COPY apps apps
# What is started. It reads manifests, pages and some libraries where the sources have them.
COPY --from=built /srv/built built
RUN mkdir -p /data /etc/mailfleet && chown node:node /data /etc/mailfleet
# Code compiled once, here, as the user and with the flags that the roles have: for others Node would look elsewhere.
# Then it is read-only, as the sources are. Without it a start takes more processor time; nothing else depends on it.
ENV NODE_COMPILE_CACHE=/srv/compile-cache
RUN install -d -o node -g node /srv/compile-cache \
    && setpriv --reuid=node --regid=node --clear-groups node apps/cli/bin/compile-all.mjs built \
    && chown -R root:root /srv/compile-cache \
    && chmod -R a+rX /srv/compile-cache
# Programs and sources belong to root and are read-only for the process.
USER node
VOLUME /data
WORKDIR /data
# Whether a role makes progress, by the address of its metrics, which speaks HTTP whatever its console does. It stays well while Redis is away,
# when a new start would help nobody.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --start-interval=2s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.MAILFLEET_METRICS_LISTEN.split(':').pop() + '/healthz').then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/srv/built/mailfleet.mjs"]
CMD ["--help"]
