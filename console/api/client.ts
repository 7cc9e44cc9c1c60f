/**
 * The client of the API. Types come from its OpenAPI description (`npm run console:types`).
 * The session is a cookie that scripts cannot read, sent to the same routes below `/console/v1`.
 */
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** Texts for people, where those of the API are meant for programs. */
const TEXTS_FOR_PEOPLE: Record<string, { title?: string; detail: string }> = {
  precondition_failed: { detail: 'Check the current values, and make your change again.' },
  not_signed_in: { detail: 'Your session has ended. Sign in again.' },
  role_insufficient: {
    title: 'Your role does not allow this',
    detail: 'Ask an admin of your company for a role that does.',
  },
  invalid_body: {
    title: 'Some values are not valid',
    detail: 'Correct the values named below, and try again.',
  },
  outbox_message_not_found: {
    title: 'The message is no longer refused',
    detail: 'It was probably sent in the meantime.',
  },
  egress_refused: {
    title: 'This address is not allowed',
    detail: 'Use a public address that begins with https. The operator of Syncline can allow others.',
  },
};
const GONE: (typeof TEXTS_FOR_PEOPLE)[string] = {
  detail: 'It may have been deleted, or the address contains a typing error.',
};

/** Problem details of the API (RFC 9457), or their equivalent if there was no response. */
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
    const texts = TEXTS_FOR_PEOPLE[code] ?? (status === 404 ? GONE : undefined);
    const title = texts?.title ?? body.title ?? 'The request failed';
    super(`${title}: ${body.detail ?? status}`);
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = texts?.detail ?? body.detail ?? `The response had the status ${status}.`;
    this.errors = body.errors ?? [];
    this.requestId = body.request_id;
  }
}

export const asProblem = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : isNetworkError(error)
      ? new Problem(0, {
          code: 'unreachable',
          title: 'Syncline cannot be reached',
          detail: 'Check your connection and try again. The data on this page may be out of date.',
        })
      : new Problem(0, {
          code: 'page_failed',
          title: 'This page failed',
          detail:
            'Nothing was changed. Try again. ' +
            `If it fails again, report this to the operator of Syncline: ${String(error)}`,
        });

/** A chunk of the console failed to load. Browsers do not fetch it again before the page is reloaded. */
export const isChunkError = (error: unknown): boolean =>
  error instanceof TypeError && /import/i.test(error.message);

/** Browsers throw a TypeError with different messages when a request or a chunk cannot be fetched. */
const isNetworkError = (error: unknown): boolean =>
  error instanceof TypeError && /fetch|network|load failed|import/i.test(error.message);

/** The routes that programs use too. */
export const api = createClient<paths>({ baseUrl: '/console', headers: { Accept: 'application/json' } });
/** Routes for browsers only, described below `/console/v1`. */
export const consoleApi = createClient<paths>({ baseUrl: '', headers: { Accept: 'application/json' } });

interface Exchange<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The body of the response. Throws a Problem unless it succeeded. */
export async function answerOf<Data>(exchange: Promise<Exchange<Data>>): Promise<Data> {
  return (await exchangeOf(exchange)).data;
}

/** The body with its ETag, for changes that name the version they are based on. */
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
