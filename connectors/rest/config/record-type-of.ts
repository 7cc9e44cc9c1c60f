/** The configuration of a record type. */
import { RecordRejected } from '../../errors';
import type { RecordTypeConfig, RestConfig } from './config';

/** @throws RecordRejected if the configuration lacks it */
export function recordTypeOf({ record_types: types }: RestConfig, recordType: string): RecordTypeConfig {
  const found = Object.hasOwn(types, recordType) ? types[recordType] : undefined;
  if (found !== undefined) return found;
  const message = `The configuration does not describe the record type ${recordType}.`;
  throw new RecordRejected(message, [
    {
      field: null,
      remoteField: null,
      code: 'not_configured',
      message,
      explanation: 'Add it to the configuration of the integration.',
    },
  ]);
}
