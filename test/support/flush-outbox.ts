/** What the dispatcher of a worker does all the time: sends every message that is ready. */
import type { Database } from '../../db/database';
import { readTopics } from '../../db/platform/outbox';
import { type FlushOptions, flushTopic } from '../../worker/outbox-flush';

export async function flushOutbox(
  options: Omit<FlushOptions, 'topic'> & { database: Database },
): Promise<void> {
  for (const topic of await options.database.withDispatcher(readTopics))
    while ((await flushTopic({ ...options, topic })).isMore);
}
