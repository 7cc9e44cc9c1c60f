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
import {
  defaultsOf,
  type DefinitionRules,
  type DefinitionUse,
  expand,
  moveToVersion,
  type Settings,
} from '../../domain/third-parties/definition';
import { parametersIn, problemOfParameter } from '../../domain/third-parties/parameters';
import type { RouteServices } from '../dependencies';
import { HttpError, type ProblemDetail } from '../http/http-error';
import { pointerTo } from '../http/json-guard';
import { readConfig } from '../integrations/connector-catalogue';
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
  .strictObject({ sign_in: signIn.optional(), parameters: parameterValues.optional() })
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
 * The settings after another way to sign in or other parameters; what the integration has changed itself
 * stays. Throws `invalid_settings`, also for an integration without a definition.
 */
export async function readChangedUse(
  work: TenantWork,
  before: Integration,
  wanted: z.output<typeof definitionUseChange>,
  services: Services,
): Promise<{ use: DefinitionColumns; settings: Settings }> {
  const stored = useOf(before);
  if (stored === null)
    throw invalid([
      { pointer: '/third_party', code: 'no_definition', message: 'The integration follows no definition.' },
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
export function checkUse(
  rules: DefinitionRules,
  { signIn: key, parameters }: DefinitionUse,
  base = '/third_party',
): void {
  const values = { ...defaultsOf(rules), ...parameters };
  const at = (name: string) => `${base}${pointerTo(['parameters', name])}`;
  // Another way to sign in may have parameters of its own.
  const used = parametersIn([rules.config, rules.mappings, rules.signIns[key] ?? {}] as never);
  const errors: ProblemDetail[] = [
    ...(Object.hasOwn(rules.signIns, key)
      ? []
      : [
          {
            pointer: `${base}/sign_in`,
            code: 'unknown_sign_in',
            message: `Choose one of: ${Object.keys(rules.signIns).join(', ')}.`,
          },
        ]),
    ...Object.keys(parameters)
      .filter((name) => !Object.hasOwn(rules.parameters, name))
      .map((name) => ({
        pointer: at(name),
        code: 'unknown_parameter',
        message: 'The definition has no such parameter.',
      })),
    ...Object.entries(rules.parameters).flatMap(([name, parameter]) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined)
        return used.includes(name)
          ? [{ pointer: at(name), code: 'required', message: 'Enter a value.' }]
          : [];
      const message = problemOfParameter(parameter, value);
      return message === undefined ? [] : [{ pointer: at(name), code: 'invalid_value', message }];
    }),
  ];
  if (errors.length > 0) throw invalid(errors);
}

const invalid = (errors: ProblemDetail[]): HttpError => new HttpError('invalid_settings', { errors });
