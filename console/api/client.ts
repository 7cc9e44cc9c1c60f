/**
 * The one door to the API. Types come from its description (`npm run console:types`). The session travels in a cookie that scripts
 * cannot read, to the same routes below `/console/v1`.
 */
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** What people do about it, where the API says what programs do. */
const FOR_PEOPLE: Record<string, { title?: string; detail: string }> = {
  precondition_failed: { detail: 'Look at what it is now, and make your change again.' },
  not_signed_in: { detail: 'Your session has ended. Sign in again.' },
  role_insufficient: { title: 'Your role does not allow this', detail: 'It takes another one.' },
  invalid_body: {
    title: 'Something is not as it has to be',
    detail: 'Correct what is named here, and try again.',
  },
  egress_refused: {
    title: 'This address may not be reached',
    detail: 'Use a public address that begins with https. The team that runs Syncline can allow others.',
  },
};
const GONE: (typeof FOR_PEOPLE)[string] = { detail: 'It may have been deleted, or the address is mistyped.' };

/** What the API answers when it refuses (RFC 9457), or what stands for it when there was no answer. */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly { pointer: string; code: string; message: string }[];
  readonly requestId: string | undefined;

  constructor(status: number, body: Partial<Schemas['Problem']>) {
    const code = body.code ?? 'unknown';
    const words = FOR_PEOPLE[code] ?? (status === 404 ? GONE : undefined);
    const title = words?.title ?? body.title ?? 'The request failed';
    super(`${title}: ${body.detail ?? status}`);
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = words?.detail ?? body.detail ?? `The answer had the status ${status}.`;
    this.errors = body.errors ?? [];
    this.requestId = body.request_id;
  }
}

export const asProblem = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : isOfTheNetwork(error)
      ? new Problem(0, {
          code: 'unreachable',
          title: 'Syncline cannot be reached',
          detail: 'Check your connection and try again. What you see was true when it was loaded.',
        })
      : new Problem(0, {
          code: 'page_failed',
          title: 'This page has failed',
          detail: `Nothing was changed by it. Try again; if it fails again, tell whoever runs Syncline for you: ${String(error)}`,
        });

/** A part of the console that could not be fetched: browsers do not ask for it again until the page is loaded anew. */
export const isOfThePage = (error: unknown): boolean =>
  error instanceof TypeError && /import/i.test(error.message);

/** Browsers throw a TypeError, each with words of its own, when a request or a part of the console cannot be fetched. */
const isOfTheNetwork = (error: unknown): boolean =>
  error instanceof TypeError && /fetch|network|load failed|import/i.test(error.message);

/** The API as programs know it. */
export const api = createClient<paths>({ baseUrl: '/console', headers: { Accept: 'application/json' } });
/** Its routes for browsers alone, below `/console/v1` in the description too. */
export const consoleApi = createClient<paths>({ baseUrl: '', headers: { Accept: 'application/json' } });

interface Exchange<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The answer's body. Throws a Problem for anything but success. */
export async function answerOf<Data>(exchange: Promise<Exchange<Data>>): Promise<Data> {
  return (await exchangeOf(exchange)).data;
}

/** The answer's body with its ETag, for changes that name the version they were made from. */
export async function versionOf<Data>(
  exchange: Promise<Exchange<Data>>,
): Promise<{ body: Data; etag: string }> {
  const { data, response } = await exchangeOf(exchange);
  return { body: data, etag: response.headers.get('etag') ?? '' };
}

async function exchangeOf<Data>(
  exchange: Promise<Exchange<Data>>,
): Promise<{ data: Data; response: Response }> {
  const { data, error, response } = await exchange;
  if (!response.ok)
    throw new Problem(response.status, typeof error === 'object' && error !== null ? error : {});
  return { data: data as Data, response };
}
