import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { CompanyData } from './CompanyData';
import { CompanySettings } from './CompanySettings';
import { NotificationSettings } from './NotificationSettings';

export function SettingsPage() {
  return (
    <Page title="Settings" actions={<CopyAsCurl path="/tenant" />}>
      <CompanySettings />
      <NotificationSettings />
      <CompanyData />
    </Page>
  );
}
