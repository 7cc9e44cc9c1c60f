/** Slow readers of exports do not keep others waiting (rules.md 62). */
import { ExportPlaces } from '../../../api/tenants/export-places';

it('rule 62: admins of one tenant who read slowly leave places to others', () => {
  const places = new ExportPlaces();
  const first = places.take('one');
  expect([places.take('one'), places.take('one')].map((free) => free !== undefined)).toEqual([true, false]);
  expect(places.take('two')).toBeDefined();
  expect(places.take(null)).toBeDefined();
  expect(places.take(null)).toBeUndefined();

  first?.();
  expect(places.take('one')).toBeDefined();
});
