/** Prints the API description: `npm run openapi > openapi.json`. Needs no database and no Temporal. */
import { connectors } from '../connectors';
import { API_VERSION } from './app';
import { createOpenapi } from './routing/openapi';
import { createRoutes } from './routes';

const nothing = {} as never;
const routes = createRoutes({
  connectors,
  authenticator: nothing,
  config: nothing,
  database: nothing,
  log: nothing,
  metrics: nothing,
  openapi: () => ({}),
  orchestrator: nothing,
  readiness: nothing,
  encryption: nothing,
  stream: nothing,
  whyUrlIsRefused: () => undefined,
});
console.log(
  JSON.stringify(
    createOpenapi(routes, {
      publicUrl: process.env.PUBLIC_URL ?? 'http://127.0.0.1:8080',
      version: API_VERSION,
    }),
    null,
    2,
  ),
);
