# Roundwarden as an image: `docker build -t roundwarden .`; how to run it: docs/operations.md, "Container".

# Debian, not Alpine: the database driver and the chart renderer have prebuilt parts for it.
FROM node:20-slim AS build
# For better-sqlite3 where no prebuilt one can be fetched.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 make g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
# The build has the program audit an installation of the benches, and keeps what is compiled for that.
COPY build build
COPY bench bench
COPY jobs jobs
COPY src src
COPY reports reports
RUN npm run build \
 && npm prune --omit=dev \
 && npm cache clean --force

FROM node:20-slim
# pg_dump, for `backup` of a ledger in PostgreSQL: --build-arg PG_CLIENT=postgresql-client
ARG PG_CLIENT=""
RUN if [ -n "$PG_CLIENT" ]; then \
      apt-get update && apt-get install -y --no-install-recommends "$PG_CLIENT" && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# Whoever runs it owns /data; nothing else is written, so that the root file system may be read-only.
RUN mkdir -m 700 /data && chown node:node /data
ENV NODE_ENV=production TZ=UTC DATA_DIR=/data
USER node
VOLUME /data
# That the program runs and its ledger answers, once the first audit has made it. Whether audits finish is for
# HEARTBEAT_URL to tell, from outside.
HEALTHCHECK --interval=5m --timeout=60s --start-period=10m --retries=3 \
  CMD ["node", "dist/jobs/main.js", "ledger", "head"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/jobs/main.js"]
CMD ["start"]
