/**
 * LISTEN on a connection of its own, made anew whenever it breaks. Notifications sent meanwhile are lost: whoever listens
 * looks for itself once on `onConnected`, and now and then besides.
 */
import { Client } from 'pg';

export interface ListenOptions {
  url: string;
  channels: readonly string[];
  onNotification(channel: string, payload: string): void;
  /** Listening, for the first time or again. */
  onConnected(): void;
  onTrouble(error: Error): void;
}

export interface Listener {
  close(): Promise<void>;
}

const RETRY_MS = 1_000;

export function listen(options: ListenOptions): Listener {
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const connect = async (): Promise<void> => {
    const mine = new Client({ connectionString: options.url, keepAlive: true, connectionTimeoutMillis: 5_000 });
    client = mine;
    let hasFailed = false;
    const fail = (error: Error): void => {
      if (hasFailed || isClosed) return;
      hasFailed = true;
      options.onTrouble(error);
      void mine.end().catch(() => {});
      timer = setTimeout(() => void connect(), RETRY_MS);
    };
    mine.on('error', fail);
    mine.on('end', () => fail(new Error('The connection that listens for notifications was closed.')));
    mine.on('notification', ({ channel, payload }) => options.onNotification(channel, payload ?? ''));
    try {
      await mine.connect();
      for (const channel of options.channels) await mine.query(`listen ${mine.escapeIdentifier(channel)}`);
      options.onConnected();
    } catch (error) {
      fail(error as Error);
    }
  };
  void connect();

  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}
