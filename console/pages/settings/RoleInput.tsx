import { Select } from '@mantine/core';
import type { Role } from '../../session/session';
import { ROLE_CHOICES } from './role-choices';

interface RoleInputProps {
  role: Role;
  onChange: (role: Role) => void;
}

export function RoleInput({ role, onChange }: RoleInputProps) {
  return (
    <Select
      label="Role"
      allowDeselect={false}
      data={ROLE_CHOICES}
      value={role}
      onChange={(value) => onChange(value ?? role)}
    />
  );
}
