/**
 * What is wrong with the installation, as its processes find it, and what operators were told by e-mail.
 * Needs the dispatcher's role.
 */
import { sql } from 'kysely';
import type { Database, Work } from '../database';

/** `finding`: a name that stays, such as `worker clock`. `detail`: what is wrong and what to do. */
export interface OperatorFinding {
  finding: string;
  detail: string;
  /** When it is looked for again, if later than in some minutes. */
  nextLookMs?: number;
}

/** After the next look. Most processes look every minute. */
const OVER_AFTER = '15 minutes';
/** Of one finding. */
const TOLD_EVERY = '1 hour';

/** Notes that they are found now. One that was over begins again. */
export async function noteFindings({ trx, now }: Work, findings: readonly OperatorFinding[]): Promise<void> {
  if (findings.length === 0) return;
  await sql`
    insert into operator_findings as known (finding, detail, appeared_at, seen_at)
    select finding, detail, ${now}, ${now}::timestamptz + next_look_ms * interval '1 ms'
    from unnest(${findings.map(({ finding }) => finding)}::text[],
      ${findings.map(({ detail }) => detail)}::text[],
      ${findings.map(({ nextLookMs = 0 }) => nextLookMs)}::float8[]) as found (finding, detail, next_look_ms)
    order by finding
    on conflict (finding) do update set detail = excluded.detail, seen_at = excluded.seen_at, ended_at = null,
      appeared_at = case when known.ended_at is null then known.appeared_at else excluded.appeared_at end`.execute(
    trx,
  );
}

/** For a check that finds that the cause is gone: the findings end now instead of expiring later. */
export async function endFindings(
  { trx, now }: Work,
  findings: readonly Pick<OperatorFinding, 'finding'>[],
): Promise<void> {
  const names = findings.map(({ finding }) => finding);
  await sql`
    update operator_findings set ended_at = ${now}
    where finding = any(${names}::text[]) and ended_at is null`.execute(trx);
}

/** Notes what the health checks of a process find, by check. */
export const findingsOf =
  (process: 'api' | 'worker', database: Database) =>
  (wrong: readonly { check: string; detail: string }[]): Promise<void> =>
    database.withDispatcher((work) =>
      noteFindings(
        work,
        wrong.map(({ check, detail }) => ({ finding: `${process} ${check}`, detail })),
      ),
    );

interface FindingToTell extends OperatorFinding {
  told: 'appeared' | 'over';
  appearedAt: Date;
}

/**
 * Findings of which operators do not know yet that they appeared, or that they are over: each at most once an
 * hour. They count as told once `noteTold` was called.
 */
export async function findUntold({ trx, now }: Work): Promise<FindingToTell[]> {
  await sql`
    update operator_findings set ended_at = ${now}
    where ended_at is null and seen_at < ${now}::timestamptz - ${OVER_AFTER}::interval`.execute(trx);
  // One that came and went within an hour of the last e-mail is not worth another one.
  await sql`
    delete from operator_findings where ended_at is not null and told is distinct from 'appeared'
      and coalesce(told_at, ended_at) < ${now}::timestamptz - ${TOLD_EVERY}::interval`.execute(trx);
  const { rows } = await sql<FindingToTell>`
    select finding, detail, appeared_at, case when ended_at is null then 'appeared' else 'over' end as told
    from operator_findings
    where case when ended_at is null then told is distinct from 'appeared' else told = 'appeared' end
      and (told_at is null or told_at < ${now}::timestamptz - ${TOLD_EVERY}::interval)
    order by finding`.execute(trx);
  return rows;
}

/** @param isTaken false: perhaps no operator has the e-mail, which is tried again after an hour */
export async function noteTold(
  { trx, now }: Work,
  findings: readonly FindingToTell[],
  { isTaken }: { isTaken: boolean },
): Promise<void> {
  for (const { finding, told } of findings)
    await trx
      .updateTable('operatorFindings')
      .set({ ...(isTaken ? { told } : {}), toldAt: now })
      .where('finding', '=', finding)
      .execute();
}
