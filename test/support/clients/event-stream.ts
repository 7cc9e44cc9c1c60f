/** Follows `GET /v1/stream` as a page would, and keeps what came. */
import type { ProductTenant } from '../environments/product';

interface StreamedEvent {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

export interface EventStream {
  events: StreamedEvent[];
  close(): void;
}

/** Resolves when the stream is open. */
export async function openStream(
  tenant: ProductTenant,
  { lastEventId, topics }: { lastEventId?: string; topics?: string } = {},
): Promise<EventStream> {
  const controller = new AbortController();
  const response = await fetch(
    `${tenant.api.url}/v1/stream${topics === undefined ? '' : `?topics=${topics}`}`,
    {
      headers: {
        authorization: `Bearer ${tenant.key}`,
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal: controller.signal,
    },
  );
  if (response.status !== 200 || response.body === null)
    throw new Error(`The stream was answered ${response.status}.`);
  const stream: EventStream = { events: [], close: () => controller.abort() };
  void read(response.body, stream.events).catch(() => undefined); // it ends when it is closed
  return stream;
}

async function read(body: ReadableStream<Uint8Array>, events: StreamedEvent[]): Promise<void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined)
        events.push({
          id: field('id') ?? '',
          event: field('event') ?? 'message',
          data: JSON.parse(data) as Record<string, unknown>,
        });
    }
  }
}
