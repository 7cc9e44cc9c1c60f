/** The address of the consent page: nothing in the configuration replaces what the protocol says. */
import { authorizationUrl, type OAuthSettings } from '../../../domain/oauth/authorization';

const SETTINGS: OAuthSettings = {
  appId: 'oap_1',
  authorizationUrl: 'https://login.example/authorize',
  tokenUrl: 'https://login.example/token',
  scopes: ['a', 'b'],
  scopeSeparator: ' ',
  pkce: 'S256',
  clientAuth: 'basic',
  authorizationParameters: { prompt: 'consent', state: 'theirs', redirect_uri: 'https://evil.example' },
  tokenParameters: {},
  refreshAheadSeconds: 300,
  header: 'Authorization',
  value: 'Bearer {token}',
};
const REQUEST = {
  clientId: 'client 1',
  redirectUri: 'https://syncline.example/connect/callback',
  state: 'ours',
  codeChallenge: 'challenge',
};

it('has what was asked for, and the parameters of the configuration beside it', () => {
  const { searchParams } = new URL(authorizationUrl(SETTINGS, REQUEST));

  expect(Object.fromEntries(searchParams)).toEqual({
    prompt: 'consent',
    scope: 'a b',
    response_type: 'code',
    client_id: 'client 1',
    redirect_uri: REQUEST.redirectUri,
    state: 'ours',
    code_challenge: 'challenge',
    code_challenge_method: 'S256',
  });
});

it('has no challenge for a provider that refuses it, and no scope if none is configured', () => {
  const url = authorizationUrl(
    { ...SETTINGS, pkce: 'none', scopes: [], authorizationParameters: {} },
    REQUEST,
  );

  expect([...new URL(url).searchParams.keys()].toSorted()).toEqual([
    'client_id',
    'redirect_uri',
    'response_type',
    'state',
  ]);
});
