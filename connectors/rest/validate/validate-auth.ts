/** Problems of the authentication, and of the credentials for it. */
import type { RestConfig } from '../config/config';
import type { AuthConfig, RestCredentials } from '../config/config-auth';
import { basicTexts } from '../http/credentials';
import { jsonVariables, pathVariables, textVariables } from '../http/templates';
import { OAUTH1_SECRETS } from '../signing/oauth1';
import { credentialsOfSignature, type SignatureConfig } from '../signing/signed-request';
import { type Problem, unknownVariable } from './validate-call';
import { problemsOfCertificate, problemsOfKeys } from './validate-keys';

export function problemsOfAuth(config: RestConfig): Problem[] {
  const { auth } = config;
  if (config.client_certificate === true) return [...problemsOfCertificate(config), ...problemsOfType(auth)];
  return problemsOfType(auth);
}

function problemsOfType(auth: AuthConfig): Problem[] {
  if (auth.type === 'oauth2_authorization_code') {
    const hasBoth = auth.account !== undefined && auth.accounts !== undefined;
    const message = 'Either the consent names one account (account), or the person picks one (accounts).';
    return [
      ...problemsOfTokenHeader(auth),
      ...(hasBoth ? [{ pointer: '/config/auth/accounts', message }] : []),
      ...problemsOfAccount(auth.account),
    ];
  }
  if (auth.type === 'signature') return problemsOfSignature(auth);
  if (auth.type === 'oauth1') return problemsOfRealm(auth);
  if (auth.type !== 'login') return [];
  const problems: Problem[] = [];
  if ((auth.path === undefined) === (auth.url === undefined))
    problems.push({ pointer: '/config/auth', message: 'A login needs either path (below base_url) or url.' });
  if (auth.method === 'GET' && auth.body !== undefined)
    problems.push({ pointer: '/config/auth/body', message: 'A GET has no body.' });
  if (auth.send_as === 'form' && Object.values(auth.body ?? {}).some((value) => typeof value === 'object')) {
    problems.push({ pointer: '/config/auth/body', message: 'A form can only contain single values.' });
  }
  return [...problems, ...problemsOfTokenHeader(auth)];
}

type Account = Extract<AuthConfig, { type: 'oauth2_authorization_code' }>['account'];

function problemsOfAccount(account: Account): Problem[] {
  if (account === undefined) return [];
  const { url, id, value } = account;
  const pointer = '/config/auth/account';
  if ((id === undefined) === (value === undefined))
    return [{ pointer, message: 'The id is either in the answer (id) or part of the url (value).' }];
  const isProof =
    value === undefined ||
    (url !== undefined && new URL(url).pathname.split('/').includes(encodeURIComponent(value)));
  return isProof
    ? []
    : [{ pointer, message: 'A value must be part of the path of url, whose answer proves it.' }];
}

function problemsOfSignature({ signed_text: text, headers }: SignatureConfig): Problem[] {
  const inHeaders = Object.values(headers).flatMap(textVariables);
  const pointer = '/config/auth/headers';
  return [
    ...(textVariables(text).includes('signature')
      ? [{ pointer: '/config/auth/signed_text', message: 'What is signed cannot contain its own signature.' }]
      : []),
    ...(inHeaders.includes('signature')
      ? []
      : [{ pointer, message: 'One of the headers must contain {signature}.' }]),
    ...(inHeaders.includes('body')
      ? [{ pointer, message: 'A header cannot hold a body. Use {body_sha256_hex} or {body_sha256_base64}.' }]
      : []),
  ];
}

/** Credentials in it are checked when the header is written. */
const problemsOfRealm = ({ realm = '' }: Extract<AuthConfig, { type: 'oauth1' }>): Problem[] =>
  /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(realm)
    ? []
    : [{ pointer: '/config/auth/realm', message: 'Use printable ASCII characters without " and \\.' }];

function problemsOfTokenHeader({ value }: { value: string }): Problem[] {
  const variables = textVariables(value);
  const pointer = '/config/auth/value';
  return [
    ...(variables.includes('token')
      ? []
      : [{ pointer, message: 'The value of the token header must contain {token}.' }]),
    ...variables
      .filter((variable) => variable !== 'token')
      .map((variable) => ({ pointer, message: unknownVariable(variable) })),
  ];
}

export function problemsOfCredentials(config: RestConfig, credentials: RestCredentials): Problem[] {
  const { auth } = config;
  const wanted = new Set(credentialsOf(config));
  const missing = [...wanted].filter((name) => !Object.hasOwn(credentials, name));
  const idle = Object.keys(credentials).filter((name) => !wanted.has(name));
  return [
    ...missing.map((name) => ({
      pointer: `/credentials/${name}`,
      message: `Authentication by ${auth.type} needs the credential "${name}".`,
    })),
    ...idle.map((name) => ({
      pointer: `/credentials/${name}`,
      message: `The configuration does not use a credential "${name}".`,
    })),
    ...(missing.length > 0 ? [] : problemsOfKeys(config, credentials)),
  ];
}

/** The names of the credentials that a configuration uses. */
export const credentialsOf = ({ auth, client_certificate: hasCertificate }: RestConfig): string[] => [
  ...credentialsOfAuth(auth),
  ...(hasCertificate === true ? ['client_certificate', 'client_key'] : []),
];

function credentialsOfAuth(auth: AuthConfig): string[] {
  switch (auth.type) {
    case 'none':
    case 'oauth2_authorization_code':
      return [];
    case 'bearer':
      return ['token'];
    case 'basic':
      return Object.values(basicTexts(auth)).flatMap(textVariables);
    case 'header':
      return Object.values(auth.headers).flatMap(textVariables);
    case 'query':
      return Object.values(auth.parameters).flatMap(textVariables);
    case 'oauth2_client_credentials':
      return auth.client_auth === 'none' ? ['client_id'] : ['client_id', 'client_secret'];
    case 'oauth2_jwt_bearer':
      return ['private_key', ...jsonVariables(auth.claims), ...textVariables(auth.key_id ?? '')];
    case 'oauth1':
      return [...OAUTH1_SECRETS, ...textVariables(auth.realm ?? '')];
    case 'signature':
      return credentialsOfSignature(auth);
    case 'login':
      return [
        ...jsonVariables(auth.body ?? {}),
        ...Object.values(auth.headers ?? {}).flatMap(textVariables),
        ...(auth.path === undefined ? [] : pathVariables(auth.path)),
      ];
  }
}
