/**
 * What a customer would have in their CRM: contacts, which Syncline only pulls, and companies, which sync in
 * both directions. A collection is filled only while it is empty, so changes made later are kept.
 */
import { callPocketBase, logIn, type PocketBaseLogin } from '../start/pocketbase';

const CONTACTS = 200;
const COMPANIES = 12;
const STAGES = ['lead', 'customer', 'partner'];
const SECTORS = ['Energy', 'Health', 'Logistics', 'Retail'];
const CITIES = ['Antwerp', 'Berlin', 'Gent', 'Leuven', 'Porto', 'Utrecht'];
const FIRST_NAMES = ['Ana', 'Ben', 'Chloé', 'Dewi', 'Eero', 'Fatima', 'Goran', 'Hana', 'Iris', 'Jonas'];
const LAST_NAMES = [
  'Albers',
  'Bakker',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  'Janssen',
  'Kowalski',
];

/**
 * Open to a plain `curl`, which plays a colleague working in the CRM: this server listens on 127.0.0.1 only.
 */
const open = { listRule: '', viewRule: '', createRule: '', updateRule: '', deleteRule: '' };
const times = [
  { name: 'created', type: 'autodate', onCreate: true },
  { name: 'updated', type: 'autodate', onCreate: true, onUpdate: true },
];

const companies = {
  name: 'companies',
  type: 'base',
  fields: [
    { name: 'external_id', type: 'text', max: 300 },
    { name: 'name', type: 'text', required: true, max: 200, presentable: true },
    { name: 'city', type: 'text', max: 100 },
    { name: 'sector', type: 'select', maxSelect: 1, values: SECTORS },
    ...times,
  ],
  ...open,
};
const contacts = {
  name: 'contacts',
  type: 'base',
  fields: [
    { name: 'name', type: 'text', required: true, max: 200, presentable: true },
    { name: 'email', type: 'email', required: true },
    { name: 'company', type: 'text', max: 200 },
    { name: 'stage', type: 'select', maxSelect: 1, values: STAGES },
    ...times,
  ],
  ...open,
};

const pick = (values: readonly string[], index: number): string => values[index % values.length] as string;
/** PocketBase's ids are 15 letters and digits. */
const idOf = (kind: string, index: number): string =>
  `${kind}${String(index + 1).padStart(15 - kind.length, '0')}`;
const companyName = (index: number): string => `${pick(CITIES, index)} ${pick(SECTORS, index)}`;

const sampleCompanies = Array.from({ length: COMPANIES }, (_, index) => ({
  id: idOf('company', index),
  name: companyName(index),
  city: pick(CITIES, index),
  sector: pick(SECTORS, index),
}));
const sampleContacts = Array.from({ length: CONTACTS }, (_, index) => ({
  id: idOf('contact', index),
  name: `${pick(FIRST_NAMES, index)} ${pick(LAST_NAMES, index)}`,
  email: `contact.${index + 1}@crm.example`,
  company: companyName(index % COMPANIES),
  stage: pick(STAGES, index),
}));

/** Safe to repeat. */
export async function setUpCrm(url: string, superuser: PocketBaseLogin): Promise<void> {
  const token = await logIn(url, superuser);
  // One transaction per collection: an interrupted start leaves none of its records or all.
  await callPocketBase(
    url,
    'PATCH',
    'settings',
    { batch: { enabled: true, maxRequests: CONTACTS, timeout: 10 } },
    token,
  );
  await fill(url, token, companies, sampleCompanies);
  await fill(url, token, contacts, sampleContacts);
}

async function fill(
  url: string,
  token: string,
  collection: { name: string },
  records: readonly object[],
): Promise<void> {
  const route = `collections/${collection.name}`;
  const existing = (await callPocketBase(url, 'GET', route, undefined, token, 404)) as { id?: string };
  if (!existing.id) await callPocketBase(url, 'POST', 'collections', collection, token);
  const { totalItems } = (await callPocketBase(
    url,
    'GET',
    `${route}/records?perPage=1`,
    undefined,
    token,
  )) as { totalItems: number };
  if (totalItems > 0) return;
  const requests = records.map((body) => ({ method: 'POST', url: `/api/${route}/records`, body }));
  await callPocketBase(url, 'POST', 'batch', { requests }, token);
}
