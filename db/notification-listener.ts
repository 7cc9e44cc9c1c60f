/**
 * Receives PostgreSQL notifications on a connection of its own and reconnects when it breaks. Notifications
 * sent in between are lost, so `onConnect` is called after every connection and the caller re-reads its rows.
 */
import { Client } from 'pg';

export interface Listener {
  close(): Promise<void>;
}

const RECONNECT_MS_MIN = 200;
const RECONNECT_MS_MAX = 5_000;

export function listen({
  url,
  channel,
  onNotification,
  onConnect,
  onTrouble,
}: {
  url: string;
  /** A constant, never user input. */
  channel: string;
  onNotification: (payload: string) => void;
  onConnect: () => void;
  onTrouble?: (error: Error) => void;
}): Listener {
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let waitMs = RECONNECT_MS_MIN;
  let isClosed = false;

  async function connect(): Promise<void> {
    const connecting = new Client({ connectionString: url, connectionTimeoutMillis: 2_000, keepAlive: true });
    client = connecting;
    let isLost = false;
    const lose = (error: Error) => {
      if (isLost) return;
      isLost = true;
      connecting.end().catch(() => undefined);
      if (isClosed) return;
      onTrouble?.(error);
      timer = setTimeout(() => void connect(), waitMs);
      waitMs = Math.min(waitMs * 2, RECONNECT_MS_MAX);
    };
    connecting.on('error', lose);
    connecting.on('end', () => lose(new Error('The connection that listens has ended.')));
    connecting.on('notification', ({ payload }) => onNotification(payload ?? ''));
    try {
      await connecting.connect();
      await connecting.query(`listen ${channel}`);
      waitMs = RECONNECT_MS_MIN;
      if (!isClosed) onConnect();
    } catch (error) {
      lose(error as Error);
    }
  }

  void connect();
  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
