/** Logs errors of an outage: the first of a kind in full, and once a minute how many followed (R6). */
import type { Logger } from 'pino';
import type { HttpError } from './http-error';

const INTERVAL_MS = 60_000;

export class TransientErrorsLog {
  /** Errors since the last line, by kind. */
  private readonly counts = new Map<string, number>();

  constructor(private readonly log: Logger) {}

  add(error: HttpError, requestId: string): void {
    const { code, cause } = error;
    const kind = `${code} ${kindOf(cause)}`;
    const count = this.counts.get(kind);
    if (count !== undefined) {
      this.counts.set(kind, count + 1);
      return;
    }
    this.log.warn(
      { request_id: requestId, code, err: cause ?? error },
      'request failed with a transient error',
    );
    this.begin(kind, code);
  }

  private begin(kind: string, code: string): void {
    this.counts.set(kind, 0);
    setTimeout(() => {
      const requests = this.counts.get(kind) ?? 0;
      this.counts.delete(kind);
      if (requests === 0) return;
      this.log.warn({ code, requests }, 'more requests failed with the same transient error within a minute');
      this.begin(kind, code);
    }, INTERVAL_MS).unref();
  }
}

/** Leaves out the message, because messages can differ in each request. */
function kindOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause;
  const { code } = cause as { code?: unknown };
  return `${cause.constructor.name} ${typeof code === 'string' ? code : ''}`;
}
