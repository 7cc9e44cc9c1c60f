import { Avatar, Button, Menu, Text, useMantineColorScheme, VisuallyHidden } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { LogOut, Monitor, Moon, Sun, UserRound } from 'lucide-react';
import { useAction } from '../common/use-action';
import { signOut, useSession } from '../session/session';

const SCHEMES = [
  { value: 'light', label: 'Light', icon: Sun },
  { value: 'dark', label: 'Dark', icon: Moon },
  { value: 'auto', label: 'System', icon: Monitor },
] as const;

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
        <SignOut />
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

function ColorSchemes() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return SCHEMES.map(({ value, label, icon: Icon }) => (
    <Menu.Item
      key={value}
      leftSection={<Icon size={14} aria-hidden />}
      onClick={() => setColorScheme(value)}
      role="menuitemradio"
      aria-checked={colorScheme === value}
      {...(colorScheme === value ? { fw: 700 } : {})}
    >
      {label}
    </Menu.Item>
  ));
}

function SignOut() {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const leave = useAction({
    run: signOut,
    async onDone() {
      await navigate({ to: '/sign-in' });
      queryClient.clear();
    },
  });
  return (
    <Menu.Item leftSection={<LogOut size={14} aria-hidden />} onClick={() => leave.mutate()}>
      Sign out
    </Menu.Item>
  );
}
