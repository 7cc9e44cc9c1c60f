/**
 * What the API knows about connectors: their schemas and rules, never their network calls. main.ts passes the
 * code in.
 */
import type { ZodType } from 'zod';
import type { ReadAbilities } from '../../connectors/connector';
import { findRefusedUrls, type WhyUrlIsRefused } from '../../domain/connector-settings';
import type { IncomingWebhooks } from '../../connectors/incoming';
import type { JsonObject } from '../../domain/json';
import type { OAuthSettings } from '../../domain/oauth/authorization';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import type { RecordType } from '../../domain/records/record-type';
import { HttpError } from '../http/http-error';
import { pointerTo } from '../http/json-guard';
import { toProblemDetails } from '../http/parse';

/** The part of a connector that makes no network calls. */
export interface DescribedConnector {
  kind: string;
  title: string;
  /** The name of the app that this configuration connects to; undefined = the connector cannot tell. */
  appName?(config: unknown): string | undefined;
  description: string;
  configSchema: ZodType;
  credentialsSchema: ZodType;
  onDelete: readonly RecordTypeMapping['onDelete'][];
  recordTypes(config: unknown): RecordType[];
  defaultMappings?(config: unknown): Record<string, RecordTypeMapping>;
  /**
   * Pointers begin with `/config`, `/record_types` or `/credentials`. Without `credentials`, these are not
   * checked.
   */
  validate?(
    config: unknown,
    mappings: Record<string, RecordTypeMapping>,
    credentials?: unknown,
  ): { pointer: string; message: string }[];
  origins?(config: unknown): Record<string, string>;
  /** Of a configuration that signs in by an account, to which a person consents. */
  oauth?(config: unknown): OAuthSettings | undefined;
  hosts(config: unknown): string[];
  /** The names of the credentials, where they depend on the configuration. */
  credentialNames?(config: unknown): string[];
  /** null = this record type cannot be read; a missing method = none can. */
  readAbilities?(config: unknown, recordType: string): ReadAbilities | null;
  readSignature?(config: unknown, recordType: string): object;
  /** Webhooks of the third party; undefined = this configuration describes none. */
  incoming?(config: unknown): IncomingWebhooks | undefined;
}

/** Parses the configuration with the connector's schema. Throws `invalid_config` or `egress_refused`. */
export function readConfig(
  connector: DescribedConnector,
  config: JsonObject,
  whyUrlIsRefused: WhyUrlIsRefused,
): JsonObject {
  const parsed = connector.configSchema.safeParse(config);
  if (!parsed.success)
    throw new HttpError('invalid_config', {
      errors: toProblemDetails(parsed.error, config, (path) => pointerTo(['config', ...path])),
    });
  const value = parsed.data as JsonObject;
  const refusals = findRefusedUrls(value, connector.hosts(value), whyUrlIsRefused);
  if (refusals.length > 0) throw new HttpError('egress_refused', { errors: refusals });
  return value;
}

/**
 * Parses the credentials with the connector's schema. Throws `invalid_credentials_shape`, without repeating
 * any value.
 */
export function readCredentials(connector: DescribedConnector, credentials: JsonObject): JsonObject {
  const parsed = connector.credentialsSchema.safeParse(credentials);
  if (parsed.success) return parsed.data as JsonObject;
  throw new HttpError('invalid_credentials_shape', {
    errors: toProblemDetails(parsed.error, credentials, (path) => pointerTo(['credentials', ...path])),
  });
}
