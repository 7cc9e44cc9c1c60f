/** Connections with a client certificate, to a server that asks for one and looks at it. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ClientIdentity } from '../../connectors/http';
import { rest } from '../../connectors/rest';
import type { EgressPolicy } from '../../egress/egress-policy';
import { closeConnections, createHttpClient } from '../../egress/http-client';
import { contactsConfig } from '../connectors/rest/rest-given';
import { contextWith, loopbackPolicy } from '../connectors/suite/given';
import { makeSelfSigned } from '../support/servers/self-signed';

const [site, known, unknown] = [makeSelfSigned(), makeSelfSigned(), makeSelfSigned()];
const policy: EgressPolicy = { ...loopbackPolicy, ca: site.cert };
const credentialsOf = ({ cert, key }: typeof known) => ({ client_certificate: cert, client_key: key });
const identityOf = ({ cert, key }: typeof known): ClientIdentity => ({ certificate: cert, key });

let server: Server;
let host: string;
const seen: string[] = [];
beforeAll(async () => {
  server = createServer(
    { cert: site.cert, key: site.key, ca: known.cert, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      seen.push((request.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256 ?? 'none');
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    },
  );
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => void seen.splice(0));
afterAll(async () => {
  await closeConnections(policy);
  await new Promise((resolve) => server.close(resolve));
});

const send = (identity?: ClientIdentity) =>
  createHttpClient({ policy, hosts: [host], signal: new AbortController().signal, identity }).send({
    method: 'GET',
    url: `https://${host}/ping`,
  });
const failureOf = (sent: Promise<unknown>) =>
  sent.then(
    () => undefined,
    (error: unknown) => error as Error,
  );

it('the certificate of the integration is presented', async () => {
  const { status } = await send(identityOf(known));

  expect([status, seen.length]).toEqual([200, 1]);
  expect(seen[0]).not.toBe('none');
});

it('a connection is shared with no other identity, and with none', async () => {
  await send(identityOf(known));

  for (const identity of [undefined, identityOf(unknown)]) {
    const failure = await failureOf(send(identity));
    expect(failure).toMatchObject({ kind: 'unavailable' });
    expect(failure?.message).not.toContain('PRIVATE KEY');
  }

  expect(seen).toHaveLength(1);
});

it('a certificate that TLS refuses to present asks for new credentials, and is no outage', async () => {
  const failure = await failureOf(send({ certificate: known.cert, key: unknown.key }));

  expect(failure).toMatchObject({ kind: 'unauthorized' });
  expect(failure?.message).toContain('client certificate');
  expect(failure?.message).not.toContain('PRIVATE KEY');
  expect(seen).toEqual([]);
});

it('a server that wants another certificate is told apart from one that is not trusted', async () => {
  const failure = await failureOf(send());

  expect(failure?.message).toMatch(/client certificate|closed the connection/);
  expect(failure?.message).not.toContain('not trusted');
});

it('an integration of REST checks its connection with its certificate', async () => {
  const config = rest.configSchema.parse(contactsConfig(`https://${host}`, { client_certificate: true }));
  const credentials = rest.credentialsSchema.parse(credentialsOf(known));
  const identity = rest.clientIdentity?.(config, credentials);
  const http = createHttpClient({
    policy,
    hosts: rest.hosts(config),
    signal: new AbortController().signal,
    identity,
  });

  await rest.check(contextWith({ config, credentials, mappings: {}, http }));

  expect(seen).toHaveLength(1);
});

it('a certificate that does not fit its key any more asks for new credentials', () => {
  const config = rest.configSchema.parse(contactsConfig(`https://${host}`, { client_certificate: true }));
  const mixed = { ...credentialsOf(known), client_key: unknown.key };

  expect(() => rest.clientIdentity?.(config, rest.credentialsSchema.parse(mixed))).toThrow(
    expect.objectContaining({ kind: 'unauthorized' }),
  );
});
