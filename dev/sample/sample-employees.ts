/** The employees of the sample tenant, and the changes that follow once they have been pushed. */
const people = [
  ['emp-1', 'Ada', 'Lovelace', 'Engineer', 'Engineering'],
  ['emp-2', 'Grace', 'Hopper', 'Compiler Engineer', 'Engineering'],
  ['emp-3', 'Katherine', 'Johnson', 'Analyst', 'Finance'],
  // PocketBase has no such department and refuses the record: Sync failed, with the error at the field.
  ['emp-4', 'Hedy', 'Lamarr', 'Inventor', 'Research'],
  ['emp-5', 'Luca', 'Pacioli', 'Accountant', 'Finance'],
  ['emp-6', 'Mary', 'Parker', 'People Partner', 'People'],
  ['emp-7', 'Zoë', 'Müller', 'Account Executive', 'Sales'],
  ['emp-8', 'Sōseki', 'Natsume', 'Writer', 'People'],
] as const;

const asciiOf = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[^a-z]/gi, '')
    .toLowerCase();

export const sampleEmployees = people.map(([externalId, firstName, lastName, jobTitle, department]) => ({
  record_type: 'employees',
  external_id: externalId,
  fields: {
    first_name: firstName,
    last_name: lastName,
    email: `${asciiOf(firstName)}.${asciiOf(lastName)}@sample-company.example`,
    job_title: jobTitle,
    department,
  },
}));

/**
 * Made after the initial push, so that the list of employees shows every status: emp-3 stays Sync pending for
 * the five minutes of the SCIM integration's grace period. emp-8 is Syncing for half a minute, because
 * PocketBase does not know the team yet and the push is retried.
 */
export const sampleChanges = [
  { externalId: 'emp-3', fields: { job_title: 'Lead Analyst' } },
  { externalId: 'emp-8', fields: { team: 'writers' } },
];
