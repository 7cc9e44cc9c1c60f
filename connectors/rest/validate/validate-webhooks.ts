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
  const isInBody = verify.header === undefined;
  if (isInBody === (verify.at === undefined))
    problems.push({
      pointer: `${at}/verify`,
      message: 'A signature is either in a header or in the body ("at").',
    });
  const parts = variables.filter((name) => name === 'body' || name.startsWith('member:'));
  if (parts.length === 0)
    problems.push({
      pointer,
      message: 'What is signed must contain {body} or {member:<name>}, or anybody could change it.',
    });
  if (parts.includes('body') && (isInBody || parts.length > 1))
    problems.push({
      pointer,
      message: 'A body that has its signature, or signed members, is not signed as a whole.',
    });
  if (variables.includes('timestamp') !== (verify.timestamp !== undefined))
    problems.push({
      pointer,
      message: 'A timestamp must be signed as {timestamp}, and {timestamp} needs "timestamp".',
    });
  const rest = variables.reduce((text, name) => text.replace(`{${name}}`, ''), verify.signed);
  if (/[{}]/.test(rest))
    problems.push({
      pointer,
      message: 'The variables are {body}, {member:<name>}, {timestamp}, {method}, {url} and {header:<name>}.',
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
  const { create, renew, cancel, id, secret } = subscription;
  const pointer = `${at}/subscription`;
  const problems = [
    ...create.flatMap((call, index) => problemsOfCreation(`${pointer}/create/${index}`, call, secret)),
    ...(renew === undefined ? [] : check(`${pointer}/renew`, renew, WITH_ID)),
    ...(cancel === undefined ? [] : check(`${pointer}/cancel`, cancel, WITH_ID)),
  ];
  if ((renew ?? cancel) !== undefined && id === undefined)
    problems.push({
      pointer: `${pointer}/id`,
      message: 'A renewal or cancellation needs the id of what was created.',
    });
  if (secret === 'made' && verify.type === 'hmac' && verify.secret_encoding !== 'text')
    problems.push({
      pointer: `${at}/verify/secret_encoding`,
      message: 'The secret of a subscription is a text, because Syncline makes it.',
    });
  return problems;
}

const WITH_ID = [...SUBSCRIPTION_VARIABLES, 'subscription_id'];

function problemsOfCreation(
  pointer: string,
  { existing, ...call }: SubscriptionConfig['create'][number],
  secret: SubscriptionConfig['secret'],
): Problem[] {
  const sent = secret === 'made' ? ['{address}', '{secret}'] : ['{address}'];
  const problems = check(pointer, call, SUBSCRIPTION_VARIABLES);
  if (existing !== undefined) {
    const { remove, ...list } = existing;
    problems.push(...check(`${pointer}/existing`, { method: 'GET', ...list }, SUBSCRIPTION_VARIABLES));
    if (remove !== undefined) problems.push(...check(`${pointer}/existing/remove`, remove, WITH_ID));
  }
  if (!sent.every((variable) => JSON.stringify(call).includes(variable)))
    problems.push({ pointer, message: `A creation must send ${sent.join(' and ')}.` });
  return problems;
}

const isOneOf = (known: readonly string[]) => (name: string) => known.includes(name);

const check = (
  pointer: string,
  call: NonNullable<SubscriptionConfig['renew']>,
  known: readonly string[],
): Problem[] => [
  ...problemsOfCall(pointer, call, isOneOf(known), unknownInSubscription),
  ...problemsOfGet(pointer, { method: 'POST', ...call }),
];

const unknownInSubscription = (name: string): string =>
  `{${name}} is not known here. The calls know ${SUBSCRIPTION_VARIABLES.join(', ')}, renewals, removals and cancellations subscription_id too.`;
