/** Maps database errors to one of the four errors by SQLSTATE (PostgreSQL documentation, appendix A). */
import {
  ConnectorError,
  NOTHING_ANSWERS,
  RateLimited,
  RecordRejected,
  Unauthorized,
  Unavailable,
} from '../errors';

/** The page is too large: fewer rows are read. Where that is not possible, it is a failure like any other. */
export class AnswerTooLarge extends Unavailable {
  constructor() {
    super('The answer of the database is too large.');
  }
}

/** Bytes that are not PostgreSQL's protocol. */
export class MalformedAnswer extends Unavailable {}

/** The server's own words, with its SQLSTATE. */
export class DatabaseRefusal extends Error {
  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message);
  }
}

/** The object being read, for messages: `employees`, `"public"."staff"`. */
export interface Place {
  recordType: string;
  table: string;
}

interface Refusal {
  code: string;
  explain(place: Place | null): string;
}

const REFUSALS: Record<string, Refusal> = {
  '3D000': {
    code: 'undefined_database',
    explain: () => 'The database does not exist on this server. Correct the configuration.',
  },
  '3F000': {
    code: 'undefined_schema',
    explain: () => 'The schema does not exist. Correct the configuration, or create the schema.',
  },
  '42P01': {
    code: 'undefined_table',
    explain: (place) =>
      `${place?.table ?? 'The table'} does not exist. ` +
      'Restore it, correct the configuration, or remove the record type.',
  },
  '42703': {
    code: 'undefined_column',
    explain: (place) =>
      `${place?.table ?? 'The table'} does not have this column. Correct the configuration, or restore it.`,
  },
  '42501': {
    code: 'insufficient_privilege',
    explain: (place) =>
      'The role has no permission to read. Run GRANT USAGE ON SCHEMA … ' +
      `and GRANT SELECT ON ${place?.table ?? '…'} TO the role.`,
  },
  '25006': {
    code: 'read_only',
    explain: () => 'The query tries to write, but this connector only reads. Choose a table or a plain view.',
  },
};

const CERTIFICATE =
  /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|HOSTNAME_MISMATCH)/;

/** `place`: the object being read; null for a check. */
export function toFailure(error: unknown, place: Place | null): ConnectorError {
  if (error instanceof ConnectorError) return error;
  if (error instanceof DatabaseRefusal) return fromDatabase(error, place);
  return new Unavailable(
    'The connection to the database was lost, or the database did not answer in time.',
    null,
    {
      cause: error,
    },
  );
}

/** What does not answer as a database does gets the message of a closed port: this is no port scanner. */
export function toLoginFailure(error: unknown): ConnectorError {
  const isAnswer = error instanceof DatabaseRefusal || error instanceof ConnectorError;
  if (isAnswer && !(error instanceof MalformedAnswer)) return toFailure(error, null);
  const { message, code } = error as { message?: string; code?: string };
  if (code !== undefined && CERTIFICATE.test(code))
    return new Unavailable(
      `The certificate of the database server is not trusted (${code}). Set tls_ca to its authority.`,
      null,
      { cause: error },
    );
  if (message?.includes('does not support SSL'))
    return new Unavailable(
      'The database server offers no TLS. Enable it; in a trusted network, set tls to false.',
      null,
      { cause: error },
    );
  return new Unavailable(NOTHING_ANSWERS, null, { cause: error });
}

function fromDatabase(error: DatabaseRefusal, place: Place | null): ConnectorError {
  const state = error.code ?? '';
  const words = error.message;
  if (state.startsWith('28'))
    return new Unauthorized(`The database does not accept the credentials. ${words}`);
  if (state === '53300')
    return new RateLimited(`The database has no connection left (53300). ${words}`, null);
  if (state === '57014')
    return new Unavailable(
      `${nameOf(place)} took too long to read. ` +
        `Create an index on its id and modified columns, or reduce page_size. ${words}`,
    );
  const refusal =
    REFUSALS[state] ??
    (/^(22|42|0A)/.test(state)
      ? { code: state, explain: () => 'Compare the configuration with the table.' }
      : undefined);
  if (refusal === undefined)
    return new Unavailable(`The database answered ${state}. ${words}`, null, { cause: error });
  return rejection(
    refusal.code,
    `${nameOf(place)} cannot be read: ${words}.`,
    refusal.explain(place),
    words,
    state === '42501',
  );
}

/** The dataset cannot be read with this configuration. */
export function rejection(
  code: string,
  message: string,
  explanation: string,
  words = message,
  isForbidden = false,
): RecordRejected {
  return new RecordRejected(
    `${message} ${explanation}`,
    [{ field: null, remoteField: null, code, message: words, explanation }],
    isForbidden,
  );
}

function nameOf(place: Place | null): string {
  return place === null ? 'The database' : `${place.table} (record type ${place.recordType})`;
}
