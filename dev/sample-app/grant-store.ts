/**
 * What the sample app remembers over restarts: grants, tokens and its keys, in one small file. It is written
 * before an answer is sent, so that a token that was replaced stays replaced.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { writeJson } from '../start/secrets';

type Payload = Record<string, unknown>;

interface Entry {
  payload: Payload;
  /** Milliseconds; null = never. */
  expiresAt: number | null;
}

interface Content {
  /** By `model:id`. */
  entries: Record<string, Entry>;
  /** Signs the ids of sessions in cookies. */
  cookieKey: string;
  /** Signs ID tokens. */
  signingKey: object;
}

const newContent = (): Content => ({
  entries: {},
  cookieKey: randomBytes(32).toString('base64url'),
  signingKey: {
    ...generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ format: 'jwk' }),
    use: 'sig',
  },
});

export interface GrantStore {
  cookieKey: string;
  signingKey: object;
  /** The adapter of oidc-provider for one of its models. */
  adapter(model: string): object;
}

/** @param findClient of the client with this id; a client is not kept here */
export function openGrantStore(file: string, findClient: (id: string) => Payload | undefined): GrantStore {
  const content = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Content) : newContent();
  const { entries, cookieKey, signingKey } = content;
  const save = (): void => {
    for (const [key, { expiresAt }] of Object.entries(entries))
      if (expiresAt !== null && expiresAt <= Date.now()) delete entries[key];
    writeJson(file, content);
  };
  save();

  const adapter = (model: string) => {
    const keyOf = (id: string): string => `${model}:${id}`;
    const of = (member: string, value: string): [string, Entry][] =>
      Object.entries(entries).filter(
        ([key, { payload }]) => key.startsWith(keyOf('')) && payload[member] === value,
      );
    return {
      find: async (id: string) => (model === 'Client' ? findClient(id) : entries[keyOf(id)]?.payload),
      findByUid: async (uid: string) => of('uid', uid)[0]?.[1].payload,
      findByUserCode: async (code: string) => of('userCode', code)[0]?.[1].payload,
      upsert: async (id: string, payload: Payload, expiresIn?: number) => {
        entries[keyOf(id)] = {
          payload,
          expiresAt: expiresIn === undefined ? null : Date.now() + expiresIn * 1_000,
        };
        save();
      },
      consume: async (id: string) => {
        const entry = entries[keyOf(id)];
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1_000);
        save();
      },
      destroy: async (id: string) => {
        delete entries[keyOf(id)];
        save();
      },
      revokeByGrantId: async (grantId: string) => {
        for (const [key] of of('grantId', grantId)) delete entries[key];
        save();
      },
    };
  };
  return { cookieKey, signingKey, adapter };
}
