/** Problems of the description of a third party's webhooks. */
import type { RestConfig } from '../config/config';
import type { TokenConfig, WebhooksConfig } from '../config/config-webhooks';
import { typesOf } from '../webhooks/receive';
import { variablesOfSigned } from '../webhooks/verify';
import type { Problem } from './validate-call';

const at = '/config/webhooks';

export function problemsOfWebhooks({ webhooks, record_types: types }: RestConfig): Problem[] {
  if (webhooks === undefined) return [];
  const unknown = webhooks.events.flatMap((rule, index) =>
    typesOf(rule)
      .filter((name) => !Object.hasOwn(types, name))
      .map((name) => ({
        pointer: `${at}/events/${index}/record_type`,
        message: `The configuration has no record type ${name}.`,
      })),
  );
  return [...problemsOfProof(webhooks), ...unknown];
}

function problemsOfProof({ verify }: WebhooksConfig): Problem[] {
  if (verify.type === 'token') return problemsOfToken(verify);
  const variables = variablesOfSigned(verify.signed);
  const pointer = `${at}/verify/signed`;
  const problems: Problem[] = [];
  if (!variables.includes('body'))
    problems.push({ pointer, message: 'What is signed must contain {body}, or anybody could change it.' });
  if (variables.includes('timestamp') !== (verify.timestamp !== undefined))
    problems.push({
      pointer,
      message: 'A timestamp must be signed as {timestamp}, and {timestamp} needs "timestamp".',
    });
  const rest = variables.reduce((text, name) => text.replace(`{${name}}`, ''), verify.signed);
  if (/[{}]/.test(rest))
    problems.push({
      pointer,
      message: 'The variables are {body}, {timestamp}, {method}, {url} and {header:<name>}.',
    });
  return problems;
}

function problemsOfToken({ header, parameter, at: place, items }: TokenConfig): Problem[] {
  const pointer = `${at}/verify`;
  if ([header, parameter, place].filter((given) => given !== undefined).length !== 1)
    return [{ pointer, message: 'A token is either in a header, in a parameter, or in the body ("at").' }];
  return items !== undefined && place === undefined
    ? [{ pointer: `${pointer}/items`, message: 'Only a token in the body ("at") is in items.' }]
    : [];
}
