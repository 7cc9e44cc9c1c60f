import type { Schemas } from '../../../api/client';

export type Mapping = Schemas['Integration']['record_types'][string];

export interface MappingOfTypeProps {
  type: string;
  mapping: Mapping;
  /** All that the integration maps. */
  recordTypes: readonly string[];
  /** The record type in the app, if it is known. */
  remoteType: Schemas['RecordType'] | undefined;
  isReadOnly: boolean;
  onChange: (mapping: Mapping) => void;
}
