import { useSession } from '../../session/session';
import { Page } from '../../common/Page';
import { ChangePassword } from './ChangePassword';
import { OwnEmails } from './OwnEmails';
import { OwnSessions } from './OwnSessions';

/** The e-mails, the sessions and the password of the signed-in person. */
export function AccountPage() {
  const { person, role } = useSession();
  return (
    <Page title={person.name} subtitle={`${person.email} · ${role}`}>
      <OwnEmails />
      <OwnSessions />
      <ChangePassword />
    </Page>
  );
}
