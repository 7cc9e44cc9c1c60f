/**
 * The connector of one execution of a push queue: its calls share the places of the execution, and a remote
 * record is pushed to for one record only.
 */
import type { HttpClient } from '../../connectors/connector';
import { Unavailable } from '../../connectors/errors';
import type { TenantWork } from '../../db/database';
import { claimRemoteRecord } from '../../db/push/remote-claims';
import { noteCreation } from '../../db/push/unresolved-creations';
import { Capacity } from '../../domain/capacity';
import type { OpenConnector } from '../dependencies';
import { RemoteClaims } from './remote-claims';

interface PushingOptions {
  integrationId: string;
  /** Of this execution. */
  callsAtOnce: number;
  onCall(): void;
  inTenant<T>(work: (tenant: TenantWork) => Promise<T>): Promise<T>;
}

export function forPushing(
  opened: OpenConnector,
  { integrationId, callsAtOnce, inTenant, onCall }: PushingOptions,
): OpenConnector {
  const claims = new RemoteClaims(({ recordType, externalId }, remoteId) =>
    inTenant((work) => claimRemoteRecord(work, integrationId, { recordType, externalId, remoteId })),
  );
  const { http, signal } = opened.context;
  return {
    ...opened,
    context: {
      ...opened.context,
      http: inPlaces(http, new Capacity(callsAtOnce), { signal, onCall }),
      claimRemote: (item, remoteId) => claims.claim(item, remoteId),
      beforeCreateAgain: ({ pushId, remoteId, unresolvedCreation }) => {
        // Of any other creation the claim knows.
        if (remoteId === null && unresolvedCreation === null) return undefined;
        const noted = inTenant((work) => noteCreation(work, integrationId, pushId));
        noted.catch(() => undefined); // a connector from a package may not wait for it
        return noted;
      },
    },
  };
}

/** Each request takes a place, whichever record and batch it is made for. */
function inPlaces(
  http: HttpClient,
  places: Capacity,
  { signal, onCall }: { signal: AbortSignal; onCall(): void },
): HttpClient {
  return {
    async send(request) {
      await places.take(1, signal).catch((cause: unknown) => {
        throw new Unavailable('Nothing was sent: the worker is stopping.', null, { cause });
      });
      onCall();
      try {
        return await http.send(request);
      } finally {
        places.release(1);
      }
    },
  };
}
