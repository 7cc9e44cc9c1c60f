/** What a mapping of any size costs before it is refused. */
import { recordTypeMappings } from '../../../api/integrations/mapping-schema';

const mappingWith = (transform: unknown[]) => ({
  employees: { fields: [{ name: 'name', to: 'name', transform }] },
});

it('of a transform with 100,000 steps, none is looked at, and one problem is named', () => {
  let reads = 0;
  const step = {
    get type() {
      reads += 1;
      return 'trim';
    },
  };

  const parsed = recordTypeMappings.safeParse(mappingWith(Array.from({ length: 100_000 }, () => step)));

  expect(parsed.error?.issues).toHaveLength(1);
  expect(parsed.error?.issues).toMatchObject([{ code: 'too_big', maximum: 20 }]);
  expect(reads).toBe(0);
});
