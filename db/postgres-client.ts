/** pg_dump and pg_restore, with the connection of DATABASE_URL. The password is not on their command line. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** Settings of the Node.js driver that libpq does not know. */
function forLibpq(databaseUrl: string): { url: string; password: string } {
  const url = new URL(databaseUrl);
  const password = decodeURIComponent(url.password);
  url.password = '';
  url.searchParams.delete('uselibpqcompat');
  if (url.searchParams.get('sslmode') === 'no-verify') url.searchParams.set('sslmode', 'require');
  return { url: url.href, password };
}

/** The option that names the database. */
export const databaseOption = (databaseUrl: string): string => `--dbname=${forLibpq(databaseUrl).url}`;

/** Answers what the program printed. PG_BIN is its folder, if it is not on PATH. @throws its error output. */
export async function runPostgresProgram(
  name: 'pg_dump' | 'pg_restore',
  databaseUrl: string,
  args: readonly string[],
): Promise<string> {
  const { PG_BIN: folder } = process.env;
  const child = spawn(folder === undefined ? name : path.join(folder, name), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PGPASSWORD: forLibpq(databaseUrl).password, PGOPTIONS: '-c app.backup=on' },
  });
  const [printed, complaints, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => {
      child.once('error', () => reject(new Error(`${name} could not be started. ${HOW_TO_INSTALL}`)));
      child.once('close', resolve);
    }),
  ]);
  if (code !== 0) throw new Error(`${name} failed: ${complaints.trim()}`);
  return printed;
}

const HOW_TO_INSTALL =
  "Install PostgreSQL's client programs, at least of the server's version " +
  '(Debian: apt-get install postgresql-client), or set PG_BIN to their folder.';
