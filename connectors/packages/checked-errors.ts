/** What errors of a package say: texts that can be stored and shown, without values of the credentials. */
import { z } from 'zod';
import type { ConnectorContext } from '../connector';
import { ConnectorError, RateLimited, RecordRejected } from '../errors';
import { hiding, textsIn } from '../redaction';
import { asFault, PackageFault, textOf } from './guarded-calls';

const TEXT_LENGTH_MAX = 2_000;
const FIELD_ERRORS_MAX = 100;

const fieldErrors = z.array(
  z.object({
    field: z.string().nullable(),
    remoteField: z.string().nullable(),
    code: z.string().max(200),
    message: z.string(),
    explanation: z.string(),
  }),
);

/** One of the four errors, as it was thrown, or a fault of the package. */
export function checkedError(
  given: unknown,
  packageName: string,
  member: string,
  secrets: readonly string[] = [],
): ConnectorError {
  try {
    return readError(given, packageName, member, secrets);
  } catch {
    // Frozen, or with members that are code.
    return new PackageFault(packageName, member, 'reported an error that cannot be read');
  }
}

function readError(
  given: unknown,
  packageName: string,
  member: string,
  secrets: readonly string[],
): ConnectorError {
  const hide = hiding(secrets);
  const shown = (text: string) => hide(text).slice(0, TEXT_LENGTH_MAX);
  const thrown = given instanceof ConnectorError ? given : withoutSecrets(given, secrets);
  const error = asFault(thrown, packageName, member);
  const errors = fieldErrors.safeParse(error instanceof RecordRejected ? error.errors : []);
  if (typeof error.message !== 'string' || !errors.success)
    return new PackageFault(packageName, member, 'reported an error without its texts');
  Object.assign(error, { message: shown(error.message) });
  if (error instanceof RecordRejected) {
    const some = errors.data.slice(0, FIELD_ERRORS_MAX);
    const texts = some.map((one) => ({
      ...one,
      message: shown(one.message),
      explanation: shown(one.explanation),
    }));
    Object.assign(error, { errors: texts });
  }
  // In JavaScript the time is easily left out, or the header itself is given.
  if (error instanceof RateLimited && !isTime(error.retryAfterMs))
    Object.assign(error, { retryAfterMs: null });
  return error;
}

const isTime = (value: unknown): boolean => typeof value === 'number' && !Number.isNaN(value);

/** The error itself, unless its message holds a secret. */
export function withoutSecrets(error: unknown, secrets: readonly string[]): unknown {
  const message = textOf(error, 'message');
  if (message === undefined) return error;
  const text = hiding(secrets)(message);
  return text === message ? error : new Error(text);
}

/** Values of the credentials, and the tokens that came of them. */
export const secretsIn = ({ credentials, tokens, accessTokens }: ConnectorContext): string[] => [
  ...textsIn(credentials),
  tokens.get()?.value ?? '',
  ...(accessTokens?.known() ?? []),
];
