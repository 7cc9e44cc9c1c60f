/** A caller is answered within a bounded time, whatever hangs behind (rules.md R6). */
import { HttpError } from './http-error';

/**
 * What is late may still come to pass: the answer (503 `database_unavailable`) says so, and how to repeat the request safely.
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
