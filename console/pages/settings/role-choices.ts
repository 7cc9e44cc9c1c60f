import type { Role } from '../../session/session';

export const ROLE_CHOICES: { value: Role; label: string }[] = [
  { value: 'viewer', label: 'Viewer: can read' },
  { value: 'operator', label: 'Operator: can also change records and run syncs' },
  { value: 'admin', label: 'Admin: can also change integrations, keys and users' },
];
