/** Checks a document as a whole, and makes the rules that integrations follow. */
import type { WhyUrlIsRefused } from '../../domain/connector-settings';
import type { JsonObject } from '../../domain/json';
import type { DefinitionRules } from '../../domain/third-parties/definition';
import {
  examplesOf,
  fillParameters,
  parametersIn,
  problemOfParameter,
} from '../../domain/third-parties/parameters';
import { type DescribedConnector, readConfig } from '../integrations/connector-catalogue';
import { checkTogether, readMappings } from '../integrations/integration-checks';
import { HttpError, type ProblemDetail } from '../http/http-error';
import { pointerTo } from '../http/json-guard';
import type { DefinitionDocument } from './definition-schema';

/** Addresses are checked when an integration is linked, because parameters decide them. */
const ALL_ALLOWED: WhyUrlIsRefused = () => undefined;

/**
 * @throws `invalid_definition` with a problem per value; settings that are wrong for each way to sign in are
 * found with the examples of the parameters
 */
export function compileDefinition(
  document: DefinitionDocument,
  connectors: Readonly<Record<string, DescribedConnector>>,
): DefinitionRules {
  const connector = Object.hasOwn(connectors, document.connector)
    ? connectors[document.connector]
    : undefined;
  if (connector === undefined)
    throw invalid([problem(['connector'], 'unknown_connector', 'Use a connector of GET /v1/connectors.')]);
  const problems = [
    ...problemsOfParameters(document),
    ...problemsOfSignIns(document),
    ...problemsOfAccounts(document),
  ];
  if (problems.length > 0) throw invalid(problems);
  const examples = examplesOf(document.parameters);
  const configs = document.sign_in.map(({ config }, index) =>
    atPointer(pointerTo(['sign_in', index]), () =>
      readConfig(connector, fillParameters({ ...document.config, ...config }, examples), ALL_ALLOWED),
    ),
  );
  const mappings = atPointer('', () => readMappings(connector, configs[0] ?? {}, document.record_types));
  for (const [index, config] of configs.entries())
    atPointer(pointerTo(['sign_in', index]), () =>
      checkTogether(connector, config, fillParameters(mappings as never, examples)),
    );
  return {
    connector: document.connector,
    parameters: document.parameters,
    signIns: Object.fromEntries(document.sign_in.map(({ key, config }) => [key, config])),
    config: document.config,
    mappings,
  };
}

function problemsOfParameters({ parameters, ...texts }: DefinitionDocument): ProblemDetail[] {
  const used = new Set(
    parametersIn([
      texts.config,
      texts.record_types ?? null,
      ...texts.sign_in.map(({ config }) => config),
    ] as never),
  );
  const unknown = [...used].filter((name) => !Object.hasOwn(parameters, name));
  return [
    ...unknown.map((name) =>
      problem(['parameters'], 'unknown_parameter', `\${${name}} is used, but no parameter has this name.`),
    ),
    ...Object.entries(parameters).flatMap(([name, parameter]) => {
      const at = ['parameters', name];
      const isChoice = parameter.format === 'choice';
      return [
        ...(used.has(name) ? [] : [problem(at, 'unused_parameter', `\${${name}} is used nowhere.`)]),
        ...(isChoice === (parameter.options === undefined)
          ? [
              problem(
                [...at, 'options'],
                'options_of_choice',
                'Only a choice has options, and it needs them.',
              ),
            ]
          : []),
        ...(['example', 'default'] as const).flatMap((member) => {
          const value = parameter[member];
          const words = value === undefined ? undefined : problemOfParameter(parameter, value);
          return words === undefined ? [] : [problem([...at, member], 'invalid_value', words)];
        }),
      ];
    }),
  ];
}

function problemsOfSignIns({ sign_in: signIns }: DefinitionDocument): ProblemDetail[] {
  const keys = signIns.map(({ key }) => key);
  return keys.flatMap((key, index) =>
    keys.indexOf(key) === index
      ? []
      : [problem(['sign_in', index, 'key'], 'duplicate', 'Another way to sign in has this key.')],
  );
}

/** Otherwise every account that a person picks would be refused. */
function problemsOfAccounts({ parameters, sign_in: signIns }: DefinitionDocument): ProblemDetail[] {
  return signIns.flatMap(({ config }, index) => {
    const { auth } = config as { auth?: { accounts?: { parameter?: unknown } } };
    const name = auth?.accounts?.parameter;
    if (typeof name !== 'string' || Object.hasOwn(parameters, name)) return [];
    const at = ['sign_in', index, 'config', 'auth', 'accounts', 'parameter'];
    return [problem(at, 'unknown_parameter', `No parameter has the name ${name}.`)];
  });
}

/** Problems of the settings, as problems of the document that holds them. */
function atPointer<Value>(base: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw invalid(
      (error.errors ?? []).map((detail) => ({
        ...detail,
        pointer: detail.pointer.startsWith('/config/auth') ? `${base}${detail.pointer}` : detail.pointer,
      })),
    );
  }
}

function invalid(errors: ProblemDetail[]): HttpError {
  return new HttpError('invalid_definition', { errors });
}

function problem(path: (string | number)[], code: string, message: string): ProblemDetail {
  return { pointer: pointerTo(path), code, message };
}

/** A document without members that are undefined, as it is stored. */
export function toStoredDocument(document: DefinitionDocument): JsonObject {
  return JSON.parse(JSON.stringify(document)) as JsonObject;
}
