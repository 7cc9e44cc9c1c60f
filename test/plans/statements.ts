/** The statements that the default suite has recorded (record-statements.cjs), and their plans. */
import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { createTestDatabase } from '../support/environments/database';
import { readLargeTables, simulateLargeInstallation } from './large-installation';

type Encoded = { date: string } | { base64: string } | { value: unknown };

interface Statement {
  role: string;
  tenant: string;
  /** Whether its transaction reads in the order of an index (db/sql/index-order.ts). */
  isInIndexOrder?: boolean;
  text: string;
  values: Encoded[];
}

export interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  Alias?: string;
  'Plan Rows': number;
  'Index Cond'?: string;
  'Recheck Cond'?: string;
  Filter?: string;
  'Join Filter'?: string;
  'Hash Cond'?: string;
  'Merge Cond'?: string;
  'Sort Key'?: string[];
  'Presorted Key'?: string[];
  Plans?: Plan[];
}

const decoded = (value: Encoded): unknown =>
  'date' in value
    ? new Date(value.date)
    : 'base64' in value
      ? Buffer.from(value.base64, 'base64')
      : value.value;

/**
 * @param rowsMax see `simulateLargeInstallation`. @returns the plan of each statement, its text with white
 * space collapsed, and the name of the large table that a relation is or belongs to.
 */
export async function explainAll(rowsMax?: number) {
  const folder = process.env['TEST_STATEMENTS_FOLDER'];
  if (folder === undefined)
    throw new Error('There are no statements to check. Run `npm test -- default`, which records them first.');
  const { url } = await createTestDatabase();
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await simulateLargeInstallation(client, rowsMax);
    const large = await readLargeTables(client);
    const plans: { text: string; plan: Plan }[] = [];
    for (const file of fs.readdirSync(folder).toSorted()) {
      const statement = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as Statement;
      const plan = await explain(client, statement);
      if (plan !== null) plans.push({ text: statement.text.replace(/\s+/g, ' ').trim(), plan });
    }
    return { plans, large };
  } finally {
    await client.end();
  }
}

/** @returns null for a statement of a test of the rights of a role. */
async function explain(client: Client, statement: Statement): Promise<Plan | null> {
  const { role, tenant, text, values, isInIndexOrder = false } = statement;
  const sort = isInIndexOrder ? 'off' : 'on';
  await client.query('begin');
  try {
    await client.query(
      `select set_config('role', $1, true), set_config('app.tenant', $2, true),
         set_config('enable_sort', $3, true), set_config('enable_bitmapscan', $3, true)`,
      [role, tenant, sort],
    );
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (format json) ${text}`,
      values.map(decoded),
    );
    return (rows[0] as (typeof rows)[0])['QUERY PLAN'][0].Plan;
  } catch (error) {
    if ((error as { code?: string }).code === '42501') return null;
    throw new Error(`${(error as Error).message}: ${text}`, { cause: error });
  } finally {
    await client.query('rollback');
  }
}
