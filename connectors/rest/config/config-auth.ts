/** The authentication of a configuration and the shape of its secrets. */
import { z } from 'zod';
import type { OAuthSettings } from '../../../domain/oauth/authorization';
import {
  AbsoluteUrl,
  HEADER_NAME,
  Headers,
  JsonObject,
  JsonPointer,
  PathTemplate,
  Status,
  Text,
  TokenUrl,
  refuseUnsafeKeys,
} from './config-values';
import { jwtBearer, OAuth1, Signature } from './config-signing';

const HeaderOfToken = {
  header: z.string().regex(HEADER_NAME).default('Authorization'),
  value: Text.default('Bearer {token}'),
};

const APP_ID = /^oap_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,500}$/;
/**
 * What Syncline itself says in a consent or a token call, and what could replace it or lead the answer away
 * from it: OpenID Connect's `request` carries all parameters at once. Some servers ignore the case of names.
 */
const OWN_PARAMETERS = new Set([
  'access_token',
  'assertion',
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'code',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'dpop_jkt',
  'grant_type',
  'id_token_hint',
  'iss',
  'nonce',
  'password',
  'redirect_uri',
  'refresh_token',
  'registration',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
  'username',
  'web_message_uri',
]);
const FurtherParameters = z
  .record(z.string().min(1).max(100), Text)
  .refine(
    (parameters) => Object.keys(parameters).every((name) => !OWN_PARAMETERS.has(name.trim().toLowerCase())),
    'Parameters of the protocol (client_id, redirect_uri, state, request, response_mode, …) cannot be set here.',
  )
  .default({});

export const Auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('bearer') }),
  /** `username` and `password` are the credentials of these names, unless texts say otherwise. */
  z.strictObject({ type: z.literal('basic'), username: Text.optional(), password: Text.optional() }),
  z.strictObject({ type: z.literal('header'), headers: Headers }),
  z.strictObject({ type: z.literal('query'), parameters: z.record(z.string().min(1).max(100), Text) }),
  z.strictObject({
    type: z.literal('oauth2_client_credentials'),
    token_url: AbsoluteUrl,
    scope: Text.optional(),
    /** `none`: the client is known by its certificate (RFC 8705). */
    client_auth: z.enum(['basic', 'body', 'none']).default('basic'),
    /** Further form fields of the token call: `audience`, `resource`. */
    parameters: z.record(z.string().min(1).max(100), Text).optional(),
  }),
  jwtBearer(FurtherParameters),
  OAuth1,
  Signature,
  z.strictObject({
    type: z.literal('oauth2_authorization_code'),
    /** The app (`/v1/oauth-apps`) whose client id and secret are used. */
    app_id: z.string().regex(APP_ID, 'The id of an OAuth app: oap_….'),
    authorization_url: AbsoluteUrl,
    token_url: TokenUrl,
    /** Compared with `iss` in the provider's answer (RFC 9207). */
    issuer: Text.min(1).optional(),
    scopes: z.array(z.string().regex(SCOPE, 'A scope, without spaces.')).max(100).default([]),
    scope_separator: z.enum([' ', ',']).default(' '),
    pkce: z.enum(['S256', 'none']).default('S256'),
    client_auth: z.enum(['basic', 'body', 'none']).default('basic'),
    authorization_parameters: FurtherParameters,
    token_parameters: FurtherParameters,
    /** A token is renewed this long before it expires; at most a third of its lifetime. */
    refresh_ahead_seconds: z.int().min(0).max(86_400).default(300),
    /** Who has given consent: in the answer of `url`, or else in the answer with the tokens. */
    account: z
      .strictObject({
        url: AbsoluteUrl.optional(),
        id: JsonPointer.optional(),
        /** Instead of `id`: it is part of `url`, which answers only to a consent of this account. */
        value: Text.min(1).max(500).optional(),
        name: JsonPointer.optional(),
      })
      .optional(),
    /** Where a consent is for several accounts: the person picks one, whose id becomes a parameter. */
    accounts: z
      .strictObject({
        url: AbsoluteUrl,
        items: JsonPointer.default(''),
        id: JsonPointer,
        name: JsonPointer.optional(),
        parameter: Text.min(1).max(63),
      })
      .optional(),
    ...HeaderOfToken,
  }),
  z.strictObject({
    type: z.literal('login'),
    method: z.enum(['POST', 'PUT', 'GET']).default('POST'),
    path: PathTemplate.optional(),
    /** The login URL if it is on another host; otherwise `path` is used. */
    url: AbsoluteUrl.optional(),
    headers: Headers.optional(),
    body: JsonObject.optional(),
    send_as: z.enum(['json', 'form']).default('json'),
    token: z.union([
      JsonPointer,
      z.strictObject({ header: z.string().regex(HEADER_NAME) }),
      z.strictObject({ cookie: z.string().regex(HEADER_NAME) }),
    ]),
    expires_in: JsonPointer.optional(),
    expires_at: JsonPointer.optional(),
    lifetime_seconds: z.int().min(1).optional(),
    ...HeaderOfToken,
    /** Statuses after which the connector logs in again, once. */
    renew_on: z.array(Status).default([401, 403]),
  }),
]);

/** Secrets by name; `auth` of the configuration defines the required names. */
const CredentialsShape = z
  .record(
    z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'A name of lower-case letters, digits and _.'),
    z
      .string()
      .min(1)
      .max(20_000)
      .regex(
        /^(?:[^\p{Cc}]{0,8192}|\s*-----BEGIN [A-Z0-9 ]+-----[\r\n\x20-\x7e]*)$/u,
        'No control characters.',
      ),
  )
  .refine((credentials) => Object.keys(credentials).length <= 20, 'At most 20 credentials.');

export const RestCredentials = z.preprocess(refuseUnsafeKeys, CredentialsShape);

export type AuthConfig = z.output<typeof Auth>;
export type RestCredentials = z.output<typeof RestCredentials>;

export function oauthSettingsOf(
  auth: Extract<AuthConfig, { type: 'oauth2_authorization_code' }>,
): OAuthSettings {
  return {
    appId: auth.app_id,
    authorizationUrl: auth.authorization_url,
    tokenUrl: auth.token_url,
    issuer: auth.issuer,
    scopes: auth.scopes,
    scopeSeparator: auth.scope_separator,
    pkce: auth.pkce,
    clientAuth: auth.client_auth,
    authorizationParameters: auth.authorization_parameters,
    tokenParameters: auth.token_parameters,
    refreshAheadSeconds: auth.refresh_ahead_seconds,
    header: auth.header,
    value: auth.value,
    account: auth.account,
    accounts: auth.accounts,
  };
}
