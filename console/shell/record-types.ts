/** Record types that have a page: those of the integrations, with their labels. */
import { useQuery } from '@tanstack/react-query';
import { integrationsQuery } from '../api/queries';
import { toWords } from '../common/formatting';

export interface NamedRecordType {
  name: string;
  label: string;
}

export function useRecordTypes(): NamedRecordType[] {
  const { data: integrations } = useQuery(integrationsQuery);
  const types = new Map<string, string>();
  for (const integration of integrations ?? []) {
    for (const name of Object.keys(integration.record_types)) {
      const label =
        integration.remote_record_types.find((known) => known.name === name)?.label ?? toWords(name);
      if (!types.has(name)) types.set(name, label);
    }
  }
  if (types.size === 0) types.set('employees', 'Employees');
  return [...types]
    .map(([name, label]) => ({ name, label }))
    .toSorted(
      (a, b) =>
        Number(b.name === 'employees') - Number(a.name === 'employees') || a.label.localeCompare(b.label),
    );
}

export const useRecordTypeLabel = (name: string): string =>
  useRecordTypes().find((type) => type.name === name)?.label ?? toWords(name);
