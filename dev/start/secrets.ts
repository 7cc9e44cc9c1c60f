/**
 * Secrets of this installation, made at the first start and kept in `.syncline/secrets.json`, readable by the
 * owner only.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { inState } from '../tools/paths';

export interface Secrets {
  /** Not secret: names this installation where it keeps something outside its folder. */
  installation: string;
  postgresPassword: string;
  platformKey: string;
  /** As ENCRYPTION_KEYS takes them. */
  encryptionKeys: string;
  pocketBasePassword: string;
  /** Of the user by whom Syncline writes to PocketBase. */
  pocketBaseUserPassword: string;
  /** By which Syncline writes to the SCIM server. */
  scimToken: string;
  /** By which Syncline exchanges consents at the sample app. */
  sampleAppSecret: string;
}

const file = inState('secrets.json');
const text = (): string => randomBytes(24).toString('base64url');

/** Writes so that a reader sees either the old content or the new one. Owner only. */
export function writeJson(target: string, content: unknown): void {
  const work = `${target}.${process.pid}`;
  fs.writeFileSync(work, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(work, target);
}

export function loadSecrets(): Secrets {
  const kept = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Secrets>) : {};
  const secrets: Secrets = {
    installation: randomBytes(6).toString('hex'),
    postgresPassword: text(),
    platformKey: `platform_${text()}`,
    encryptionKeys: `local:${randomBytes(32).toString('base64')}`,
    pocketBasePassword: text(),
    pocketBaseUserPassword: text(),
    scimToken: text(),
    sampleAppSecret: text(),
    ...kept,
  };
  writeJson(file, secrets);
  return secrets;
}
