/**
 * A third-party definition describes a product once, for all tenants. An integration names a version of it, a
 * way to sign in and the parameters of the account; `expand` makes the settings that the worker reads. The
 * stored settings of an integration may differ from them: its differences move to the next version.
 */
import type { JsonObject } from '../json';
import { type ProblemDetail, pointerTo } from '../problem-detail';
import type { RecordTypeMappings } from '../records/mapping';
import { type Difference, differencesOf, withDifferences } from './differences';
import { fillParameters, type Parameter, parametersIn, problemOfParameter } from './parameters';

/** The part of a definition that decides what an integration does. */
export interface DefinitionRules {
  connector: string;
  parameters: Record<string, Parameter>;
  /** By the key of a way to sign in: what it adds to `config`. */
  signIns: Record<string, JsonObject>;
  config: JsonObject;
  mappings: RecordTypeMappings;
}

/** What an integration takes from its definition. */
export interface DefinitionUse {
  signIn: string;
  parameters: Record<string, string>;
}

export interface Settings {
  config: JsonObject;
  recordTypes: RecordTypeMappings;
}

/** A configuration as the connector reads it, with its defaults. Throws if it is refused. */
export type ReadConfig = (config: JsonObject) => JsonObject;

export function expand(
  rules: DefinitionRules,
  { signIn, parameters }: DefinitionUse,
  readConfig: ReadConfig,
): Settings {
  const added = rules.signIns[signIn];
  if (added === undefined) throw new Error(`The definition has no way to sign in called ${signIn}.`);
  const values = { ...defaultsOf(rules), ...parameters };
  return {
    config: readConfig(fillParameters({ ...rules.config, ...added }, values)),
    recordTypes: fillParameters(rules.mappings as never, values),
  };
}

/** What is wrong with the way to sign in and the parameters. @param base the pointer of the use */
export function problemsOfUse(
  rules: DefinitionRules,
  { signIn: key, parameters }: DefinitionUse,
  base = '/third_party',
): ProblemDetail[] {
  const values = { ...defaultsOf(rules), ...parameters };
  const at = (name: string) => `${base}${pointerTo(['parameters', name])}`;
  // Another way to sign in may have parameters of its own.
  const used = parametersIn([rules.config, rules.mappings, rules.signIns[key] ?? {}] as never);
  return [
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
}

/** How the settings of an integration differ from its version of the definition. */
export function ownDifferences(
  rules: DefinitionRules,
  use: DefinitionUse,
  own: Settings,
  readConfig: ReadConfig,
): Difference[] {
  return differencesOf(asJson(expand(rules, use, readConfig)), asJson(own));
}

/** The settings under another version, sign-in or parameters, with the differences of the integration. */
export function moveToVersion(
  rules: { from: DefinitionRules; to: DefinitionRules },
  use: { from: DefinitionUse; to: DefinitionUse },
  own: Settings,
  readConfig: ReadConfig,
): Settings {
  const differences = ownDifferences(rules.from, use.from, own, readConfig);
  return withDifferences(asJson(expand(rules.to, use.to, readConfig)), differences) as unknown as Settings;
}

/** Only what JSON keeps: members that are undefined are none. */
function asJson({ config, recordTypes }: Settings): JsonObject {
  return JSON.parse(JSON.stringify({ config, recordTypes })) as JsonObject;
}

function defaultsOf({ parameters }: Pick<DefinitionRules, 'parameters'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, parameter]) =>
      parameter.default === undefined ? [] : [[name, parameter.default]],
    ),
  );
}
