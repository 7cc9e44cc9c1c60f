/** The authentication of a configuration and the shape of its secrets. */
import { z } from 'zod';
import {
  AbsoluteUrl,
  HEADER_NAME,
  Headers,
  JsonObject,
  JsonPointer,
  PathTemplate,
  Status,
  Text,
  refuseUnsafeKeys,
} from './config-values';

const HeaderOfToken = {
  header: z.string().regex(HEADER_NAME).default('Authorization'),
  value: Text.default('Bearer {token}'),
};

export const Auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('bearer') }),
  z.strictObject({ type: z.literal('basic') }),
  z.strictObject({ type: z.literal('header'), headers: Headers }),
  z.strictObject({ type: z.literal('query'), parameters: z.record(z.string().min(1).max(100), Text) }),
  z.strictObject({
    type: z.literal('oauth2_client_credentials'),
    token_url: AbsoluteUrl,
    scope: Text.optional(),
    client_auth: z.enum(['basic', 'body']).default('basic'),
    /** Further form fields of the token call: `audience`, `resource`. */
    parameters: z.record(z.string().min(1).max(100), Text).optional(),
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
      .max(8192)
      .regex(/^[^\p{Cc}]*$/u, 'No control characters.'),
  )
  .refine((credentials) => Object.keys(credentials).length <= 20, 'At most 20 credentials.');

export const RestCredentials = z.preprocess(refuseUnsafeKeys, CredentialsShape);

export type AuthConfig = z.output<typeof Auth>;
export type RestCredentials = z.output<typeof RestCredentials>;
