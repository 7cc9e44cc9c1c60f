/**
 * What a package with a connector imports as `syncline/connector`. Within a major version nothing of it is
 * removed or gets another meaning (docs/connectors/write-your-own.md).
 */
export { z } from 'zod';
export { defineConnector, CONNECTOR_INTERFACE } from './definition';
export { mapConcurrently, pushConcurrently } from '../bounded-concurrency';
export {
  ConnectorError,
  RateLimited,
  RecordRejected,
  SyncTokenExpired,
  Unauthorized,
  Unavailable,
  WrongAddress,
} from '../errors';
export { errorFromCheck, errorFromResponse, excerptOf, isSuccess } from '../http-errors';
export { parseJson } from '../parse-json';
export { forUpdate } from '../payload-of-update';

export type { ConnectorDefinition } from './definition';
export type * from '../connector';
export type { FieldError } from '../errors';
export type { ClientIdentity } from '../http';
export type * from '../incoming';
export type * from '../list-ranges';
export type { JsonObject, JsonValue } from '../../domain/json';
export type { FieldMapping, RecordTypeMapping } from '../../domain/records/mapping';
export type { RecordType, RecordTypeField } from '../../domain/records/record-type';
