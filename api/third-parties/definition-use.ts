/** What an integration takes from a third-party definition: the version, the way to sign in, parameters. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import {
  type DefinitionVersion,
  findDefinition,
  findDefinitionVersion,
} from '../../db/third-parties/definitions';
import type { DefinitionColumns } from '../../db/third-parties/definition-columns';
import type { JsonObject } from '../../domain/json';
import { nearestUse } from '../../domain/third-parties/adoption';
import {
  type DefinitionRules,
  type DefinitionUse,
  expand,
  moveToVersion,
  problemsOfUse,
  type Settings,
} from '../../domain/third-parties/definition';
import type { RouteServices } from '../dependencies';
import { HttpError, type ProblemDetail } from '../http/http-error';
import { type DescribedConnector, readConfig } from '../integrations/connector-catalogue';
import { type DefinitionDocument, definitionKey } from './definition-schema';

type Services = Pick<RouteServices, 'connectors' | 'whyUrlIsRefused'>;

const parameterValues = z
  .record(z.string().max(63), z.string().max(200))
  .refine((values) => Object.keys(values).length <= 20, 'at most 20 parameters')
  .meta({
    maxProperties: 20,
    propertyNames: { type: 'string', maxLength: 63 },
    example: { subdomain: 'acme' },
  });
const signIn = z.string().max(63).meta({ example: 'api_key' });

export const newDefinitionUse = z
  .strictObject({
    key: definitionKey,
    version: z
      .int()
      .min(1)
      .max(2_147_483_647)
      .optional()
      .meta({ description: 'The current version by default.' }),
    sign_in: signIn.optional().meta({ description: 'The first way to sign in by default.' }),
    parameters: parameterValues.default({}),
  })
  .meta({ id: 'NewDefinitionUse' });

export const definitionUseChange = z
  .strictObject({
    key: definitionKey.optional().meta({
      description:
        'The definition that an integration without one follows from now on. Its settings stay as they ' +
        'are; what differs from the definition becomes its differences.',
    }),
    sign_in: signIn.optional().meta({
      description: 'With `key`, by default the way to sign in from which the integration differs least.',
    }),
    parameters: parameterValues.optional(),
  })
  .meta({ id: 'DefinitionUseChange' });

export const definitionUseView = z
  .object({
    key: z.string(),
    version: z.int(),
    sign_in: z.string(),
    parameters: z.record(z.string(), z.string()),
  })
  .meta({ id: 'DefinitionUse' });

export function useOf(integration: Integration): DefinitionColumns | null {
  const {
    definitionKey: key,
    definitionVersion: version,
    definitionSignIn,
    definitionParameters,
  } = integration;
  if (key === null || version === null || definitionSignIn === null) return null;
  return { key, version, signIn: definitionSignIn, parameters: definitionParameters ?? {} };
}

export function toWireUse(integration: Integration): z.output<typeof definitionUseView> | null {
  const use = useOf(integration);
  return use && { key: use.key, version: use.version, sign_in: use.signIn, parameters: use.parameters };
}

/** It was checked when it was stored. */
export const documentOf = ({ document }: Pick<DefinitionVersion, 'document'>): DefinitionDocument =>
  document as unknown as DefinitionDocument;

/** What the definition says about the way to sign in; undefined without a definition. */
export async function findSignIn(
  work: TenantWork,
  use: DefinitionColumns | null,
): Promise<DefinitionDocument['sign_in'][number] | undefined> {
  const version = use === null ? undefined : await findDefinitionVersion(work, use);
  return version && documentOf(version).sign_in.find(({ key }) => key === use?.signIn);
}

/** Throws `unknown_definition`, `invalid_settings`, `invalid_config` or `egress_refused`. */
export async function readNewUse(
  work: TenantWork,
  wanted: z.output<typeof newDefinitionUse>,
  services: Services,
): Promise<{ version: DefinitionVersion; use: DefinitionColumns; settings: Settings }> {
  const version = await requireVersionOf(work, wanted);
  const { rules } = version;
  const [first = ''] = Object.keys(rules.signIns);
  const chosen = wanted.sign_in ?? first;
  const use = {
    key: version.definitionKey,
    version: version.version,
    signIn: chosen,
    parameters: { ...untilPicked(rules, chosen), ...wanted.parameters },
  };
  checkUse(rules, use);
  return { version, use, settings: expand(rules, use, readingConfig(rules, services)) };
}

/** A parameter that a person picks after the consent has its example until then. */
function untilPicked({ signIns, parameters }: DefinitionRules, chosen: string): Record<string, string> {
  const { auth } = (Object.hasOwn(signIns, chosen) ? signIns[chosen] : {}) as {
    auth?: { accounts?: { parameter?: string } };
  };
  const name = auth?.accounts?.parameter ?? '';
  const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  return parameter === undefined ? {} : { [name]: parameter.example };
}

