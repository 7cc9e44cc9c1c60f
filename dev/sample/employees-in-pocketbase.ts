/**
 * What a customer would have set up in their own app: the collections `teams` and `employees`, and a user for
 * Syncline. Safe to repeat: existing collections are left unchanged, and the user's password becomes the
 * given one.
 */
import { callPocketBase, logIn, type PocketBaseLogin } from '../start/pocketbase';

/**
 * Writing needs a login. Reading does not, so that a plain `curl` works: this server listens on 127.0.0.1
 * only.
 */
const mayWrite = '@request.auth.id != ""';
const rules = {
  listRule: '',
  viewRule: '',
  createRule: mayWrite,
  updateRule: mayWrite,
  deleteRule: mayWrite,
};

/** Known by a code of the customer's own, which employees refer to. */
const teams = {
  name: 'teams',
  type: 'base',
  fields: [
    {
      name: 'id',
      type: 'text',
      primaryKey: true,
      required: true,
      min: 3,
      max: 30,
      pattern: '^[a-z0-9-]+$',
      autogeneratePattern: '[a-z0-9]{15}',
    },
    { name: 'name', type: 'text', max: 100, presentable: true },
  ],
  ...rules,
};

const employees = (teamsId: string) => ({
  name: 'employees',
  type: 'base',
  fields: [
    { name: 'external_id', type: 'text', required: true, max: 200, presentable: true },
    { name: 'first_name', type: 'text', required: true, max: 100 },
    { name: 'last_name', type: 'text', required: true, max: 100 },
    { name: 'email', type: 'email', required: true },
    { name: 'job_title', type: 'text', max: 200 },
    {
      name: 'department',
      type: 'select',
      maxSelect: 1,
      values: ['Engineering', 'Finance', 'People', 'Sales'],
    },
    { name: 'team', type: 'relation', maxSelect: 1, collectionId: teamsId },
    { name: 'status', type: 'select', maxSelect: 1, required: true, values: ['active', 'inactive'] },
    { name: 'created', type: 'autodate', onCreate: true },
    { name: 'updated', type: 'autodate', onCreate: true, onUpdate: true },
  ],
  indexes: [
    'CREATE UNIQUE INDEX employees_external_id ON employees (external_id)',
    'CREATE UNIQUE INDEX employees_email ON employees (email)',
  ],
  ...rules,
});

/** @returns the collection's id in PocketBase. */
async function ensureCollection(url: string, token: string, collection: { name: string }): Promise<string> {
  const route = `collections/${collection.name}`;
  const existing = (await callPocketBase(url, 'GET', route, undefined, token, 404)) as { id?: string };
  if (existing.id) return existing.id;
  return ((await callPocketBase(url, 'POST', 'collections', collection, token)) as { id: string }).id;
}

async function ensureUser(url: string, token: string, user: PocketBaseLogin): Promise<void> {
  const query = new URLSearchParams({ filter: `email="${user.email}"` });
  const { items } = (await callPocketBase(
    url,
    'GET',
    `collections/users/records?${query.toString()}`,
    undefined,
    token,
  )) as { items: { id: string }[] };
  const passwords = { password: user.password, passwordConfirm: user.password };
  if (items[0])
    await callPocketBase(url, 'PATCH', `collections/users/records/${items[0].id}`, passwords, token);
  else
    await callPocketBase(
      url,
      'POST',
      'collections/users/records',
      { ...passwords, email: user.email, name: 'Syncline', verified: true },
      token,
    );
}

/** @param user the user as which Syncline will write. */
export async function setUpEmployees(
  url: string,
  superuser: PocketBaseLogin,
  user: PocketBaseLogin,
): Promise<void> {
  const token = await logIn(url, superuser);
  const teamsId = await ensureCollection(url, token, teams);
  await ensureCollection(url, token, employees(teamsId));
  await ensureUser(url, token, user);
}
