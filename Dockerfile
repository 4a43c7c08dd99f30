# One image per role, sources without a build step:
#   docker build --target worker --build-arg APP=worker --build-arg REVISION="$(git rev-parse HEAD)" .
# APP and the target are producer, worker, console or cli.

FROM node:24-slim AS dependencies
ARG APP
WORKDIR /srv
COPY package.json package-lock.json .npmrc ./
COPY bench/package.json bench/
COPY apps/cli/package.json apps/cli/
COPY apps/console/package.json apps/console/
COPY apps/producer/package.json apps/producer/
COPY apps/worker/package.json apps/worker/
COPY packages/blobs/package.json packages/blobs/
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
# What is in the image, as CycloneDX: of manifests and lock, so before anything is installed.
COPY scripts/sbom.mjs scripts/
COPY scripts/lib/sbom.mjs scripts/lib/npm-json.mjs scripts/lib/processes.mjs scripts/lib/
RUN node scripts/sbom.mjs "$APP" > sbom.cdx.json && rm -r scripts
# Only what this app needs; the root's own packages are tools, and a second Node.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace "apps/$APP" --include-workspace-root=false

FROM node:24-slim AS sources
ARG APP
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mailfleet $APP" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION"
ENV NODE_ENV=production MAILFLEET_REVISION="$REVISION"
WORKDIR /srv
COPY --from=dependencies /srv ./
COPY LICENSE ./
COPY packages packages
COPY apps/$APP apps/$APP
RUN mkdir -p /data && chown node:node /data
# Sources belong to root and are read-only for the process.
USER node
VOLUME /data
WORKDIR /data

FROM sources AS producer
CMD ["node", "/srv/apps/producer/src/main.ts", "--config", "/etc/mailfleet/mailfleet.yaml"]

FROM sources AS worker
CMD ["node", "--max-semi-space-size=8", "/srv/apps/worker/src/main.ts", "--config", "/etc/mailfleet/mailfleet.yaml"]

FROM sources AS console
EXPOSE 8025
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8025/healthz').then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "/srv/apps/console/src/main.ts", "--config", "/etc/mailfleet/mailfleet.yaml"]

FROM sources AS cli
ENTRYPOINT ["node", "/srv/apps/cli/src/main.ts"]
CMD ["--help"]
