/** Creations at a SCIM service, one per request and then in bulk requests, by one worker. */
import type { BenchEnvironment } from '../environment';
import { rounded } from '../measure';
import type { Line } from '../report';
import { startSlowServer } from '../slow';
import { type Around, timePushes } from './pushes';

const COUNTS = { alone: 200, together: 4_000 };
const FIELDS = [
  { name: 'email', to: '/userName' },
  { name: 'first_name', to: '/name/givenName' },
  { name: 'last_name', to: '/name/familyName' },
  { name: 'job_title', to: '/title' },
];

interface Rates {
  alone: number;
  together: number;
}

/** @returns pushes per second */
export async function timeScimBulk(
  environment: BenchEnvironment,
  around: Around,
  delayMs: number,
): Promise<Rates> {
  const rateOf = async (bulk: boolean, count: number): Promise<number> => {
    const url = await startSlowServer(environment, 'bench/width/scim-server.ts', delayMs);
    const config = { base_url: url, bulk };
    const integration = {
      connector: 'scim' as const,
      config,
      credentials: { token: 'bench' },
      fields: FIELDS,
    };
    return timePushes(around, { integration, integrations: 1, count });
  };
  return { alone: await rateOf(false, COUNTS.alone), together: await rateOf(true, COUNTS.together) };
}

export const linesOfScim = ({ alone, together }: Rates): Line[] => [
  { what: 'SCIM, one record in each request', value: rounded(alone), unit: '/s' },
  {
    what: 'SCIM with bulk requests, without = 1',
    value: rounded(together / alone),
    unit: '×',
    goal: { atLeast: 20 },
    beside: `${Math.round(together)}/s`,
  },
];
