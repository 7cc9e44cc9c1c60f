/**
 * Problems of a single call: unknown variables, parameters without effect, and parameters in which a value
 * could change the meaning of the call.
 */
import type { JsonObject } from '../../../domain/json';
import type { CallConfig, ParameterConfig } from '../config/config-call';
import { jsonVariables, pathVariables, problemOfText, textVariables } from '../http/templates';

export interface Problem {
  pointer: string;
  message: string;
}

export function problemsOfCall(
  pointer: string,
  call: Partial<CallConfig>,
  isKnown: (variable: string) => boolean,
  unknown = unknownVariable,
): Problem[] {
  const parameters = call.parameters ?? {};
  const inPath = call.path === undefined ? [] : pathVariables(call.path);
  const inBody = jsonVariables(call.body ?? {});
  const problems: Problem[] = [];
  for (const name of inPath) {
    if (!Object.hasOwn(parameters, name) && !isKnown(name))
      problems.push({ pointer: `${pointer}/path`, message: unknown(name) });
  }
  for (const [name, parameter] of Object.entries(parameters)) {
    const at = `${pointer}/parameters/${name}`;
    if (!inPath.includes(name) && !inBody.includes(name))
      problems.push({
        pointer: at,
        message: `{${name}} is neither in the path nor in the body, so this parameter has no effect.`,
      });
    for (const variable of variablesOfParameter(parameter))
      if (!isKnown(variable)) problems.push({ pointer: at, message: unknown(variable) });
    const problem = problemOfParameter(parameter);
    if (problem !== undefined) problems.push({ pointer: at, message: problem });
  }
  for (const variable of inBody)
    if (!isKnown(variable) && !Object.hasOwn(parameters, variable))
      problems.push({ pointer: `${pointer}/body`, message: unknown(variable) });
  return [...problems, ...problemsOfHeaders(`${pointer}/headers`, call.headers, isKnown, unknown)];
}

export const GET_WITH_BODY = 'A GET has no body. Set a method for the list, usually POST.';

/** The templates of a part of a call, with their variables. */
export function templatesOf(
  pointer: string,
  {
    parameters = {},
    headers = {},
    body,
  }: {
    parameters?: Record<string, string> | undefined;
    headers?: Record<string, string> | undefined;
    body?: JsonObject | undefined;
  },
): { at: string; variables: string[] }[] {
  const texts = Object.entries({ parameters, headers }).flatMap(([part, templates]) =>
    Object.entries(templates).map(([name, text]) => ({
      at: `${pointer}/${part}/${name}`,
      variables: textVariables(text),
    })),
  );
  return body === undefined ? texts : [...texts, { at: `${pointer}/body`, variables: jsonVariables(body) }];
}

export function problemsOfGet(pointer: string, { method = 'GET', body }: CallConfig): Problem[] {
  return method === 'GET' && body !== undefined
    ? [{ pointer: `${pointer}/body`, message: 'A GET has no body. Set a method, usually POST.' }]
    : [];
}

export function problemsOfHeaders(
  pointer: string,
  headers: Record<string, string> | undefined,
  isKnown: (variable: string) => boolean,
  unknown = unknownVariable,
): Problem[] {
  return Object.entries(headers ?? {}).flatMap(([name, template]) =>
    textVariables(template)
      .filter((variable) => !isKnown(variable))
      .map((variable) => ({ pointer: `${pointer}/${name}`, message: unknown(variable) })),
  );
}

/** Whether a call reaches the record by the id that Syncline gives it. */
export function isAddressedByOurId({ path, parameters = {} }: CallConfig, hasOwnId: boolean): boolean {
  const used = pathVariables(path).flatMap((name) =>
    Object.hasOwn(parameters, name) ? variablesOfParameter(parameters[name]) : [name],
  );
  return (
    used.includes('external_id') ||
    used.some((name) => name.startsWith('payload.')) ||
    (hasOwnId && used.includes('remote_id'))
  );
}

export function variablesOfParameter(parameter: ParameterConfig | undefined): string[] {
  if (typeof parameter !== 'object') return textVariables(String(parameter ?? ''));
  return 'json' in parameter ? jsonVariables(parameter.json) : textVariables(parameter.template);
}

/** A value cannot leave its string in JSON, so JSON needs no rules. */
function problemOfParameter(parameter: ParameterConfig): string | undefined {
  if (typeof parameter !== 'object') return problemOfText(String(parameter), {});
  return 'json' in parameter ? undefined : problemOfText(parameter.template, parameter);
}

export function unknownVariable(name: string): string {
  return [
    `{${name}} is not known here. The calls of a record know external_id, push_id, payload.<field>,`,
    'remote_id once the id in the third party is known, and the names under "parameters".',
  ].join(' ');
}
