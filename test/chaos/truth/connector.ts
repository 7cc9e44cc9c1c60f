import { z } from 'zod';
import type { Connector } from '../../../connectors/connector';
import type { ThirdParty } from './third-party';

/** The connector of all third parties of a world; `config.owner` names one. */
export function connectorOf(find: (owner: string) => ThirdParty): Connector {
  const of = ({ config }: { config: unknown }): ThirdParty => find((config as { owner: string }).owner);
  return {
    kind: 'truth',
    title: 'Truth',
    description: 'A third party with habits.',
    configSchema: z.object({ owner: z.string() }),
    credentialsSchema: z.object({}),
    batchSize: 3,
    onDelete: ['delete', 'deactivate', 'leave'],
    recordTypes: () => [],
    hosts: () => [],
    readAbilities: (config) => ({
      canFilterByModified: of({ config }).canFilter,
      isPagingStable: of({ config }).habits.paging === 'stable',
    }),
    readPage: (request, context) => of(context).readPage(request),
    count: async (_, context) => of(context).live().length,
    push: (items, context) => of(context).push(items, context),
    check: async () => {},
  };
}
