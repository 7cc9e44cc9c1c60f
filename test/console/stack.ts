/** `npm start` on a checkout of its own, and the API as a program calls it. */
import fs from 'node:fs';
import type { Ready } from '../../dev/welcome';
import { callPocketBase, logIn } from '../../dev/pocketbase';
import { createCheckout, Start } from '../support/checkout';
import { createRunFolder } from '../support/run-folder';

const PATIENCE_MS = 150_000;

export interface Stack {
  ready: Ready;
  call<Answer = Record<string, unknown>>(method: string, path: string, body?: object): Promise<Answer>;
  /** As somebody who works in the third party. */
  changeThere(collection: string, id: string, fields: object): Promise<void>;
  stop(): Promise<void>;
}

export async function startStack(): Promise<Stack> {
  const folder = createRunFolder();
  const start = new Start(createCheckout(folder, { isInstalled: true }));
  const ready = await start.ready(PATIENCE_MS);
  return {
    ready,
    async call<Answer>(method: string, path: string, body?: object) {
      const headers = { authorization: `Bearer ${ready.api_key}`, 'content-type': 'application/json' };
      const response = await fetch(`${ready.api_url}/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as Answer;
    },
    async changeThere(collection, id, fields) {
      const token = await logIn(ready.third_party_url, ready.third_party_login);
      await callPocketBase(ready.third_party_url, 'PATCH', `collections/${collection}/records/${id}`, fields, token);
    },
    async stop() {
      start.pressControlC();
      await start.ended;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
