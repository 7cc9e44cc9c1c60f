/** Consents for several accounts: the person picks one, and its id becomes a parameter of the definition. */
import { givenDefinition } from '../third-parties/definition-given';
import { ConnectBrowser, givenLink, type GivenLink } from '../support/connect';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

const COMPANIES = [
  { id: 'company-1', name: 'Ada & Sons' },
  { id: 'company-2', name: null },
];

let service: Service;
let tenant: GivenTenant;
let definitions = 0;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
  Object.assign(service.temporal, { answer: { ok: true }, asked: [], exchanged: [] });
  offer(COMPANIES);
});

/** What the worker finds with the tokens of the next consent. */
function offer(accounts: object[]): void {
  const consent = { ok: true, kind: null, message: 'connected', account_id: null, accounts };
  Object.assign(service.temporal, { consent });
}

/** A definition of an app with a company in each call, and a link for it. */
async function givenLinkOfCompanies(parameters: object): Promise<GivenLink> {
  const { body: app } = await tenant.admin
    .post('/v1/oauth-apps', {
      name: 'Books',
      client_id: 'client-1',
      client_secret: 'canary-client-secret',
      allowed_origins: ['https://books.example.com'],
    })
    .expect(201);
  const auth = {
    type: 'oauth2_authorization_code',
    app_id: app.id,
    authorization_url: 'https://books.example.com/authorize',
    token_url: 'https://books.example.com/token',
    accounts: {
      url: 'https://books.example.com/connections',
      id: '/tenantId',
      name: '/tenantName',
      parameter: 'company',
    },
  };
  const { config } = givenDefinition() as { config: object };
  const key = `books-${(definitions += 1)}`;
  const definition = givenDefinition({
    key,
    parameters: { company: { label: 'Company', format: 'identifier', example: 'picked-later' } },
    sign_in: [{ key: 'consent', label: 'Consent', config: { auth } }],
    config: { ...config, base_url: 'https://books.example.com', headers: { 'X-Company': '${company}' } },
  });
  await service.platform.post('/v1/platform/third-party-definitions', definition).expect(201);
  return givenLink(tenant, { integration: { third_party: { key, parameters } } });
}

async function consented(parameters: object = {}) {
  const link = await givenLinkOfCompanies(parameters);
  const page = new ConnectBrowser(service.app);
  await page.open(link);
  const path = `/connect/v1/sessions/${link.id}`;
  const begun = await page.send('post', `${path}/consent`, {});
  const state = new URL(begun.body.url).searchParams.get('state') as string;
  await page.send('get', `/connect/callback?state=${state}&code=code-1`);
  const finish = (body: object = {}) => page.send('post', `${path}/finish`, body);
  return { finish };
}
const integrations = async () => (await tenant.viewer.get('/v1/integrations')).body.data as { id: string }[];
const linked = async () =>
  (await tenant.viewer.get(`/v1/integrations/${(await integrations())[0]?.id}`)).body as {
    state: string;
    third_party: object;
    config: { headers: object };
  };

it('the person picks one of several: calls name it from then on, and it is checked before it runs', async () => {
  const { finish } = await consented();

  const offered = await finish();

  expect(offered.body).toMatchObject({ state: 'in_progress', accounts: COMPANIES, is_consent_given: true });
  expect((await linked()).state).toBe('paused');
  expect(service.temporal.asked).toEqual([]);
  const done = await finish({ account_id: 'company-2' });
  expect(done.body).toMatchObject({ state: 'done', accounts: [] });
  expect(await linked()).toMatchObject({
    state: 'active',
    third_party: { parameters: { company: 'company-2' } },
    config: { headers: { 'X-Company': 'company-2' } },
  });
  expect(service.temporal.asked).toHaveLength(1);
});

it('a single one needs no choice', async () => {
  offer([{ id: 'company-3', name: 'Only one' }]);
  const { finish } = await consented();

  expect((await finish()).body.state).toBe('done');

  expect((await linked()).config.headers).toEqual({ 'X-Company': 'company-3' });
});

it('one that was set before is taken without a question', async () => {
  const { finish } = await consented({ company: 'company-2' });

  expect((await finish()).body.state).toBe('done');

  expect((await linked()).config.headers).toEqual({ 'X-Company': 'company-2' });
});

it('a single one does not take the place of another that was set before', async () => {
  offer([{ id: 'company-3', name: 'Only one' }]);
  const { finish } = await consented({ company: 'company-2' });

  const refused = await finish();

  expectProblem(refused, 422, 'connection_refused');
  expect(refused.body.detail).toContain('company-2');
  expect((await linked()).config.headers).toEqual({ 'X-Company': 'company-2' });
});

it.each([
  ['that was not offered', 'company-9', 'not offered'],
  ['whose id would change an address', '../admin', 'cannot be used'],
])('an account %s is refused, and another one can be picked', async (_name, id, words) => {
  offer([...COMPANIES, { id: '../admin', name: 'Trap' }]);
  const { finish } = await consented();
  await finish();

  const refused = await finish({ account_id: id });

  expectProblem(refused, 422, 'connection_refused');
  expect(refused.body.detail).toContain(words);
  expect((await finish({ account_id: 'company-1' })).body.state).toBe('done');
  expect((await linked()).config.headers).toEqual({ 'X-Company': 'company-1' });
});

it('what was picked stays if another one is picked at the same time', async () => {
  const { finish } = await consented();
  await finish();

  const answers = await Promise.all(['company-1', 'company-2'].map((account_id) => finish({ account_id })));

  expect(answers.map(({ body }) => body.state)).toContain('done');
  const { third_party, config } = await linked();
  const { parameters } = third_party as { parameters: { company: string } };
  expect(config.headers).toEqual({ 'X-Company': parameters.company });
  expect(await integrations()).toHaveLength(1);
});
