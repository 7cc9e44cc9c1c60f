/**
 * Employees as an HR product sends them: 12 fields, about 350 bytes, the same for Syncline and every peer.
 */
export interface Employee {
  record_type: 'employees';
  external_id: string;
  fields: Record<string, string | number | boolean>;
}

const DEPARTMENTS = ['Finance', 'Sales', 'Support', 'Engineering', 'People', 'Legal'];

/** `round` changes fields that are mapped, so that each round is a change worth a push. */
export function employees(count: number, { round = 1, from = 0 } = {}): Employee[] {
  return Array.from({ length: count }, (_, position) => {
    const number = from + position;
    const department = DEPARTMENTS[number % DEPARTMENTS.length] as string;
    return {
      record_type: 'employees',
      external_id: `employee-${number}`,
      fields: {
        first_name: `First ${number}`,
        last_name: `Last ${number}`,
        email: `employee.${number}@example.com`,
        job_title: `Specialist ${round}`,
        department,
        cost_center: `CC-${1_000 + (number % 40)}`,
        manager_email: `lead.${number % 100}@example.com`,
        phone: `+49 30 ${100_000 + number}`,
        hired_on: `20${10 + (number % 15)}-0${1 + (number % 9)}-15`,
        weekly_hours: 20 + (number % 21),
        is_active: true,
        notes: `Changed in round ${round}`,
      },
    };
  });
}

/** `items` in parts of at most `size`. */
export function inBatches<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
