/** Items that the menus of people and of operators share. */
import { Menu, useMantineColorScheme } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { LogOut, Monitor, Moon, Sun } from 'lucide-react';
import { useAction } from '../common/use-action';

const SCHEMES = [
  { value: 'light', label: 'Light', icon: Sun },
  { value: 'dark', label: 'Dark', icon: Moon },
  { value: 'auto', label: 'System', icon: Monitor },
] as const;

export function ColorSchemes() {
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

export function SignOut({ run, to }: { run: () => Promise<unknown>; to: '/sign-in' | '/platform/sign-in' }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const leave = useAction({
    run: () => run(),
    async onDone() {
      await navigate({ to });
      queryClient.clear();
    },
  });
  return (
    <Menu.Item leftSection={<LogOut size={14} aria-hidden />} onClick={() => leave.mutate()}>
      Sign out
    </Menu.Item>
  );
}
