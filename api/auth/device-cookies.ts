/**
 * Device cookies (OWASP): they mark a browser in which a person has signed in before. Wrong passwords of that
 * browser are counted apart, so guesses from elsewhere do not lock the person out. A cookie signs no one in.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { newUuid } from '../../db/sql/ids';
import { cookieOf } from '../http/cookies';

/** Browsers keep no cookie for longer. */
const KEPT_FOR_MS = 400 * 86_400_000;

interface Person {
  personId: string;
}

export interface DeviceCookies {
  /** The id of the browser if the person has signed in there before; otherwise undefined. */
  read(request: Request, person: Person): string | undefined;
  /** Marks the browser, or extends its mark. */
  write(request: Request, person: Person): void;
}

export function createDeviceCookies(options: { platformKey: string; isSecure: boolean }): DeviceCookies {
  const { platformKey, isSecure } = options;
  const key = Buffer.from(hkdfSync('sha256', platformKey, '', 'syncline device cookie', 32));
  const valueOf = (deviceId: string, { personId }: Person): string =>
    `${deviceId}.${createHmac('sha256', key).update(`${deviceId}.${personId}`).digest('base64url')}`;
  // People who share a browser have a cookie each. The end of an id is its random part.
  const nameOf = ({ personId }: Person): string =>
    `${isSecure ? '__Host-' : ''}syncline-device-${personId.slice(-12)}`;

  function read(request: Request, person: Person): string | undefined {
    const value = cookieOf(request, nameOf(person)) ?? '';
    const [deviceId = ''] = value.split('.');
    const [given, expected] = [Buffer.from(value), Buffer.from(valueOf(deviceId, person))];
    return given.length === expected.length && timingSafeEqual(given, expected) ? deviceId : undefined;
  }

  return {
    read,
    write(request, person) {
      const value = valueOf(read(request, person) ?? newUuid(), person);
      request.res?.cookie(nameOf(person), value, {
        httpOnly: true,
        sameSite: 'lax',
        secure: isSecure,
        path: '/',
        maxAge: KEPT_FOR_MS,
      });
    },
  };
}
