/** Every request gets a response within a bounded time, even if the database hangs (rules.md R6). */
import { HttpError } from './http-error';

/**
 * After the timeout the response is 503 `database_unavailable`. The work may still succeed; the error
 * explains how to retry safely.
 */
export async function answerWithin<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new HttpError('database_unavailable', { headers: { 'Retry-After': '5' } })),
      Math.max(milliseconds, 0),
    );
  });
  work.catch(() => undefined);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
