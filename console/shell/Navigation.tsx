import {
  ChartLine,
  CircleParking,
  Contact,
  Eraser,
  Eye,
  FileClock,
  GitMerge,
  House,
  KeyRound,
  KeySquare,
  Plug,
  ScrollText,
  Send,
  Settings,
  Trash2,
  Unplug,
  UserCog,
  Users,
  Webhook,
} from 'lucide-react';
import { useSession } from '../session/session';
import { NavigationOf, type NavItem } from './NavigationOf';
import { useRecordTypes } from './record-types';

const HOME: NavItem = { label: 'Home', icon: House, to: '/', isExact: true };
const SYNC: NavItem[] = [
  { label: 'Integrations', icon: Plug, to: '/integrations' },
  { label: 'Sync Overview', icon: Eye, to: '/overviews' },
  { label: 'Sync Logs', icon: FileClock, to: '/sync-runs' },
  { label: 'Sync Status', icon: ChartLine, to: '/sync-status' },
  { label: 'Conflicts', icon: GitMerge, to: '/conflicts', search: { state: 'open' } },
  { label: 'Drifts', icon: Unplug, to: '/drifts' },
  { label: 'Pushes to review', icon: Send, to: '/push-reviews' },
  { label: 'Deletions to review', icon: Trash2, to: '/deletion-reviews' },
  { label: 'Parked work', icon: CircleParking, to: '/parked-work' },
];
const SETTINGS: NavItem[] = [
  { label: 'General', icon: Settings, to: '/settings', isExact: true },
  { label: 'Webhooks', icon: Webhook, to: '/webhooks' },
];
const SETTINGS_OF_ADMINS: NavItem[] = [
  { label: 'Users', icon: UserCog, to: '/settings/people' },
  { label: 'API keys', icon: KeyRound, to: '/settings/api-keys' },
  { label: 'OAuth apps', icon: KeySquare, to: '/settings/oauth-apps' },
  { label: 'Erasures', icon: Eraser, to: '/erasures' },
  { label: 'Audit log', icon: ScrollText, to: '/settings/audit-log' },
];

export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const { role } = useSession();
  const records: NavItem[] = useRecordTypes().map(({ name, label }) => ({
    label,
    icon: name === 'employees' ? Users : Contact,
    to: '/records/$recordType',
    params: { recordType: name },
  }));
  const groups: [string, NavItem[]][] = [
    ['Records', records],
    ['Sync', SYNC],
    ['Settings', role === 'admin' ? [...SETTINGS, ...SETTINGS_OF_ADMINS] : SETTINGS],
  ];
  return <NavigationOf home={HOME} groups={groups} onNavigate={onNavigate} />;
}
