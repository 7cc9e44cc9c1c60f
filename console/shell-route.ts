/** The frame around all pages of a company. */
import { createRoute, redirect } from '@tanstack/react-router';
import { asProblem } from './api/client';
import { rootRoute } from './root-route';
import { meQuery } from './session/session';
import { Shell } from './shell/Shell';

/** All pages below need a sign-in, which leads back to the requested page. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  component: Shell,
  async beforeLoad({ context, location }) {
    try {
      await context.queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (asProblem(error).status === 401) throw redirect({ to: '/sign-in', search: { to: location.href } });
      throw error;
    }
  },
});
export const inShell = { getParentRoute: () => shellRoute };
