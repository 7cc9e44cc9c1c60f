/** What every shipped definition has: sources, help for people, a test, and a row in the documentation. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { lenientConfig } from '../../../activities/third-parties/check-settings';
import { compileDefinition } from '../../../api/third-parties/compile-definition';
import { definitionDocument } from '../../../api/third-parties/definition-schema';
import { connectors } from '../../../connectors';
import { findAdoption } from '../../../domain/third-parties/adoption';
import { type DefinitionRules, expand, ownDifferences } from '../../../domain/third-parties/definition';
import { examplesOf } from '../../../domain/third-parties/parameters';

const root = path.join(__dirname, '../../..');
const folder = path.join(root, 'third-parties');
const keys = readdirSync(folder).map((file) => path.basename(file, '.json'));
const documentOf = (key: string) =>
  JSON.parse(readFileSync(path.join(folder, `${key}.json`), 'utf8')) as never;

const tests = readdirSync(__dirname, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && file !== path.basename(__filename))
  .map((file) => readFileSync(path.join(__dirname, file), 'utf8'))
  .join('\n');
const page = readFileSync(path.join(root, 'docs/third-parties-shipped.md'), 'utf8');

const rulesOf = (key: string): DefinitionRules =>
  compileDefinition(definitionDocument.parse(documentOf(key)), connectors);
const adoptingOf = (rules: DefinitionRules) => {
  const connector = connectors[rules.connector] as (typeof connectors)[string];
  return { rules, connector, readConfig: lenientConfig(connector) };
};

describe.each(keys)('the definition of %s', (key) => {
  const document = definitionDocument.parse(documentOf(key));

  it('is complete with the examples of its parameters', () => {
    expect(() => compileDefinition(document, connectors)).not.toThrow();
  });

  it('names the documentation that it follows, and says what an admin has to do', () => {
    expect(document.sources).not.toEqual([]);
    expect(document.limits).not.toEqual([]);
    expect(document.sign_in.filter(({ help }) => help.length === 0)).toEqual([]);
  });

  it('claims a simulator only if a test has one', () => {
    expect(tests.includes(`key: '${key}'`)).toBe(document.proof !== 'none');
  });

  it('is adopted by integrations of the old form with its settings, and no other definition is', () => {
    const adopting = adoptingOf(rulesOf(key));
    const { rules, readConfig } = adopting;
    const parameters = examplesOf(rules.parameters);
    for (const signIn of Object.keys(rules.signIns)) {
      const own = expand(rules, { signIn, parameters }, readConfig);
      const adoption = findAdoption(adopting, own);
      if (adoption === undefined || 'problems' in adoption)
        throw new Error(JSON.stringify({ key, adoption }));
      expect(ownDifferences(rules, adoption.use, own, readConfig)).toEqual([]);
      const others = keys.filter(
        (other) =>
          other !== key &&
          rulesOf(other).connector === rules.connector &&
          findAdoption(adoptingOf(rulesOf(other)), own) !== undefined,
      );
      expect(others).toEqual([]);
    }
  });

  it('is in the documentation with its proof', () => {
    expect(page).toContain(`| ${document.name} | ${document.proof} |`);
  });
});
