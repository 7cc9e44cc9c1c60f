/** The ways to sign in of an OpenAPI document. */
import type { JsonObject } from '../../json';
import { type Draft, toLabel, toName } from './draft';
import { type OpenApiDocument, textAt } from './openapi-document';

const SIGN_INS_MAX = 5;
const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

const token = { token: { label: 'API key' } };

export function signInsOf(document: OpenApiDocument): {
  signIns: JsonObject[];
  decisions: Draft['decisions'];
} {
  const schemes = document.at(document.at(document.root, 'components'), 'securitySchemes') ?? {};
  const signIns = new Map<string, JsonObject>();
  const decisions: Draft['decisions'] = [];
  for (const name of Object.keys(schemes).slice(0, SIGN_INS_MAX)) {
    const scheme = document.at(schemes, name);
    const key = toName(name);
    const made = scheme === undefined ? undefined : authOf(document, scheme);
    if (made === undefined || signIns.has(key)) {
      decisions.push({
        pointer: '/sign_in',
        message: `The way to sign in ${name.slice(0, 60)} was left out. ${WHY_LEFT_OUT}`,
      });
      continue;
    }
    const label = Object.keys(schemes).length > 1 ? toLabel(name).slice(0, 100) : made.label;
    signIns.set(key, { key, label, config: { auth: made.auth }, credentials: made.credentials });
    decisions.push({
      pointer: `/sign_in/${signIns.size - 1}/help`,
      message: 'Say where people find these credentials, step by step.',
    });
  }
  if (signIns.size > 0) return { signIns: [...signIns.values()], decisions };
  const none = { key: 'none', label: 'No sign-in', config: { auth: { type: 'none' } } };
  const message = 'The document does not say how people sign in. Say it.';
  return { signIns: [none], decisions: [...decisions, { pointer: '/sign_in/0', message }] };
}

const WHY_LEFT_OUT =
  'For sign-in by consent create an OAuth app first, and add "oauth2_authorization_code" with its id.';

interface Made {
  label: string;
  auth: JsonObject;
  credentials: JsonObject;
}

function authOf(document: OpenApiDocument, scheme: JsonObject): Made | undefined {
  const name = textAt(scheme, 'name');
  switch (textAt(scheme, 'type')) {
    case 'http':
      return httpAuth(textAt(scheme, 'scheme')?.toLowerCase());
    case 'apiKey': {
      if (name === undefined || name.length > 100) return undefined;
      const place = textAt(scheme, 'in');
      const isAuthorization = name.toLowerCase() === 'authorization';
      if (place === 'header' && HEADER.test(name)) {
        const headers = { [name]: isAuthorization ? 'Bearer {token}' : '{token}' };
        return { label: 'API key', auth: { type: 'header', headers }, credentials: token };
      }
      if (place !== 'query') return undefined;
      return {
        label: 'API key',
        auth: { type: 'query', parameters: { [name]: '{token}' } },
        credentials: token,
      };
    }
    case 'oauth2':
      return clientCredentials(document.at(document.at(scheme, 'flows'), 'clientCredentials'));
    default:
      return undefined;
  }
}

function httpAuth(scheme: string | undefined): Made | undefined {
  if (scheme === 'bearer') return { label: 'Token', auth: { type: 'bearer' }, credentials: token };
  if (scheme !== 'basic') return undefined;
  return {
    label: 'User name and password',
    auth: { type: 'basic' },
    credentials: { username: { label: 'User name' }, password: { label: 'Password' } },
  };
}

function clientCredentials(flow: JsonObject | undefined): Made | undefined {
  const url = textAt(flow, 'tokenUrl');
  if (url === undefined || !/^https?:\/\//.test(url) || !URL.canParse(url)) return undefined;
  const { search, hash, username, password } = new URL(url);
  if (`${search}${hash}${username}${password}` !== '') return undefined;
  return {
    label: 'Client id and secret',
    auth: { type: 'oauth2_client_credentials', token_url: url },
    credentials: { client_id: { label: 'Client id' }, client_secret: { label: 'Client secret' } },
  };
}
