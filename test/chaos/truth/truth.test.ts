/**
 * Seeded worlds: whatever Syncline shows is compared with the third parties themselves. TRUTH_WORLDS is the
 * number of worlds, CHAOS_SEED the first seed; `TRUTH_WORLDS=1 CHAOS_SEED=<seed>` repeats one.
 *
 * Excluded, with the reason:
 * - edits there that a push overwrites before a run has read them, where one record cannot be read alone, its
 *   latest version is not committed yet, or its last push ended a moment ago. They are counted in the printed
 *   line.
 * - an edit there that sets back what was last read, before a run has read what it replaces: no read can
 *   show it.
 * - an edit here that sets back what was last read there, beside an unread edit there: only that one changes
 *   the value (rule 5).
 * - an edit there to the value with which the record was deleted here before: the deletion loses nothing
 *   of it.
 * - fields of a record that is restored there with the values that are here: they are no edits.
 * - a value there that a person sets back in another notation before the pushed value is read: rule 46
 *   takes what is read first for the notation (`isUndoneThere` in oracle.ts).
 * - edits at third parties that are only pushed to: pulls find no drift there.
 * - merges there and record types that are only pulled: the third parties of these worlds do not have them.
 * - crashes of PostgreSQL that lose commits: connections break, the server goes on.
 */
import { testSeed } from '../../support/random';
import { repetitions } from '../../support/tier';
import { connectorOf } from './connector';
import { type Findings, judge } from './oracle';
import { ProductInProcess } from './product';
import type { ThirdParty } from './third-party';
import { World } from './world';

const worlds = Number(process.env.TRUTH_WORLDS ?? repetitions({ quick: 30, full: 1_000 }));
const firstSeed = Number(process.env.CHAOS_SEED ?? testSeed);
const STEPS = 25;

const parties = new Map<string, ThirdParty>();
let product: ProductInProcess;

beforeAll(async () => {
  product = await ProductInProcess.create(
    connectorOf((owner) => parties.get(owner) as ThirdParty),
    process.env.TRUTH_LOG === undefined ? undefined : { ...console, info() {} },
  );
}, 60_000);

afterAll(async () => product?.close(), 60_000);

/** The violations with the history of the first record. */
function report(world: World, { violations }: Findings): string {
  const [first] = violations;
  const history = world.notes
    .filter(({ key }) => key === first?.key || key === '*')
    .map(({ text: line }) => `    ${line}`);
  const lines = violations.map(({ key, what }) => `  ${key}: ${what}`);
  return [world.describe(), ...lines, ...history].join('\n');
}

it(
  'rules.md 5, 17, 46 to 48: what is shown as Synced is there, no edit is lost, and the writes end',
  async () => {
    jest.spyOn(performance, 'now').mockImplementation(() => product.now);
    const failures: string[] = [];
    let [edits, unread, checks, violations] = [0, 0, 0, 0];
    for (let seed = firstSeed; seed < firstSeed + worlds; seed += 1) {
      const world = new World(product, parties, seed);
      try {
        await world.begin();
        for (let step = 0; step < STEPS; step += 1) await world.step();
        await world.settle();
        const findings = await judge(world);
        checks += findings.checks;
        violations += findings.violations.length;
        if (findings.violations.length > 0) failures.push(report(world, findings));
      } catch (error) {
        throw new Error(world.describe(), { cause: error });
      }
      edits += world.edits.length;
      unread += world.edits.filter(({ isOverwrittenUnread }) => isOverwrittenUnread).length;
      parties.clear();
    }
    console.info(
      `truth: ${worlds} worlds, ${edits} edits (${unread} overwritten unread), ${checks} checks, ` +
        `${violations} violations`,
    );
    expect(failures.join('\n\n')).toBe('');
  },
  60_000 + worlds * 10_000,
);
