/** The API's words as people read them. */
export const RUN_KINDS: Record<string, string> = {
  onboarding: 'Onboarding',
  hourly: 'Hourly sync',
  nightly: 'Nightly full sync',
  sign_in: 'On sign-in',
  last_day: 'Changes from last day',
  incremental: 'Incremental sync',
  full: 'Full sync',
  drift_repair: 'Drift repair',
  sync_now: 'Sync Now',
};

export const STARTED_BECAUSE: Record<string, string> = {
  quiet: 'no further changes in the grace period',
  max_wait: 'the maximum wait was reached',
  manual: 'somebody pushed it',
  retry: 'retried after an error',
  initial: 'the integration was linked',
  mapping_changed: 'the mapping was changed',
};

export const RESULTS: Record<string, string> = {
  succeeded: 'Succeeded',
  failed: 'Failed',
  superseded: 'Superseded by a newer one',
  no_net_change: 'No net change',
  discarded: 'Discarded',
  left: 'Left as it is there',
  closed: 'Closed',
};

/** `on_delete` → `On delete`. */
export const toWords = (name: string): string => {
  const words = name.replaceAll(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const toNumber = (count: number | null | undefined): string =>
  count === null || count === undefined ? 'unknown' : count.toLocaleString('en-GB');
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${toNumber(count)} ${count === 1 ? one : many}`;
/** What comes before the colon → how the rest is said. */
const ACTORS: Record<string, (name: string) => string> = {
  key: (name) => `API key “${name}”`,
  person: (name) => name,
  user: (name) => name,
  schedule: () => 'the schedule',
  sign_in: (name) => name,
  integration: () => 'a sync',
};

/** `key:npm start` → `API key “npm start”`. */
export function toActor(actor: string): string {
  const [kind = '', ...rest] = actor.split(':');
  const name = rest.join(':');
  return ACTORS[kind]?.(name) ?? (name === '' ? toWords(actor) : `${toWords(kind)} ${name}`);
}

/** The id of a record that was read begins with the integration's: people need only the third party's own. */
export const toShortId = (externalId: string): string => externalId.replace(/^int_[0-9a-z]{26}:/, '');

/** Text of any JSON value, as a person would write it. */
export const toText = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** The beginning of a text, where all of it would push away what stands beside it. */
export function cut(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const characters = Array.from(text);
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax).join('')}…`;
}
