import { useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';

/** Leads to the sign-in once: afterwards the location is the sign-in itself, and no page to return to. */
export function SessionEnded({ signIn }: { signIn: '/sign-in' | '/platform/sign-in' }) {
  const router = useRouter();
  const navigate = useNavigate();
  useEffect(() => {
    void navigate({ to: signIn, search: { to: router.state.location.href }, replace: true });
  }, [navigate, router, signIn]);
  return null;
}
