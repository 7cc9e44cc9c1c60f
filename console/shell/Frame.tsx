/** The frame of all pages behind a sign-in: header, navigation and toasts. */
import { AppShell, Burger, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Outlet } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { RouterLink } from '../common/RouterLink';
import { Toasts } from './Toasts';

interface FrameProps {
  /** The page behind the logo. */
  home: '/' | '/platform';
  /** Whose pages these are: the name of the tenant, or the platform. */
  owner: string;
  navigation: (onNavigate: () => void) => ReactNode;
  /** At the right end of the header. */
  menus: ReactNode;
  banner?: ReactNode;
}

export function Frame({ home, owner, navigation, menus, banner }: FrameProps) {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={0}
    >
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={isOpen ? 'Close navigation' : 'Open navigation'}
            />
            <Logo home={home} />
            <Text c="dimmed" size="sm" lineClamp={1}>
              {owner}
            </Text>
          </Group>
          <Group gap={4} wrap="nowrap">
            {menus}
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm">{navigation(close)}</AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        {banner}
        <div style={{ padding: 'var(--mantine-spacing-lg)', maxWidth: 1280 }}>
          <Outlet />
        </div>
      </AppShell.Main>
      <Toasts />
    </AppShell>
  );
}

function Logo({ home }: Pick<FrameProps, 'home'>) {
  return (
    <RouterLink to={home} underline="never" c="var(--mantine-color-text)" fw={700}>
      <Group gap={8} wrap="nowrap">
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={24} height={24} />
        Syncline
      </Group>
    </RouterLink>
  );
}
