/** Temporal behind a proxy that asks for a client certificate or an API key (B26). */
import { startProduct } from '../support/environments/product';
import { type Nginx, startTemporalProxy } from '../support/servers/nginx';
import { temporalAddress } from '../support/servers/shared-servers';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const KEY = 'a-key-of-temporal';

it.each([
  [
    'a client certificate',
    'if ($ssl_client_verify != SUCCESS) { return 403; }',
    ({ folder }: Nginx) => ({
      TEMPORAL_TLS_CLIENT_CERT_PATH: `${folder}/syncline.crt`,
      TEMPORAL_TLS_CLIENT_KEY_PATH: `${folder}/syncline.key`,
    }),
  ],
  [
    'an API key',
    `if ($http_authorization != "Bearer ${KEY}") { return 401; }`,
    () => ({ TEMPORAL_API_KEY: KEY }),
  ],
])('B26: api and worker reach Temporal with %s', async (_title, condition, settings) => {
  const proxy = await startTemporalProxy(temporalAddress(), condition);
  const env = { TEMPORAL_TLS: 'true', TEMPORAL_TLS_SERVER_CA_CERT_PATH: `${proxy.folder}/syncline.crt` };
  const product = await startProduct({
    temporalAddress: `127.0.0.1:${proxy.port}`,
    env: { ...env, ...settings(proxy) },
  }).finally(() => stops.push(proxy.stop));
  try {
    const response = await fetch(`${product.apiUrl}/readyz`);
    expect(await response.json()).toMatchObject({ checks: { temporal: { status: 'ok' } } });
  } finally {
    await product.stop();
  }
});
