/** Problems of keys and certificates, found when they are entered and not at the first call. */
import type { RestConfig } from '../config/config';
import type { RestCredentials } from '../config/config-auth';
import { assertionKey } from '../signing/jwt-assertion';
import { KeyProblem, readCertificate, readPrivateKey } from '../signing/pem';
import { signingSecret } from '../signing/signed-request';
import type { Problem } from './validate-call';

/** A certificate proves nothing without TLS, and consents are exchanged without credentials of their own. */
export function problemsOfCertificate({ base_url: baseUrl, auth }: RestConfig): Problem[] {
  const pointer = '/config/client_certificate';
  if (auth.type === 'oauth2_authorization_code')
    return [{ pointer, message: 'An account connected by consent has no client certificate.' }];
  const urls = [baseUrl, ...('token_url' in auth ? [auth.token_url] : [])];
  if (urls.every((url) => /^https:/i.test(url))) return [];
  return [{ pointer, message: 'A client certificate needs addresses with https.' }];
}

/** All credentials are there. No message repeats a part of them. */
export function problemsOfKeys(config: RestConfig, credentials: RestCredentials): Problem[] {
  const { auth } = config;
  const valueOf = (name: string): string => credentials[name] ?? '';
  return [
    ...(auth.type === 'oauth2_jwt_bearer'
      ? problemWith('private_key', () => assertionKey(auth.algorithm, valueOf('private_key')))
      : []),
    ...(auth.type === 'signature' ? problemWith('secret', () => signingSecret(auth, valueOf('secret'))) : []),
    ...(config.client_certificate === true ? problemsOfPair(valueOf) : []),
  ];
}

function problemsOfPair(valueOf: (name: string) => string): Problem[] {
  const unreadable = problemWith('client_key', () => readPrivateKey(valueOf('client_key')));
  if (unreadable.length > 0) return unreadable;
  const { key } = readPrivateKey(valueOf('client_key'));
  return problemWith('client_certificate', () =>
    readCertificate(valueOf('client_certificate'), key, new Date()),
  );
}

function problemWith(name: string, use: () => unknown): Problem[] {
  try {
    use();
    return [];
  } catch (error) {
    if (!(error instanceof KeyProblem)) throw error;
    return [{ pointer: `/credentials/${name}`, message: error.message }];
  }
}
