/** People and their browsers, for tests of the console's routes. */
import supertest from 'supertest';
import type { Express } from 'express';
import type { GivenTenant, Method, Service } from './service';

export const PASSWORD = 'correct horse battery';

/** Keeps its cookies and sends what a browser sends from a page of the console. */
export class Browser {
  /** Of the session. */
  cookie: string | undefined;
  /** They mark people who have signed in before. */
  deviceCookies: string[] = [];
  constructor(
    readonly app: Express,
    readonly headers: Record<string, string> = { 'Sec-Fetch-Site': 'same-origin' },
  ) {}

  async send(
    method: Method,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<supertest.Response> {
    let test = supertest(this.app)[method](path);
    test = test.redirects(0).set({ ...this.headers, ...headers });
    const cookies = [...this.deviceCookies, ...(this.cookie === undefined ? [] : [this.cookie])];
    if (cookies.length > 0) test = test.set('Cookie', cookies.join('; '));
    const response = await (body === undefined ? test : test.send(body));
    for (const cookie of setCookies(response).map((line) => line.split(';')[0] as string))
      if (!cookie.includes('syncline-device-')) this.cookie = cookie;
      else if (!this.deviceCookies.includes(cookie)) this.deviceCookies.push(cookie);
    return response;
  }
  get = (path: string, headers?: Record<string, string>) => this.send('get', path, undefined, headers);
  post = (path: string, body?: object, headers?: Record<string, string>) =>
    this.send('post', path, body, headers);

  async signIn(email: string, password = PASSWORD): Promise<this> {
    const response = await this.post('/console/v1/sign-in', { email, password });
    if (response.status !== 204)
      throw new Error(`The sign-in was answered ${response.status}: ${response.text}`);
    return this;
  }
}

export const setCookies = ({ headers }: supertest.Response): string[] =>
  (headers['set-cookie'] as unknown as string[] | undefined) ?? [];

export const sessionCookieOf = (response: supertest.Response): string =>
  setCookies(response).find((line) => !line.includes('syncline-device-')) ?? '';

export interface GivenPerson {
  id: string;
  email: string;
  name: string;
  etag: string;
}
let made = 0;

/** A person with `PASSWORD`. */
export async function givenPerson(
  service: Service,
  tenant: GivenTenant,
  { role = 'admin', name = 'Ana' }: { role?: string; name?: string } = {},
): Promise<GivenPerson> {
  const email = `person-${(made += 1)}-${Date.now()}@example.org`;
  const { body, headers } = await tenant.admin.post('/v1/people', { name, email, role }).expect(201);
  await service
    .as(undefined)
    .post('/console/v1/passwords', { token: body.invitation.token, password: PASSWORD })
    .expect(200);
  return { id: body.id, email, name, etag: headers.etag as string };
}
