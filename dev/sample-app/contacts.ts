/** The contacts of the address book, by page. */
const NAMES = [
  'Ada Byron',
  'Chen Wei',
  'Diego Ruiz',
  'Emma Vos',
  'Femi Ade',
  'Greta Holm',
  'Hugo Blanc',
  'Ines Lima',
];
const COMPANIES = ['Analytical Works', 'Harbour Foods', 'North Rail'];
const CONTACTS = 24;
const UPDATED_AT = '2026-01-05T08:00:00Z';

const contacts = Array.from({ length: CONTACTS }, (_, index) => ({
  id: `person-${index + 1}`,
  name: NAMES[index % NAMES.length],
  email: `person.${index + 1}@address-book.example`,
  company: COMPANIES[index % COMPANIES.length],
  updated_at: UPDATED_AT,
}));

/** @param query `page` from 1, `per_page`, and `modified_since` for those that changed since */
export function contactsOf({ page, per_page: size, modified_since: since }: Record<string, unknown>) {
  const found = contacts.filter((contact) => typeof since !== 'string' || contact.updated_at >= since);
  const [number, length] = [Number(page) || 1, Number(size) || found.length];
  return { items: found.slice((number - 1) * length, number * length), total: found.length };
}
