/** A connector as a package could have it, behind the guard. */
import { z } from 'zod';
import type { Connector, PushItem } from '../../../connectors/connector';
import { guardConnector } from '../../../connectors/packages/guard';
import { contextWith, pushItem } from '../suite/given';

const LIMITS = { pushMs: 60, callMs: 60, stopMs: 30 };
const mapping = { direction: 'push', fields: [{ name: 'email', to: 'email' }], onDelete: 'delete' } as const;
export const anItem = (overrides: Partial<PushItem> = {}): PushItem =>
  pushItem('employees', { ...mapping, fields: [...mapping.fields] }, { email: 'ada@example.com' }, overrides);

export const silent = () =>
  contextWith({ config: {}, credentials: {}, mappings: {}, http: { send: neverCalled } });
export const neverCalled = async (): Promise<never> => {
  throw new Error('no request was expected');
};

export function guarded(
  members: Record<string, unknown>,
  onFault: (fault: Error) => void = () => undefined,
): Connector {
  const connector = {
    kind: 'acme',
    title: 'Acme',
    description: 'Acme.',
    configSchema: z.strictObject({}),
    credentialsSchema: z.strictObject({}),
    batchSize: 10,
    onDelete: ['delete'],
    recordTypes: () => [],
    hosts: () => [],
    push: async () => [],
    check: async () => undefined,
    ...members,
  };
  return guardConnector(connector as unknown as Connector, '@acme/connector', { limits: LIMITS, onFault });
}

export const pushed = (item: PushItem, more: object = {}) => ({
  pushId: item.pushId,
  ok: true,
  effect: 'created',
  remoteId: '7',
  remoteVersion: null,
  ...more,
});
export const hangs = () => new Promise(() => undefined);
export const faultIn = (member: string) => `The connector package @acme/connector is faulty: ${member} `;
