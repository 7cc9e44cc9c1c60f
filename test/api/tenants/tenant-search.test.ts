/** Operators find a tenant by a part of its name. */
import { expectProblem, type Service, startService } from '../support/service';

let service: Service;
beforeAll(async () => {
  service = await startService();
  for (const name of ['Ada & Sons', 'Sons of Ada', 'Zoë 100%', 'Other']) await service.givenTenant(name);
});
afterAll(() => service.close());

interface Page {
  data: { name: string }[];
  next_cursor: string | null;
}
const find = async (query: string): Promise<Page> =>
  (await service.platform.get(`/v1/tenants?${query}`).expect(200)).body as Page;
const namesOf = ({ data }: Page): string[] => data.map(({ name }) => name);

it.each([
  ['ADA', ['Ada & Sons', 'Sons of Ada']],
  ['& sons', ['Ada & Sons']],
  ['zOË', ['Zoë 100%']],
  ['%', ['Zoë 100%']],
  ['_', []],
  ['nobody', []],
])('finds by “%s” what an operator means', async (q, names) => {
  expect(namesOf(await find(`q=${encodeURIComponent(q)}`))).toEqual(names);
});

it('continues a search with its cursor, and no other list with it', async () => {
  const first = await find('q=sons&limit=1');
  const next = await find(`q=sons&limit=1&cursor=${first.next_cursor}`);

  expect([...namesOf(first), ...namesOf(next)]).toEqual(['Ada & Sons', 'Sons of Ada']);
  expect(next.next_cursor).toBeNull();
  const elsewhere = await service.platform.get(`/v1/tenants?cursor=${first.next_cursor}`);
  expectProblem(elsewhere, 400, 'invalid_cursor');
});
