/** Keeps the calls of a try as people may see them: without credentials, and shortened. */
import type { TriedCall } from '../../domain/third-parties/tries';
import { formOf } from '../http-errors';
import { textsIn } from '../redaction';
import type { AccessTokens, HttpClient, HttpRequest, TokenStore } from '../connector';

const TEXT_LENGTH_MAX = 2_000;
const CALLS_MAX = 10;
/** In place of texts in which a credential could not be found. */
const HIDDEN = '(not shown)';
/** Shorter credentials are parts of too many words. */
const SECRET_LENGTH_MIN = 3;

interface Recorded extends TriedCall {
  isSignIn: boolean;
}

export class Recording {
  private calls: Recorded[] = [];
  private readonly secrets = new Set<string>();

  constructor(
    private readonly options: {
      credentials: unknown;
      accessTokens: AccessTokens | undefined;
      /** Such a call and its answer are secrets, such as tokens. */
      isSignIn: (url: string) => boolean;
    },
  ) {
    this.know(options.credentials);
  }

  /** Texts in it are never shown. */
  know(credentials: unknown): void {
    const texts = textsIn(credentials);
    for (const text of texts) this.secrets.add(text);
    const { username, password } = (credentials ?? {}) as Record<string, unknown>;
    if (typeof username === 'string' && typeof password === 'string')
      this.secrets.add(Buffer.from(`${username}:${password}`).toString('base64'));
  }

  /** Whole answers: every field of a record shall be seen. */
  http(http: HttpClient): HttpClient {
    return {
      send: async (request) => {
        const { kept: _kept, ...whole } = request;
        const call = this.begin(request);
        const begunAt = performance.now();
        try {
          const response = await http.send(whole);
          call.status = response.status;
          call.answer = isJson(response.text) ? response.text : `(${formOf(response)})`;
          return response;
        } finally {
          call.durationMs = Math.round(performance.now() - begunAt);
        }
      },
    };
  }

  tokens(tokens: TokenStore): TokenStore {
    return {
      get: () => tokens.get(),
      set: (token) => {
        this.secrets.add(token.value);
        tokens.set(token);
      },
      clear: () => tokens.clear(),
    };
  }

  /** The calls since it was last asked. */
  take(): TriedCall[] {
    const calls = this.calls.slice(0, CALLS_MAX);
    this.calls = [];
    const isHidden = [...this.secrets].some((secret) => secret.length < SECRET_LENGTH_MIN);
    const text = (value: string | null, isSignIn: boolean) => {
      if (value === null || value === '') return value;
      return isSignIn || isHidden ? HIDDEN : shortened(this.redact(value));
    };
    return calls.map(({ isSignIn, ...call }) => ({
      ...call,
      url: isHidden ? originOf(call.url) : this.redact(call.url).slice(0, TEXT_LENGTH_MAX),
      sent: text(call.sent, isSignIn),
      answer: text(call.answer, isSignIn),
    }));
  }

  redact(text: string): string {
    const secrets = [...this.secrets, ...(this.options.accessTokens?.known() ?? [])];
    return [...new Set(secrets.flatMap(formsOf))]
      .filter((form) => form.length >= SECRET_LENGTH_MIN)
      .sort((one, other) => other.length - one.length)
      .reduce((redacted, form) => redacted.replaceAll(form, '•••'), text);
  }

  private begin({ method, url, body }: HttpRequest): Recorded {
    const isSignIn = this.options.isSignIn(url);
    const call = { method, url, status: null, durationMs: 0, sent: body ?? null, answer: null, isSignIn };
    this.calls.push(call);
    return call;
  }
}

/** A page that is no answer of an API is not shown: the address may not be that of the product. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return text.trim() === '';
  }
}

const originOf = (url: string): string => `${new URL(url).origin}/…`;

/** As it can be written in an address, a form, JSON or a header. */
function formsOf(secret: string): string[] {
  const inForm = new URLSearchParams({ s: secret }).toString().slice(2);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    inForm,
    inForm.replaceAll('+', '%20'),
    Buffer.from(secret).toString('base64'),
  ];
}

function shortened(text: string): string {
  if (text.length <= TEXT_LENGTH_MAX) return text;
  // A cut can leave half a character.
  return `${text.slice(0, TEXT_LENGTH_MAX).replaceAll(/\p{Surrogate}/gu, '\uFFFD')}…`;
}
