/**
 * Whether an integration with a configuration of its own belongs to a definition, and what it would take from
 * it. Its settings stay as they are, so what differs becomes its differences.
 */
import { type Origins, originsOf } from '../credential-origins';
import { isJsonObject, jsonEquals, type JsonObject, type JsonValue } from '../json';
import type { ProblemDetail } from '../problem-detail';
import { ownValue } from '../records/mapping';
import {
  type DefinitionRules,
  type DefinitionUse,
  ownDifferences,
  problemsOfUse,
  type ReadConfig,
  type Settings,
} from './definition';
import { examplesOf, fillParameters, type Parameter, valuesFrom } from './parameters';

export interface Adopting {
  rules: DefinitionRules;
  connector: { origins?(config: unknown): Origins; hosts(config: unknown): string[] };
  /** Must not throw: what a connector refuses stays as it is. */
  readConfig: ReadConfig;
}

export type Adoption = { use: DefinitionUse } | { problems: ProblemDetail[] };

/** @returns undefined if the integration is at another base address than the definition */
export function findAdoption(
  { rules, connector, readConfig }: Adopting,
  own: Settings,
): Adoption | undefined {
  const config = readConfig(own.config);
  const address = baseAddressOf(connector, config);
  const uses = Object.keys(rules.signIns)
    .map((signIn) => ({ signIn, parameters: inferParameters(rules, signIn, config) }))
    .filter(({ signIn, parameters }) => {
      const fill = (values: Record<string, string>) =>
        readConfig(fillParameters(templateOf(rules, signIn), values));
      const there = fill({ ...examplesOf(rules.parameters), ...parameters });
      if (address === undefined || baseAddressOf(connector, there) !== address) return false;
      const anywhere = baseAddressOf(connector, fill(unknownHosts(rules.parameters)));
      if (isUnknownHost(anywhere)) return isLike(there, config, address);
      return anywhere !== address || isOfSameApi(there, config);
    });
  if (uses.length === 0) return undefined;
  const alike = uses.filter(({ signIn }) => signsInAlike(rules.signIns[signIn] ?? {}, config));
  return alike.length === 0
    ? { problems: [OTHER_SIGN_IN] }
    : nearestUse(rules, alike, { ...own, config }, readConfig);
}

/** Of uses that are possible, the one from which the settings differ least. `uses` is not empty. */
export function nearestUse<Use extends DefinitionUse>(
  rules: DefinitionRules,
  uses: readonly Use[],
  own: Settings,
  readConfig: ReadConfig,
): { use: Use } | { problems: ProblemDetail[] } {
  const problems = uses.map((use) => problemsOfUse(rules, use));
  const possible = uses
    .filter((_use, index) => problems[index]?.length === 0)
    .map((use) => ({ use, distance: ownDifferences(rules, use, own, readConfig).length }))
    .toSorted((one, other) => one.distance - other.distance);
  const [nearest] = possible;
  return nearest === undefined ? { problems: problems[0] ?? [] } : { use: nearest.use };
}

const OTHER_SIGN_IN: ProblemDetail = {
  pointer: '/config/auth',
  code: 'unknown_sign_in',
  message: 'The definition has no way to sign in of this kind. Add one, or change the integration.',
};

const templateOf = ({ config, signIns }: DefinitionRules, signIn: string): JsonObject => ({
  ...config,
  ...signIns[signIn],
});

/** A connector names its base address first. undefined = the configuration has none that can be read. */
function baseAddressOf(connector: Adopting['connector'], config: JsonObject): string | undefined {
  try {
    const [address] = Object.values(originsOf(connector, config));
    return address === '' ? undefined : address;
  } catch {
    return undefined;
  }
}

/** A name that no host has, for each parameter that could be a host. */
const UNKNOWN_HOST = 'host.invalid';

const unknownHosts = (parameters: Readonly<Record<string, Parameter>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, { format, example }]) => {
      if (format === 'choice') return [name, example];
      return [name, format === 'origin' ? `https://${UNKNOWN_HOST}` : UNKNOWN_HOST];
    }),
  );

/** The definition says nothing about the host: its parameters are all of it. */
const isUnknownHost = (address = ''): boolean =>
  address
    .replace(/^[a-z]+:\/\//, '')
    .replaceAll(UNKNOWN_HOST, '')
    .replaceAll('.', '') === '';

/**
 * Whether an integration belongs to the definition although its host does not prove it: the whole base
 * address and one call of a record type must be the same.
 */
function isLike(there: JsonObject, config: JsonObject, address: string): boolean {
  const textOf = (value: JsonValue | undefined) =>
    typeof value === 'string' ? value.replace(/\/$/, '') : value;
  const isAtSamePath = Object.entries(there).every(
    ([name, value]) =>
      typeof value !== 'string' ||
      !value.includes(address) ||
      textOf(value) === textOf(ownValue(config, name)),
  );
  return isAtSamePath && sharesCall(there['record_types'], ownValue(config, 'record_types'));
}

function sharesCall(
  there: JsonValue | undefined,
  own: JsonValue | undefined,
  isSame: (call: JsonObject, own: JsonValue | undefined) => boolean = jsonEquals,
): boolean {
  if (!isJsonObject(there) || !isJsonObject(own)) return false;
  return Object.entries(there).some(([name, member]) => {
    const same = ownValue(own, name);
    if (isJsonObject(member) && Object.hasOwn(member, 'path')) return isSame(member, same);
    return sharesCall(member, same, isSame);
  });
}

/** A host without parameters may have other APIs of its vendor. Not every connector has calls to compare. */
function isOfSameApi({ record_types: there }: JsonObject, config: JsonObject): boolean {
  const hasCalls = sharesCall(there, there, isSamePath);
  return !hasCalls || sharesCall(there, ownValue(config, 'record_types'), isSamePath);
}

const pathOf = (call: JsonValue | undefined): string | undefined => {
  const path = isJsonObject(call) ? call['path'] : undefined;
  return typeof path === 'string' ? path.split(/[?{]/, 1)[0] : undefined;
};

const isSamePath = (call: JsonObject, own: JsonValue | undefined): boolean =>
  pathOf(call) !== undefined && pathOf(call) === pathOf(own);

/**
 * Each member with a `type`, such as `auth`, must have the same type. Another type would ask for other
 * secrets when the app is connected again.
 */
function signsInAlike(added: JsonObject, config: JsonObject): boolean {
  const typeOf = (value: JsonValue | undefined) =>
    isJsonObject(value) ? ownValue(value, 'type') : undefined;
  return Object.entries(added).every(
    ([name, member]) => typeOf(member) === undefined || typeOf(member) === typeOf(ownValue(config, name)),
  );
}

/** The values that the texts of a configuration have where those of the definition name parameters. */
function inferParameters(rules: DefinitionRules, signIn: string, config: JsonObject): Record<string, string> {
  const found = valuesIn(templateOf(rules, signIn), config);
  // The first text that names a parameter decides: the base address stands before the calls.
  return Object.fromEntries(found.filter(([name]) => Object.hasOwn(rules.parameters, name)).toReversed());
}

function valuesIn(template: JsonValue, own: JsonValue | undefined): [string, string][] {
  if (typeof template === 'string') return typeof own === 'string' ? valuesFrom(template, own) : [];
  if (Array.isArray(template))
    return Array.isArray(own) ? template.flatMap((item, index) => valuesIn(item, own[index])) : [];
  if (!isJsonObject(template) || !isJsonObject(own)) return [];
  return Object.entries(template).flatMap(([name, member]) => valuesIn(member, ownValue(own, name)));
}
