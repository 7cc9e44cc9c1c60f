/** docker-compose.yml as Compose reads it, with `.env` filled in. */
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { projectFolder } from '../../../dev/tools/paths';

export interface ComposeService {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string | number>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  ports?: string[];
  volumes?: string[];
  restart?: string;
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
}

export const readProjectFile = (file: string): string =>
  fs.readFileSync(path.join(projectFolder, file), 'utf8');

export const readCompose = (): ComposeFile =>
  parse(readProjectFile('docker-compose.yml'), { merge: true }) as ComposeFile;

/** What `.env` must hold; `.env.example` leaves these empty. */
export const SECRETS: Readonly<Record<string, string>> = {
  POSTGRES_PASSWORD: 'a',
  SYNCLINE_DATABASE_PASSWORD: 'b',
  TEMPORAL_DATABASE_PASSWORD: 'c',
  PLATFORM_KEY: 'd'.repeat(32),
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
};

/** The environment of a service: `${NAME:?message}` and `${NAME:-default}` are filled in from `variables`. */
export function environmentOf(
  { environment = {} }: ComposeService,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const fillIn = (value: string | number): string =>
    String(value).replace(
      /\$\{(\w+):(\?|-)([^}]*)\}/g,
      (_match, name: string, kind: string, rest: string) =>
        variables[name] ?? (kind === '-' ? rest : `<${name} is missing>`),
    );
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fillIn(value)]));
}
