/** Labels for values of the API. */
export const RUN_KINDS: Record<string, string> = {
  onboarding: 'Initial sync',
  hourly: 'Hourly sync',
  nightly: 'Nightly full sync',
  sign_in: 'Sync on sign-in',
  last_day: 'Changes from last day',
  incremental: 'Incremental sync',
  full: 'Full sync',
  drift_repair: 'Drift repair',
  webhook: 'Webhooks',
  sync_now: 'Sync Now',
};

export const STARTED_BECAUSE: Record<string, string> = {
  quiet: 'the grace period ended',
  max_wait: 'the maximum wait was reached',
  manual: 'pushed manually',
  retry: 'retried after an error',
  initial: 'the integration was connected',
  mapping_changed: 'the mapping was changed',
};

export const RESULTS: Record<string, string> = {
  succeeded: 'Succeeded',
  failed: 'Failed',
  superseded: 'Superseded by a newer push',
  no_net_change: 'No net change',
  discarded: 'Discarded',
  left: 'Left unchanged in the app',
  closed: 'Closed',
};

/** `on_delete` → `On delete`. */
export const toWords = (name: string): string => {
  const words = name.replaceAll(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const toNumber = (count: number | null | undefined): string =>
  count === null || count === undefined ? 'unknown' : count.toLocaleString('en-GB');
/** `+3`, `-2`, `0`; null is `unknown`. */
export const toSigned = (difference: number | null): string =>
  difference !== null && difference > 0 ? `+${toNumber(difference)}` : toNumber(difference);
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${toNumber(count)} ${count === 1 ? one : many}`;
/** By the kind before the colon. */
const ACTORS: Record<string, (name: string) => string> = {
  key: (name) => `API key “${name}”`,
  person: (name) => name,
  user: (name) => name,
  schedule: () => 'the schedule',
  sign_in: (name) => name,
  integration: () => 'a sync',
  restore: () => 'a restore of the database',
  platform: () => 'Operator of Syncline',
};

/** `key:npm start` → `API key “npm start”`. */
export function toActor(actor: string): string {
  const [kind = '', ...rest] = actor.split(':');
  const name = rest.join(':');
  return ACTORS[kind]?.(name) ?? (name === '' ? toWords(actor) : `${toWords(kind)} ${name}`);
}

/** Ids of imported records begin with the integration's id; only the app's own id is shown. */
export const toShortId = (externalId: string): string => externalId.replace(/^int_[0-9a-z]{26}:/, '');

/** Any JSON value as text. */
export const toText = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** Shortens a text to a maximum length. */
export function cut(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const characters = Array.from(text);
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax).join('')}…`;
}
