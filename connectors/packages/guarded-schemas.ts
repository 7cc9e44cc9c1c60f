/**
 * The schemas of a connector from a package. Their refinements and transforms are code of the package: if it
 * throws, the value is refused, in words that name the package. Everything else asks the schema itself.
 */
import { promiseHooks } from 'node:v8';
import { z } from 'zod';
import { hiding, textsIn } from '../redaction';
import { firstIssue } from './checked-results';
import { PackageFault, textOf, wordsOf } from './guarded-calls';

const TEXT_LENGTH_MAX = 2_000;
/** An escaped NUL or half of a character in JSON, which PostgreSQL refuses. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

export interface SchemaOwner {
  packageName: string;
  member: 'configSchema' | 'credentialsSchema';
  onFault(fault: Error): void;
}

export function guardSchema(schema: z.ZodType, owner: SchemaOwner): z.ZodType {
  const safeParse = (value: unknown): z.ZodSafeParseResult<unknown> => {
    // Words of the package may quote what a person has entered.
    const hide = hiding(owner.member === 'credentialsSchema' ? textsIn(value) : []);
    const parsed = owner.member === 'configSchema' ? parseTwice(schema, value) : parse(schema, value);
    if ('why' in parsed) {
      const fault = new PackageFault(owner.packageName, owner.member, hide(parsed.why));
      owner.onFault(fault);
      return refused([
        { code: 'custom', path: [], message: fault.message, input: undefined, params: { fault } },
      ]);
    }
    if (parsed.result.success) return parsed.result;
    return refused(
      parsed.result.error.issues.map((issue) => ({
        ...issue,
        path: pathOf(issue),
        message: hide(wordsIn(issue)).slice(0, TEXT_LENGTH_MAX),
      })),
    );
  };
  const guarded = schema.clone(schema.def); // without a parent, whose id would be referred to
  const { id: _id, ...described } = z.globalRegistry.get(schema) ?? {};
  z.globalRegistry.add(guarded, described);
  return Object.defineProperties(guarded, {
    safeParse: { value: safeParse },
    parse: {
      value(given: unknown) {
        const { success, data, error } = safeParse(given);
        if (!success) throw error;
        return data;
      },
    },
  });
}

type Parsed = { result: z.ZodSafeParseResult<unknown> } | { why: string };

/** What it returns is stored, and parsed again for each use. */
function parseTwice(schema: z.ZodType, value: unknown): Parsed {
  const parsed = parse(schema, value);
  if ('why' in parsed || !parsed.result.success) return parsed;
  const again = parse(schema, JSON.parse(JSON.stringify(parsed.result.data)));
  if ('why' in again) return again;
  return again.result.success
    ? parsed
    : { why: `does not accept what it has returned itself (${firstIssue(again.result.error)})` };
}

function parse(schema: z.ZodType, value: unknown): Parsed {
  const promises: Promise<unknown>[] = [];
  const stopWatching = promiseHooks.onInit((promise) => void promises.push(promise));
  try {
    const result = schema.safeParse(value);
    // It is stored; `JSON.stringify` throws for what it cannot write, or returns undefined.
    const text = result.success ? (JSON.stringify(result.data) as string | undefined) : '{';
    if (text?.startsWith('{') !== true) return { why: 'returned something that is no object of JSON' };
    return UNSTORABLE.test(text) ? { why: 'returned a text that cannot be stored' } : { result };
  } catch (error) {
    return { why: promises.length > 0 ? 'waits for a promise' : `threw ${wordsOf(error)}` };
  } finally {
    stopWatching();
    // Zod drops them, and an unhandled rejection would end the process.
    for (const promise of promises) promise.catch(() => undefined);
  }
}

/** A package can give a text instead of a path, or symbols in it. */
function pathOf({ path }: z.core.$ZodIssue): (string | number)[] {
  const parts: unknown[] = Array.isArray(path) ? path : [path];
  return parts.flatMap((part) => {
    if (typeof part === 'number') return part;
    return typeof part === 'string' || typeof part === 'symbol' ? String(part) : [];
  });
}

const wordsIn = (issue: z.core.$ZodIssue): string => textOf(issue, 'message') ?? 'Invalid input';

const refused = (issues: z.core.$ZodIssue[]): z.ZodSafeParseError<unknown> => ({
  success: false,
  error: new z.ZodError(issues),
});
