/** The employees of the sample tenant. */
const people = [
  ['emp-1', 'Ada', 'Lovelace', 'Engineer', 'Engineering'],
  ['emp-2', 'Grace', 'Hopper', 'Compiler Engineer', 'Engineering'],
  ['emp-3', 'Katherine', 'Johnson', 'Analyst', 'Finance'],
  ['emp-4', 'Hedy', 'Lamarr', 'Inventor', 'Engineering'],
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