/**
 * The account that a person picks at a consent becomes a parameter of the definition: without one it would
 * have no effect. What was stored before this was checked stays. Throws `invalid_config`.
 */
export async function checkPickedAccount(
  work: TenantWork,
  connector: Pick<DescribedConnector, 'oauth'>,
  config: JsonObject,
  before?: Integration,
): Promise<void> {
  const parameterOf = (one: JsonObject) => connector.oauth?.(one)?.accounts?.parameter;
  const name = parameterOf(config);
  if (name === undefined || (before !== undefined && parameterOf(before.config) === name)) return;
  const use = before === undefined ? null : useOf(before);
  const rules = use === null ? undefined : (await requireVersionOf(work, use)).rules;
  if (Object.hasOwn(rules?.parameters ?? {}, name)) return;
  const message =
    `The account that a person picks becomes the parameter ${name} of a definition. ` +
    (rules === undefined
      ? 'Link the app with a definition, or remove `accounts`.'
      : 'The definition has no such parameter.');
  throw new HttpError('invalid_config', {
    errors: [{ pointer: '/config/auth/accounts/parameter', code: 'unknown_parameter', message }],
  });
}

/**
 * The settings after another way to sign in or other parameters; what the integration has changed itself
 * stays. An integration without a definition adopts one, and keeps its settings. Throws `invalid_settings`.
 */
export async function readChangedUse(
  work: TenantWork,
  before: Integration,
  wanted: z.output<typeof definitionUseChange>,
  services: Services,
): Promise<{ use: DefinitionColumns; settings?: Settings }> {
  const stored = useOf(before);
  if (stored === null) return { use: await readAdoptedUse(work, before, wanted, services) };
  if (wanted.key !== undefined && wanted.key !== stored.key)
    throw invalid([
      { pointer: '/third_party/key', code: 'other_definition', message: `It follows ${stored.key}.` },
    ]);
  const { rules } = await requireVersionOf(work, stored);
  const use = {
    ...stored,
    signIn: wanted.sign_in ?? stored.signIn,
    parameters: wanted.parameters ?? stored.parameters,
  };
  checkUse(rules, use);
  const settings = moveToVersion(
    { from: rules, to: rules },
    { from: stored, to: use },
    before,
    readingConfig(rules, services),
  );
  return { use, settings };
}

/** What an integration takes from the definition that it is to follow; its settings stay. */
async function readAdoptedUse(
  work: TenantWork,
  before: Integration,
  { key, sign_in: wanted, parameters = {} }: z.output<typeof definitionUseChange>,
  services: Services,
): Promise<DefinitionColumns> {
  if (key === undefined) {
    const message = 'The integration follows no definition. Name one with `key`.';
    throw invalid([{ pointer: '/third_party', code: 'no_definition', message }]);
  }
  const { version, rules } = await requireVersionOf(work, { key });
  if (rules.connector !== before.connector) {
    const message = `The definition uses ${rules.connector}, the integration ${before.connector}.`;
    throw invalid([{ pointer: '/third_party/key', code: 'other_connector', message }]);
  }
  const ways = wanted === undefined ? Object.keys(rules.signIns) : [wanted];
  const read = readingConfig(rules, { ...services, whyUrlIsRefused: () => undefined });
  const uses = ways.map((way) => ({ key, version, signIn: way, parameters }));
  const nearest = nearestUse(rules, uses, before, read);
  if ('problems' in nearest) throw invalid(nearest.problems);
  return nearest.use;
}

async function requireVersionOf(
  work: TenantWork,
  { key, version }: { key: string; version?: number | undefined },
): Promise<DefinitionVersion> {
  const number = version ?? (await findDefinition(work, { key }))?.currentVersion ?? undefined;
  const found =
    number === undefined ? undefined : await findDefinitionVersion(work, { key, version: number });
  if (found === undefined) throw new HttpError('unknown_definition');
  return found;
}

/** A configuration as the connector reads it; addresses that are not allowed are refused. */
export function readingConfig(
  { connector: kind }: Pick<DefinitionRules, 'connector'>,
  { connectors, whyUrlIsRefused }: Services,
): (config: JsonObject) => JsonObject {
  const connector = connectors[kind];
  if (connector === undefined) throw new HttpError('unknown_connector');
  return (config) => readConfig(connector, config, whyUrlIsRefused);
}

/** Throws `invalid_settings`. @param base the pointer of the use in the request */
export function checkUse(rules: DefinitionRules, use: DefinitionUse, base?: string): void {
  const errors = problemsOfUse(rules, use, base);
  if (errors.length > 0) throw invalid(errors);
}

const invalid = (errors: ProblemDetail[]): HttpError => new HttpError('invalid_settings', { errors });
