/** The frame of the pages of a tenant. */
import { useQuery } from '@tanstack/react-query';
import { useLiveUpdates } from '../api/live';
import { asProblem, type Schemas } from '../api/client';
import { TimeZone } from '../common/time';
import { meQuery } from '../session/session';
import { Bell } from './Bell';
import { Frame } from './Frame';
import { Navigation } from './Navigation';
import { OnboardingBanner } from './OnboardingBanner';
import { PersonMenu } from './PersonMenu';
import { SessionEnded } from './SessionEnded';

export function Shell() {
  const { data: session, error } = useQuery(meQuery);
  if (error !== null && asProblem(error).status === 401) return <SessionEnded signIn="/sign-in" />;
  return session === undefined ? null : <SignedIn tenant={session.tenant} />;
}

function SignedIn({ tenant }: Pick<Schemas['Me'], 'tenant'>) {
  useLiveUpdates();
  return (
    <TimeZone value={tenant.time_zone}>
      <Frame
        home="/"
        owner={tenant.name}
        navigation={(onNavigate) => <Navigation onNavigate={onNavigate} />}
        menus={
          <>
            <Bell />
            <PersonMenu />
          </>
        }
        banner={<OnboardingBanner />}
      />
    </TimeZone>
  );
}
