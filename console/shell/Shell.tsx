/** The frame of all pages: header, navigation, onboarding banner and toasts. */
import { AppShell, Burger, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useLiveUpdates } from '../api/live';
import { asProblem } from '../api/client';
import { meQuery } from '../session/session';
import { Bell } from './Bell';
import { Navigation } from './Navigation';
import { OnboardingBanner } from './OnboardingBanner';
import { PersonMenu } from './PersonMenu';
import { Toasts } from './Toasts';
import { RouterLink } from '../common/RouterLink';

export function Shell() {
  const { data: session, error } = useQuery(meQuery);
  if (error !== null && asProblem(error).status === 401) return <SessionEnded />;
  return session === undefined ? null : <SignedIn tenantName={session.tenant.name} />;
}

/** Leads to the sign-in once: afterwards the location is the sign-in itself, and no page to return to. */
function SessionEnded() {
  const router = useRouter();
  const navigate = useNavigate();
  useEffect(() => {
    void navigate({ to: '/sign-in', search: { to: router.state.location.href }, replace: true });
  }, [navigate, router]);
  return null;
}

function SignedIn({ tenantName }: { tenantName: string }) {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  useLiveUpdates();
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
        <Header tenantName={tenantName} isOpen={isOpen} onToggle={toggle} />
      </AppShell.Header>
      <AppShell.Navbar p="sm">
        <Navigation onNavigate={close} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <OnboardingBanner />
        <div style={{ padding: 'var(--mantine-spacing-lg)', maxWidth: 1280 }}>
          <Outlet />
        </div>
      </AppShell.Main>
      <Toasts />
    </AppShell>
  );
}

interface HeaderProps {
  tenantName: string;
  isOpen: boolean;
  onToggle: () => void;
}

function Header({ tenantName, isOpen, onToggle }: HeaderProps) {
  return (
    <Group h="100%" px="md" justify="space-between" wrap="nowrap">
      <Group gap="sm" wrap="nowrap">
        <Burger
          opened={isOpen}
          onClick={onToggle}
          hiddenFrom="sm"
          size="sm"
          aria-label={isOpen ? 'Close navigation' : 'Open navigation'}
        />
        <RouterLink to="/" underline="never" c="var(--mantine-color-text)" fw={700}>
          <Group gap={8} wrap="nowrap">
            <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={24} height={24} />
            Syncline
          </Group>
        </RouterLink>
        <Text c="dimmed" size="sm" lineClamp={1}>
          {tenantName}
        </Text>
      </Group>
      <Group gap={4} wrap="nowrap">
        <Bell />
        <PersonMenu />
      </Group>
    </Group>
  );
}
