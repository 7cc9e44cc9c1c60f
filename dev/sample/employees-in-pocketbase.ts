/**
 * What a customer would have set up in their own system: a collection `employees` and a user for Syncline. Repeating it is
 * boring: what is there already stays as it is, except for the user's password, which becomes the given one.
 */
import { callPocketBase, logIn, type PocketBaseLogin } from '../start/pocketbase';

/** Only who is logged in may write. Reading is open, so that a plain `curl` shows what has arrived: this server listens on 127.0.0.1 alone. */
const mayWrite = '@request.auth.id != ""';

const employees = {
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
    { name: 'status', type: 'select', maxSelect: 1, required: true, values: ['active', 'inactive'] },
    { name: 'created', type: 'autodate', onCreate: true },
    { name: 'updated', type: 'autodate', onCreate: true, onUpdate: true },
  ],
  indexes: [
    'CREATE UNIQUE INDEX employees_external_id ON employees (external_id)',
    'CREATE UNIQUE INDEX employees_email ON employees (email)',
  ],
  listRule: '',
  viewRule: '',
  createRule: mayWrite,
  updateRule: mayWrite,
  deleteRule: mayWrite,
};

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

/** `user`: by whom Syncline will write. */
export async function setUpEmployees(
  url: string,
  superuser: PocketBaseLogin,
  user: PocketBaseLogin,
): Promise<void> {
  const token = await logIn(url, superuser);
  const existing = (await callPocketBase(url, 'GET', 'collections/employees', undefined, token, 404)) as {
    id?: string;
  };
  if (!existing.id) await callPocketBase(url, 'POST', 'collections', employees, token);
  await ensureUser(url, token, user);
}
