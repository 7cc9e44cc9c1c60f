/** `npm start` on a checkout of its own, with a client of its API. */
import fs from 'node:fs';
import path from 'node:path';
import type { Ready } from '../../dev/start/welcome';
import { callPocketBase, logIn } from '../../dev/start/pocketbase';
import { createCheckout, Start } from '../support/environments/checkout';
import { createRunFolder } from '../support/environments/run-folder';

const PATIENCE_MS = 150_000;

/** As in maildev's API. */
export interface Mail {
  subject: string;
  to: { address: string }[];
  text: string;
}

export interface Stack {
  ready: Ready;
  call<Answer = Record<string, unknown>>(
    method: string,
    path: string,
    body?: object,
    key?: string,
  ): Promise<Answer>;
  /** Changes a record in the third party. */
  changeThere(collection: string, id: string, fields: object): Promise<void>;
  deleteThere(collection: string, ids: readonly string[]): Promise<void>;
  /** The number of records according to the third party. */
  countThere(collection: string): Promise<number>;
  /** The received e-mails, oldest first. */
  mails(): Promise<Mail[]>;
  /** What a program has printed since its start: `sample-app`. */
  logOf(program: string): string;
  /** Stops and starts it on its data. `ready` has the new addresses. */
  restart(environment: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

export async function startStack(): Promise<Stack> {
  const folder = createRunFolder();
  const checkout = createCheckout(folder, { isInstalled: true });
  let start = new Start(checkout);
  const ready = await start.ready(PATIENCE_MS);
  const thirdParty = async (method: string, route: string, body?: object): Promise<unknown> =>
    callPocketBase(
      ready.third_party_url,
      method,
      route,
      body,
      await logIn(ready.third_party_url, ready.third_party_login),
    );
  return {
    ready,
    async call<Answer>(method: string, route: string, body?: object, key = ready.api_key) {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const response = await fetch(`${ready.api_url}/v1${route}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`);
      return (await response.json()) as Answer;
    },
    async changeThere(collection, id, fields) {
      await thirdParty('PATCH', `collections/${collection}/records/${id}`, fields);
    },
    async deleteThere(collection, ids) {
      await thirdParty('POST', 'batch', {
        requests: ids.map((id) => ({
          method: 'DELETE',
          url: `/api/collections/${collection}/records/${id}`,
        })),
      });
    },
    async countThere(collection) {
      return (
        (await thirdParty('GET', `collections/${collection}/records?perPage=1`)) as { totalItems: number }
      ).totalItems;
    },
    async mails() {
      return (await (await fetch(`${ready.mail_url}/api/email`)).json()) as Mail[];
    },
    logOf: (program) => fs.readFileSync(path.join(checkout, `.syncline/logs/${program}.log`), 'utf8'),
    async restart(environment) {
      start.pressControlC();
      await start.ended;
      start = new Start(checkout, environment);
      Object.assign(ready, await start.ready(PATIENCE_MS));
    },
    async stop() {
      start.pressControlC();
      await start.ended;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
