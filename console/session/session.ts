/** Who is signed in. */
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import { callConsole } from '../api/client';

export type Role = 'viewer' | 'operator' | 'admin';
export interface Session {
  person: { id: string; name: string; email: string; role: Role };
  tenant: { id: string; name: string; time_zone: string };
}

export const meQuery = queryOptions({ queryKey: ['me'], queryFn: () => callConsole<Session>('GET', '/me'), staleTime: 60_000, retry: false });

/** The session of the page; pages are shown to people who are signed in only. */
export const useSession = (): Session => useSuspenseQuery(meQuery).data;

const RANK: Record<Role, number> = { viewer: 1, operator: 2, admin: 3 };

/** Why this person may not do what takes the role, or undefined if they may. The API decides; this tells beforehand. */
export function useRefusal(needed: Role): string | undefined {
  const { person } = useSession();
  return RANK[person.role] >= RANK[needed] ? undefined : `This takes the role ${needed}; yours is ${person.role}. An admin can change it.`;
}

export const signIn = (credentials: { email: string; password: string }): Promise<unknown> => callConsole('POST', '/sign-in', credentials);
export const signOut = (): Promise<unknown> => callConsole('POST', '/sign-out');
export const setPassword = (choice: { token: string; password: string }): Promise<unknown> => callConsole('POST', '/passwords', choice);
