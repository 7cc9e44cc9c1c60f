/** What a configuration says about sign-ins that need a key: assertions, OAuth 1.0a, signed requests. */
import { z } from 'zod';
import { AbsoluteUrl, Headers, Text } from './config-values';

const JWT_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
] as const;

/** The times and the id of an assertion are new each time. */
const OWN_CLAIMS = new Set(['exp', 'iat', 'jti', 'nbf']);

const Claims = z
  .record(z.string().min(1).max(200), z.union([Text, z.number(), z.boolean()]))
  .refine(
    (claims) => Object.keys(claims).every((name) => !OWN_CLAIMS.has(name)),
    'The claims exp, iat, jti and nbf are set for each assertion.',
  )
  .refine((claims) => Object.keys(claims).length <= 30, 'At most 30 claims.');

/** An assertion signed with a private key (RFC 7523), also of a service account. */
export const jwtBearer = <Parameters extends z.ZodType>(furtherParameters: Parameters) =>
  z.strictObject({
    type: z.literal('oauth2_jwt_bearer'),
    token_url: AbsoluteUrl,
    algorithm: z.enum(JWT_ALGORITHMS).default('RS256'),
    /** `aud` is token_url if it is not set. */
    claims: Claims,
    key_id: Text.optional(),
    lifetime_seconds: z.int().min(60).max(3_600).default(180),
    /** `grant`: what the token is given for; `client`: it takes the place of the client's secret. */
    assertion_as: z.enum(['grant', 'client']).default('grant'),
    scope: Text.optional(),
    parameters: furtherParameters,
  });

/** RFC 5849, with its four secrets; the signature is in the header Authorization. */
export const OAuth1 = z.strictObject({
  type: z.literal('oauth1'),
  signature_method: z.enum(['HMAC-SHA256', 'HMAC-SHA1']).default('HMAC-SHA256'),
  realm: Text.optional(),
});

/** An HMAC over parts of each request. */
export const Signature = z.strictObject({
  type: z.literal('signature'),
  algorithm: z.enum(['sha256', 'sha512', 'sha1']).default('sha256'),
  secret_encoding: z.enum(['text', 'base64', 'hex']).default('text'),
  /** With `{method}`, `{path_and_query}`, … of `signing/signed-request.ts`, and credentials by name. */
  signed_text: Text.min(1),
  encoding: z.enum(['hex', 'base64', 'base64url']).default('hex'),
  headers: Headers,
});
