/** Keycloak with one realm: refresh tokens are replaced at each use, and a replaced one ends the session. */
import { setTimeout as sleep } from 'node:timers/promises';
import path from 'node:path';
import { startProcess } from '../../../dev/start/processes';
import { findKeycloak } from '../../../dev/tools/keycloak';
import { until } from '../until';
import { freePort } from './free-port';
import { temporaryFolder } from './shared-servers';

export const PERSON = { username: 'ada', password: 'a password of Ada' };
export const CLIENT = { id: 'syncline', secret: 'canary-secret-of-the-client' };
const ADMIN = { username: 'admin', password: 'only for this run' };
const REALM = 'customers';

export interface Keycloak {
  /** The issuer: of the realm. */
  url: string;
  /** Whether the realm accepts an access token. */
  accepts(accessToken: string): Promise<boolean>;
  /** Ends all sessions of the person, and with them the refresh tokens. */
  signOutPerson(): Promise<void>;
  stop(): Promise<void>;
}

/** Ready in half a minute. */
export async function startKeycloak({ redirectUri }: { redirectUri: string }): Promise<Keycloak> {
  const [home, port] = [await findKeycloak(), await freePort()];
  const child = await startProcess({
    name: 'Keycloak',
    command: 'bash',
    args: [
      path.join(home, 'bin/kc.sh'),
      'start-dev',
      '--db=dev-mem',
      `--http-port=${port}`,
      '--http-host=127.0.0.1',
    ],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      JAVA_OPTS: '-Xms64m -Xmx512m',
      KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
    },
    logFile: path.join(temporaryFolder('keycloak'), 'keycloak.log'),
    ports: [port],
  });
  const root = `http://127.0.0.1:${port}`;
  const url = `${root}/realms/${REALM}`;
  const form = (address: string, fields: Record<string, string>) =>
    fetch(address, { method: 'POST', body: new URLSearchParams(fields) });
  const admin = async (method: string, at: string, body?: object): Promise<Response> => {
    const grant = { grant_type: 'password', client_id: 'admin-cli', ...ADMIN };
    const token = await form(`${root}/realms/master/protocol/openid-connect/token`, grant);
    const { access_token: accessToken } = (await token.json()) as { access_token: string };
    const response = await fetch(`${root}/admin${at}`, {
      method,
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${await response.text()}`);
    return response;
  };
  await until(
    'Keycloak answers',
    async () => (await fetch(`${root}/realms/master`).catch(() => sleep(500, undefined)))?.ok,
    240_000,
  );
  await admin('POST', '/realms', realmWith(redirectUri));
  return {
    url,
    async accepts(accessToken) {
      const fields = { token: accessToken, client_id: CLIENT.id, client_secret: CLIENT.secret };
      const response = await form(`${url}/protocol/openid-connect/token/introspect`, fields);
      return ((await response.json()) as { active?: boolean }).active === true;
    },
    async signOutPerson() {
      const [person] = (await (
        await admin('GET', `/realms/${REALM}/users?username=${PERSON.username}`)
      ).json()) as [{ id: string }];
      await admin('POST', `/realms/${REALM}/users/${person.id}/logout`);
    },
    stop: () => child.stop(),
  };
}

const realmWith = (redirectUri: string) => ({
  realm: REALM,
  enabled: true,
  sslRequired: 'none',
  revokeRefreshToken: true,
  refreshTokenMaxReuse: 0,
  users: [
    {
      username: PERSON.username,
      enabled: true,
      email: 'ada@customer.example',
      emailVerified: true,
      firstName: 'Ada',
      lastName: 'Lovelace',
      credentials: [{ type: 'password', value: PERSON.password, temporary: false }],
    },
  ],
  clients: [
    {
      clientId: CLIENT.id,
      name: 'Syncline',
      secret: CLIENT.secret,
      protocol: 'openid-connect',
      publicClient: false,
      standardFlowEnabled: true,
      consentRequired: true,
      redirectUris: [redirectUri],
      attributes: { 'access.token.lifespan': '12', 'pkce.code.challenge.method': 'S256' },
    },
  ],
});
