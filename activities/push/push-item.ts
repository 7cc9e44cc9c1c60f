/** Claimed pushes as connectors get them. */
import type { PushItem } from '../../connectors/connector';
import type { ClaimedPush } from '../../db/push/claim';
import { createOnlyPlaces } from '../../domain/records/create-only';
import { namesOf, type RecordTypeMappings } from '../../domain/records/mapping';

export function itemsOf(pushes: readonly ClaimedPush[], recordTypes: RecordTypeMappings): PushItem[] {
  const describe = descriptionsOf(recordTypes);
  return pushes.map((push) => toItem(push, describe(push.recordType)));
}

type TypeDescription = Pick<PushItem, 'createOnly' | 'fieldNames'>;

/** What all items of a record type share. */
function descriptionsOf(recordTypes: RecordTypeMappings): (recordType: string) => TypeDescription {
  const known = new Map<string, TypeDescription>();
  const describe = (recordType: string): TypeDescription => {
    const fields = recordTypes[recordType]?.fields ?? [];
    const createOnly = createOnlyPlaces(fields);
    const named = fields.map((field) => [field.to, namesOf(field).join(', ')] as const);
    return {
      ...(createOnly.length > 0 && { createOnly }),
      fieldNames: Object.fromEntries(named.filter(([, names]) => names !== '')),
    };
  };
  return (recordType) => {
    const description = known.get(recordType) ?? describe(recordType);
    known.set(recordType, description);
    return description;
  };
}

function toItem(push: ClaimedPush, description: TypeDescription): PushItem {
  return {
    pushId: push.pushId,
    operation: push.operation,
    recordType: push.recordType,
    externalId: push.externalId,
    payload: push.payload,
    ...description,
    remoteId: push.remoteId,
    remoteVersion: push.remoteVersion,
    isReadFirst: push.agreement !== null,
    isDeactivated: push.isDeactivated,
    unresolvedCreation: push.unresolvedCreation,
    wasCreated: push.wasCreated && !push.mayCreateAgain,
    isSentAlone: push.refusals > 0,
  };
}
