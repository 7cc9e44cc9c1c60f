/**
 * Reads and checks the environment variables. Only the main files call it, once. An invalid variable stops
 * the process with a message on how to correct it.
 */
import { readFileSync } from 'node:fs';
import * as ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { retentionOf, retentionVariables } from './retention-variables';
import { workerSizesOf, workerVariables } from './worker-variables';

/** Lists every missing or invalid variable, one per line. */
export class ConfigError extends Error {}

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  );
const cidrs = list.refine(
  (entries) => entries.every((entry) => ipaddr.isValidCIDR(entry)),
  'must be networks like 10.0.0.0/8, separated by commas',
);
const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .default('false')
  .transform((text) => text === 'true');
const amount = (unit: string, fallback: number, atLeast = 0) =>
  z.coerce.number(`must be a number of ${unit}`).int().min(atLeast).default(fallback);

/** Links, redirects, cookies and assets begin at the root of the host. */
const hasNoPath = (url: string): boolean => /^https?:\/\/[^/?#@\\]+\/?$/i.test(url);
const publicUrl = z
  .url({ protocol: /^https?$/, error: 'must be the public address of the API' })
  .refine(
    hasNoPath,
    'must be a scheme and a host alone, without a path: Syncline cannot be served below a path. ' +
      'Give it a host name of its own: https://syncline.example.com',
  )
  .optional();
const oidcIssuer = z
  .url({
    protocol: /^https?$/,
    error: 'must be the issuer URL of the provider: https://login.example.com',
  })
  .refine(
    (url) => url.startsWith('https:') || /^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(`${url}/`),
    'must begin with https://',
  )
  .optional();
const listenHost = z
  .union([z.ipv4(), z.ipv6()], 'must be an IP address of this machine, such as 0.0.0.0')
  .default('127.0.0.1');
/** Without a port, nothing is served. */
const listenPort = z.coerce.number().int().min(0).max(65_535).optional();
const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

/** The content of a file with certificates. */
const caFile = z
  .string()
  .transform((file, context) => {
    try {
      const pem = readFileSync(file, 'utf8');
      if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
      context.addIssue({ code: 'custom', message: `names ${file}, which holds no certificate in PEM form` });
    } catch (error) {
      context.addIssue({ code: 'custom', message: `cannot be read: ${(error as Error).message}` });
    }
    return z.NEVER;
  })
  .optional();

/** Variables of both api and worker. */
const shared = {
  DATABASE_URL: z
    .string('is not set. Set it to postgres://user:password@host:5432/database')
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://'),
  ENCRYPTION_KEYS: z.string(
    'is not set. Set it to k1:<32 random bytes in base64> (openssl rand -base64 32). ' +
      'To rotate, add a newer key to every process before it becomes the first',
  ),
  EGRESS_ALLOW_CIDRS: cidrs,
  EGRESS_ALLOW_HTTP: flag,
  CONNECTOR_PACKAGES: list,
  CONNECTOR_FOLDER: z.string().default('.'),
  WATCHDOG_SECONDS: amount('seconds', 30, 5),
  RECORDS_PER_TYPE: amount('records', 1_000_000, 1),
  ...retentionVariables,
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
};

const apiVariables = z.object({
  ...shared,
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  API_METRICS_HOST: listenHost,
  API_METRICS_PORT: listenPort,
  PUBLIC_URL: publicUrl,
  PLATFORM_KEY: z
    .string('is not set. Set it to a random text of 32 characters or more')
    .min(32, 'must have 32 characters or more'),
  TRUSTED_PROXIES: cidrs,
  COMPANY_SYNCHRONIZED_SWITCH_AT: z.iso
    .datetime({ offset: true, error: 'must be a time like 2023-10-10T00:00:00Z' })
    .default('2023-10-10T00:00:00Z')
    .transform((text) => new Date(text)),
  RATE_LIMIT_PER_SECOND: amount('requests', 100, 1),
  TEMPORAL_UI_URL: z.url({ protocol: /^https?$/, error: "must be the address of Temporal's UI" }).optional(),
  OIDC_ISSUER: oidcIssuer,
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_CLIENT_SECRET: z.string().optional(),
  API_POOL_SIZE: amount('connections', 10, 2),
  DRAIN_PAUSE_MS: amount('milliseconds', 5_000),
  OPERATION_WAIT_SECONDS: amount('seconds', 50, 1),
  INTEGRATIONS_PER_TENANT: amount('integrations', 100, 1),
});

const apiEnvironment = apiVariables.superRefine((read, context) => {
  const variables = ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'] as const;
  const missing = variables.filter((variable) => read[variable] === undefined);
  if (missing.length === 0 || missing.length === variables.length) return;
  for (const variable of missing)
    context.addIssue({
      code: 'custom',
      path: [variable],
      message: `is not set. Set ${variables.join(', ')} together, or none of them`,
    });
});

const workerEnvironment = z
  .object({
    ...shared,
    SMTP_URL: z
      .url({
        protocol: /^smtps?$/,
        hostname: /./,
        error: 'must be smtp://host:port or smtps://user:password@host:port',
      })
      .optional(),
    SMTP_FROM: z
      .string()
      .regex(
        /^([^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/,
        'must be an address, or a name and an address: Syncline <syncline@example.com>',
      )
      .optional(),
    OPERATOR_EMAILS: list.refine(
      (addresses) => addresses.every((address) => z.email().safeParse(address).success),
      'must be e-mail addresses, separated by commas',
    ),
    PUBLIC_URL: publicUrl,
    EGRESS_PROXY: z
      .url({
        protocol: /^https?$/,
        hostname: /./,
        error: 'must be the address of a proxy: http://proxy.example.com:3128',
      })
      .refine((url) => URL.canParse(url) && new URL(url).pathname === '/', 'must have no path')
      .optional(),
    EGRESS_CA_FILE: caFile,
    ...workerVariables,
    NIGHTLY_RUNS: amount('runs', 100, 1),
    NIGHTLY_RUNS_PER_TENANT: amount('runs', 10, 1),
    LIST_PAGE_MIB: z.coerce.number('must be a number of MiB').int().min(1).max(16).default(4),
    ANSWER_MEMORY_MIB: amount('MiB', 384, 256),
    DATABASE_READERS: amount('processes', 16, 2),
    DATABASE_READER_HEAP_MIB: amount('MiB', 192, 64),
    WORKER_METRICS_HOST: listenHost,
    WORKER_METRICS_PORT: listenPort,
    WORKER_HEALTH_HOST: listenHost,
    WORKER_HEALTH_PORT: listenPort,
    FAULT: z.string().optional(),
  })
  .superRefine(({ SMTP_URL, SMTP_FROM, PUBLIC_URL, OPERATOR_EMAILS }, context) => {
    const addIssue = (variable: string, message: string) =>
      context.addIssue({ code: 'custom', path: [variable], message });
    if (SMTP_URL === undefined && OPERATOR_EMAILS.length > 0)
      addIssue('SMTP_URL', 'is not set, but OPERATOR_EMAILS is. Set it to your mail server');
    if (SMTP_URL === undefined) return;
    if (SMTP_FROM === undefined)
      addIssue(
        'SMTP_FROM',
        'is not set, but SMTP_URL is. Set it to the sender of e-mails: Syncline <syncline@example.com>',
      );
    if (PUBLIC_URL === undefined)
      addIssue(
        'PUBLIC_URL',
        'is not set, but SMTP_URL is. Set it to the address for links in e-mails, as in the api',
      );
  });

export type ApiConfig = ReturnType<typeof loadApiConfig>;
export type WorkerConfig = ReturnType<typeof loadWorkerConfig>;

/** @throws ConfigError */
export function loadApiConfig(environment: NodeJS.ProcessEnv) {
  const read = parse(apiEnvironment, environment);
  return {
    databaseUrl: read.DATABASE_URL,
    poolSize: read.API_POOL_SIZE,
    encryptionKeys: read.ENCRYPTION_KEYS,
    egress: { allowCidrs: read.EGRESS_ALLOW_CIDRS, allowHttp: read.EGRESS_ALLOW_HTTP },
    connectorPackages: { names: read.CONNECTOR_PACKAGES, folder: read.CONNECTOR_FOLDER },
    logLevel: read.LOG_LEVEL,
    watchdogSeconds: read.WATCHDOG_SECONDS,
    host: read.API_HOST,
    port: read.API_PORT,
    metrics: addressOf(read.API_METRICS_HOST, read.API_METRICS_PORT),
    /** No slash at the end. */
    publicUrl: withoutSlash(read.PUBLIC_URL ?? `http://${read.API_HOST}:${read.API_PORT}`),
    platformKey: read.PLATFORM_KEY,
    trustedProxies: read.TRUSTED_PROXIES,
    rateLimitPerSecond: read.RATE_LIMIT_PER_SECOND,
    /** null: the console links to no workflows. No slash at the end. */
    temporalUiUrl: read.TEMPORAL_UI_URL === undefined ? null : withoutSlash(read.TEMPORAL_UI_URL),
    /** null: people sign in by password only. */
    oidc:
      read.OIDC_ISSUER === undefined
        ? null
        : {
            issuer: read.OIDC_ISSUER,
            clientId: read.OIDC_CLIENT_ID as string,
            clientSecret: read.OIDC_CLIENT_SECRET as string,
          },
    drainPauseMs: read.DRAIN_PAUSE_MS,
    operationWaitMs: read.OPERATION_WAIT_SECONDS * 1_000,
    integrationsPerTenant: read.INTEGRATIONS_PER_TENANT,
    recordsPerType: read.RECORDS_PER_TYPE,
    retention: retentionOf(read),
    companySynchronizedSwitchAt: read.COMPANY_SYNCHRONIZED_SWITCH_AT,
  };
}

/** @throws ConfigError */
export function loadWorkerConfig(environment: NodeJS.ProcessEnv) {
  const read = parse(workerEnvironment, environment);
  return {
    databaseUrl: read.DATABASE_URL,
    ...workerSizesOf(read),
    nightlyRuns: { installation: read.NIGHTLY_RUNS, tenant: read.NIGHTLY_RUNS_PER_TENANT },
    encryptionKeys: read.ENCRYPTION_KEYS,
    egress: {
      allowCidrs: read.EGRESS_ALLOW_CIDRS,
      allowHttp: read.EGRESS_ALLOW_HTTP,
      proxy: read.EGRESS_PROXY,
      ca: read.EGRESS_CA_FILE,
    },
    /** Of answers of third parties. */
    answers: { pageMib: read.LIST_PAGE_MIB, memoryMib: read.ANSWER_MEMORY_MIB },
    databaseReaders: { readersMax: read.DATABASE_READERS, heapMib: read.DATABASE_READER_HEAP_MIB },
    connectorPackages: { names: read.CONNECTOR_PACKAGES, folder: read.CONNECTOR_FOLDER },
    logLevel: read.LOG_LEVEL,
    watchdogSeconds: read.WATCHDOG_SECONDS,
    recordsPerType: read.RECORDS_PER_TYPE,
    retention: retentionOf(read),
    /** null: e-mails wait. */
    mail:
      read.SMTP_URL === undefined
        ? null
        : {
            smtpUrl: read.SMTP_URL,
            from: read.SMTP_FROM as string,
            publicUrl: withoutSlash(read.PUBLIC_URL as string),
          },
    operatorEmails: read.OPERATOR_EMAILS,
    metrics: addressOf(read.WORKER_METRICS_HOST, read.WORKER_METRICS_PORT),
    /** No health server without a port. */
    health: addressOf(read.WORKER_HEALTH_HOST, read.WORKER_HEALTH_PORT),
    fault: read.FAULT,
  };
}

/** null = nowhere. */
function addressOf(host: string, port: number | undefined): { host: string; port: number } | null {
  return port === undefined ? null : { host, port };
}

/** An empty variable counts as absent: docker-compose passes unset variables as empty ones. */
function parse<Schema extends z.ZodType>(schema: Schema, environment: NodeJS.ProcessEnv): z.output<Schema> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  throw new ConfigError(
    read.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('\n'),
  );
}
