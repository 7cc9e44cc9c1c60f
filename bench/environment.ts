/**
 * The servers and processes of a benchmark: PostgreSQL as in production (with fsync), Temporal's dev server
 * as `npm start` runs it, and the product's processes. All of them listen on 127.0.0.1, use a temporary
 * folder, and are stopped in reverse order.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Client as TemporalClient, Connection } from '@temporalio/client';
import { Client, Pool } from 'pg';
import { migrateToLatest } from '../db/migrate';
import { projectFolder } from '../dev/tools/paths';
import { freePort } from '../dev/start/ports';
import { startPostgres } from '../dev/start/postgres';
import {
  refuseNewProcesses,
  runningProcesses,
  startProcess,
  type SupervisedProcess,
} from '../dev/start/processes';
import { startTemporalServer } from '../dev/start/temporal';
import { createRunFolder } from '../test/support/environments/run-folder';

export class BenchEnvironment {
  readonly folder = createRunFolder();
  private readonly closers: (() => Promise<unknown>)[] = [];
  private isClosed = false;

  /** The superuser's URL of the database `postgres`. */
  async startPostgres(): Promise<string> {
    const options = {
      dataFolder: path.join(this.folder, 'postgres'),
      logFile: this.logFile('postgres'),
      port: await freePort(),
      password: randomBytes(12).toString('hex'),
    };
    return (await startPostgres(options)).url;
  }

  /** host:port */
  async startTemporal(): Promise<string> {
    return (
      await startTemporalServer({
        logFile: this.logFile('temporal'),
        databaseFile: path.join(this.folder, 'temporal.db'),
      })
    ).address;
  }

  /** A database of its own with the product's schema. */
  async createDatabase(serverUrl: string, name: string): Promise<string> {
    const client = new Client({ connectionString: serverUrl });
    await client.connect();
    await client.query(`create database ${client.escapeIdentifier(name)}`);
    await client.end();
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    await migrateToLatest(url.href);
    return url.href;
  }

  /** Runs a TypeScript file of the project as a process of its own, as `npm start` does. */
  async startNode(
    name: string,
    file: string,
    env: NodeJS.ProcessEnv,
    args: string[] = [],
    flags: readonly string[] = [],
  ): Promise<SupervisedProcess> {
    return startProcess({
      name,
      command: process.execPath,
      args: [...flags, '--import', 'tsx', file, ...args],
      cwd: projectFolder,
      env: { ...process.env, ...env },
      logFile: this.logFile(name),
    });
  }

  /** For looking into the tables; a superuser's, past every policy. */
  pool(databaseUrl: string, max = 2): Pool {
    const pool = new Pool({ connectionString: databaseUrl, max });
    pool.on('error', () => {}); // the server ends before the pool when a benchmark is broken off
    this.closers.push(() => pool.end());
    return pool;
  }

  async temporalClient(address: string): Promise<TemporalClient> {
    const connection = await Connection.connect({ address });
    this.closers.push(() => connection.close());
    return new TemporalClient({ connection });
  }

  /** Called when the benchmark ends, before the servers do. */
  onClose(close: () => Promise<unknown>): void {
    this.closers.push(close);
  }

  logFile(name: string): string {
    return path.join(this.folder, `${name}.log`);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    refuseNewProcesses();
    for (const close of this.closers.toReversed()) await close().catch(() => {});
    for (const running of runningProcesses().toReversed()) await running.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
