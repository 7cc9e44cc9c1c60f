/** Problems of the description of a third party's webhooks. */
import type { RestConfig } from '../config/config';
import type { SubscriptionConfig, TokenConfig, WebhooksConfig } from '../config/config-webhooks';
import { typesOf } from '../webhooks/receive';
import { SUBSCRIPTION_VARIABLES } from '../webhooks/subscribe';
import { variablesOfSigned } from '../webhooks/verify';
import { type Problem, problemsOfCall, problemsOfGet } from './validate-call';

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
  return [...problemsOfProof(webhooks), ...problemsOfSubscription(webhooks), ...unknown];
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

function problemsOfSubscription({ subscription, verify }: WebhooksConfig): Problem[] {
  if (subscription === undefined) return [];
  const { create, renew, id } = subscription;
  const pointer = `${at}/subscription`;
  const check = (where: string, call: SubscriptionConfig['create'][number], known: readonly string[]) => [
    ...problemsOfCall(where, call, (name) => known.includes(name), unknownInSubscription),
    ...problemsOfGet(where, { method: 'POST', ...call }),
  ];
  const problems = create.flatMap((call, index) => [
    ...check(`${pointer}/create/${index}`, call, SUBSCRIPTION_VARIABLES),
    ...(JSON.stringify(call).includes('{address}') && JSON.stringify(call).includes('{secret}')
      ? []
      : [{ pointer: `${pointer}/create/${index}`, message: 'A creation must send {address} and {secret}.' }]),
  ]);
  if (renew !== undefined) {
    problems.push(...check(`${pointer}/renew`, renew, [...SUBSCRIPTION_VARIABLES, 'subscription_id']));
    if (id === undefined)
      problems.push({ pointer: `${pointer}/id`, message: 'A renewal needs the id of what was created.' });
  }
  if (verify.type === 'hmac' && verify.secret_encoding !== 'text')
    problems.push({
      pointer: `${at}/verify/secret_encoding`,
      message: 'The secret of a subscription is a text, because Syncline makes it.',
    });
  return problems;
}

const unknownInSubscription = (name: string): string =>
  `{${name}} is not known here. The calls know ${SUBSCRIPTION_VARIABLES.join(', ')}, a renewal subscription_id too.`;
