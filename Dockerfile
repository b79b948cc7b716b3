# docker build -t access-token-broker . · docs/image.md says what is inside and how CI builds and tries it.
FROM node:24-bookworm-slim AS source
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

FROM source AS build
COPY packages/client/package.json packages/client/
COPY packages/console/package.json packages/console/
COPY packages/simulator/package.json packages/simulator/
# The only install script that package.json allows fetches the Node that this image already has. The secret is for those whose npm needs a
# registry of their own: docker build --secret id=npmrc,src=$HOME/.npmrc
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json tsconfig.package.json ./
COPY packages ./packages
COPY src ./src
RUN npm run build
COPY ci/sbom.mjs ./ci/
RUN npm run --silent sbom > sbom.cdx.json

# For trying it out: docker build --target simulator
FROM build AS simulator
USER 65532:65532
EXPOSE 9100
ENTRYPOINT ["node", "packages/simulator/dist/cli.js", "--host", "0.0.0.0"]

FROM source AS dependencies
# Optional packages are peers of build-time features, the TypeScript compiler among them. Half of the rest is for people, compilers
# and browsers.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
  npm ci --workspaces=false --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f -regex '.*\.\(map\|[cm]?ts\|md\|markdown\)' ! -iname 'licen[cs]e*' -delete \
  && find node_modules -type f -regex '.*/\(test\|umd\|bundles\|esnext\)/.*' -delete

# No shell, no package manager; user 65532.
FROM gcr.io/distroless/cc-debian12
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="access-token-broker" \
  org.opencontainers.image.description="Central access_token server for WeChat and platforms like it" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12"
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /usr/local/bin/node /usr/local/bin/
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/package.json /app/sbom.cdx.json ./
COPY LICENSE ./
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# Liveness only: a container is not restarted because the platform is down.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "const o = { host: '127.0.0.1', port: process.env.PORT || 8080, path: '/health/live', rejectUnauthorized: false }; const ask = (by) => new Promise((well, ill) => require(by).get(o, (answer) => (answer.statusCode === 200 ? well() : ill())).on('error', ill)); ask('http').catch(() => ask('https')).then(() => process.exit(0), () => process.exit(1))"]
# A small young generation stays in the cache: docs/adr/0003-hot-route.md.
ENTRYPOINT ["node", "--max-semi-space-size=8", "dist/cli.js"]
CMD ["serve"]
