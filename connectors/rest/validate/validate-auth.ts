/** Problems of the authentication, and of the credentials for it. */
import type { AuthConfig, RestCredentials } from '../config/config-auth';
import { basicTexts } from '../http/credentials';
import { jsonVariables, pathVariables, textVariables } from '../http/templates';
import { type Problem, unknownVariable } from './validate-call';

export function problemsOfAuth(auth: AuthConfig): Problem[] {
  if (auth.type === 'oauth2_authorization_code') return problemsOfTokenHeader(auth);
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

export function problemsOfCredentials(auth: AuthConfig, credentials: RestCredentials): Problem[] {
  const wanted = new Set(credentialsOf(auth));
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
  ];
}

/** The names of the credentials that this type of authentication uses. */
export function credentialsOf(auth: AuthConfig): string[] {
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
      return ['client_id', 'client_secret'];
    case 'login':
      return [
        ...jsonVariables(auth.body ?? {}),
        ...Object.values(auth.headers ?? {}).flatMap(textVariables),
        ...(auth.path === undefined ? [] : pathVariables(auth.path)),
      ];
  }
}
