/** A process with a small heap that reads hostile lists, and a healthy one beside them. See hostile-pages. */
import { PageMemory } from '../../connectors/page-memory';
import { rest } from '../../connectors/rest';
import { createHttpClient } from '../../egress/http-client';
import { answerLimits } from '../../egress/limits/answer-limits';

const [host = '', memoryMib = '', ...types] = process.argv.slice(2);
const policy = { allowCidrs: ['127.0.0.0/8'], allowHttp: true };
const limits = answerLimits({ memoryMib: Number(memoryMib) });
const { signal } = new AbortController();
const ROUNDS = 2;

async function read(owner: { tenantId: string; integrationId: string }, type: string): Promise<string> {
  const list = { path: `/${type}`, items: '/data', paging: { type: 'none' } };
  const config = rest.configSchema.parse({
    app: 'Hostile',
    base_url: `http://${host}`,
    auth: { type: 'none' },
    check: { path: '/' },
    page_mib: 16,
    record_types: { people: { list } },
  });
  const context = {
    config,
    credentials: {},
    mappings: { people: { direction: 'pull' as const, fields: [{ name: 'email', to: 'email' }] } },
    http: createHttpClient({ policy, limits, hosts: [host], signal, owner }),
    sockets: { open: () => Promise.reject(new Error('not used')) },
    tokens: { get: () => undefined, set: () => undefined, clear: () => undefined },
    signal,
  };
  const memory = new PageMemory();
  try {
    const request = { recordType: 'people', modifiedSince: null, cursor: null };
    const page = await memory.reading(async () => rest.readPage?.(request, context as never));
    return `${page?.records.length} records`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    memory.end();
  }
}

async function main(): Promise<void> {
  const said: Record<string, string[]> = {};
  const note = async (name: string, answer: Promise<string>) => void (said[name] ??= []).push(await answer);
  for (let round = 0; round < ROUNDS; round += 1)
    await Promise.all([
      ...['first', 'second'].flatMap((integrationId) =>
        types.map((type) => note(type, read({ tenantId: 'hostile', integrationId }, type))),
      ),
      note('healthy', read({ tenantId: 'healthy', integrationId: 'own' }, 'healthy')),
    ]);
  process.stdout.write(JSON.stringify(said));
}

void main();
