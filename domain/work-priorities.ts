/** The order of work in every queue (rule 59). Within one priority tenants take turns. */
export const PRIORITIES = {
  person: 1,
  signIn: 2,
  edit: 3,
  hourly: 3,
  bulk: 4,
  nightly: 4,
  backfill: 5,
} as const;
