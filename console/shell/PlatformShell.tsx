/** The frame of the pages of operators. */
import { Button, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Blocks, Building2, ChevronDown, Inbox, KeySquare, Library, ScrollText } from 'lucide-react';
import { asProblem } from '../api/client';
import { useIsInUse } from '../session/use-is-in-use';
import { platformSessionQuery, signOutAsPlatform } from '../session/platform-session';
import { Frame } from './Frame';
import { ColorSchemes, SignOut } from './MenuItems';
import { NavigationOf, type NavItem } from './NavigationOf';
import { SessionEnded } from './SessionEnded';
import { StoppedRollouts } from './StoppedRollouts';

const PAGES: NavItem[] = [
  { label: 'Outbox', icon: Inbox, to: '/platform/outbox' },
  { label: 'Tenants', icon: Building2, to: '/platform/tenants' },
  { label: 'Definitions', icon: Library, to: '/platform/definitions' },
  { label: 'Build a definition', icon: Blocks, to: '/platform/definition-builder' },
  { label: 'OAuth apps', icon: KeySquare, to: '/platform/oauth-apps' },
  { label: 'Audit log', icon: ScrollText, to: '/platform/audit-log' },
];
/** A session ends after 15 minutes without use. The page then leads to the sign-in. */
const UNUSED_CHECK_MS = 16 * 60_000;

export function PlatformShell() {
  const isInUse = useIsInUse();
  const { data: session, error } = useQuery({
    ...platformSessionQuery,
    refetchInterval: isInUse ? 60_000 : UNUSED_CHECK_MS,
  });
  if (error !== null && asProblem(error).status === 401) return <SessionEnded signIn="/platform/sign-in" />;
  if (session === undefined) return null;
  return (
    <Frame
      home="/platform"
      owner="Platform"
      navigation={(onNavigate) => <NavigationOf groups={[['Platform', PAGES]]} onNavigate={onNavigate} />}
      menus={<OperatorMenu />}
      banner={<StoppedRollouts />}
    />
  );
}

function OperatorMenu() {
  return (
    <Menu position="bottom-end" width={200}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          c="var(--mantine-color-text)"
          rightSection={<ChevronDown size={14} aria-hidden />}
        >
          Operator
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <ColorSchemes />
        <Menu.Divider />
        <SignOut run={signOutAsPlatform} to="/platform/sign-in" />
      </Menu.Dropdown>
    </Menu>
  );
}
