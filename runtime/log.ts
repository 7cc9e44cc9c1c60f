/**
 * The log of api and worker: one line of JSON per event. Only the listed properties of an error are logged,
 * because `detail` and `where` of PostgreSQL's errors contain values of tenants' rows (rules.md S17).
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export function createLog({
  process,
  level,
  destination,
}: {
  process: 'api' | 'worker';
  level: string;
  destination?: DestinationStream;
}): Logger {
  const options = { level, base: { process }, serializers: { err: describeError } };
  return destination === undefined ? pino(options) : pino(options, destination);
}

interface ErrorInLog {
  type: string;
  message: string;
  code?: string;
  table?: string;
  constraint?: string;
  stack?: string;
  cause?: ErrorInLog;
}

function describeError(error: unknown): ErrorInLog {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { code, table, constraint } = error as { code?: unknown; table?: unknown; constraint?: unknown };
  return {
    type: error.constructor.name,
    message: error.message,
    ...Object.fromEntries(
      Object.entries({ code, table, constraint }).filter(([, value]) => typeof value === 'string'),
    ),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
