import { Avatar, Button, Menu, Text, VisuallyHidden } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { UserRound } from 'lucide-react';
import { signOut, useSession } from '../session/session';
import { ColorSchemes, SignOut } from './MenuItems';

export function PersonMenu() {
  const { person, role, tenant } = useSession();
  const navigate = useNavigate();
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Button variant="subtle" color="gray" c="var(--mantine-color-text)" px={6}>
          <Avatar size="sm" color="initials" name={person.name} autoContrast aria-hidden>
            {initialsOf(person.name)}
          </Avatar>
          <VisuallyHidden>Your menu:</VisuallyHidden>
          <Text ml={8} size="sm" visibleFrom="sm">
            {person.name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Text size="sm" px="sm" pt="xs" fw={600}>
          {person.name}
        </Text>
        <Text size="xs" px="sm" pb="xs" c="dimmed">
          {person.email} · {role} at {tenant.name}
        </Text>
        <Menu.Divider />
        <ColorSchemes />
        <Menu.Divider />
        <Menu.Item
          leftSection={<UserRound size={14} aria-hidden />}
          onClick={() => void navigate({ to: '/account' })}
        >
          Password and sessions
        </Menu.Item>
        <SignOut run={signOut} to="/sign-in" />
      </Menu.Dropdown>
    </Menu>
  );
}

const initialsOf = (name: string): string =>
  name
    .split(/\s+/)
    .map((word) => word.charAt(0))
    .slice(0, 2)
    .join('');
