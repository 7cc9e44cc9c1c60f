/** Which OAuth apps a way to sign in can use. */
import type { Schemas } from '../../../api/client';
import type { Drafts } from '../schema-form/json-schema';

type Document = Schemas['ThirdPartyDefinition']['document'];
type OAuthApp = Schemas['OAuthApp'];

export interface NeededApp {
  /** The parameter that takes the id of the app. */
  parameter: string;
  /** What the app must allow, as far as it is known: the consent page, the token endpoint and the API. */
  origins: string[];
}

/** undefined if the way to sign in needs no app, or the definition names the app itself. */
export function appNeededBy(document: Document, signIn: string, parameters: Drafts): NeededApp | undefined {
  const { base_url: baseUrl, auth: authOfAll } = settingsOf(document.config);
  const { auth = authOfAll } = settingsOf(document.sign_in.find(({ key }) => key === signIn)?.config);
  const { type, app_id: appId, authorization_url: consentUrl, token_url: tokenUrl } = settingsOf(auth);
  const parameter = /^\$\{(\w+)\}$/.exec(String(appId))?.[1];
  if (type !== 'oauth2_authorization_code' || parameter === undefined) return undefined;
  const urls = [consentUrl, tokenUrl, baseUrl].map((url) =>
    String(url).replaceAll(/\$\{(\w+)\}/g, (_placeholder, name: string) => {
      const { default: usual, example } = document.parameters?.[name] ?? {};
      return (parameters[name] || usual) ?? example ?? '';
    }),
  );
  const origins = urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin);
  return { parameter, origins: [...new Set(origins)] };
}

const settingsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** Those that may be sent to all addresses. The API checks it when the product is linked. */
export const fittingApps = (apps: readonly OAuthApp[], { origins }: NeededApp): OAuthApp[] =>
  apps.filter((app) => origins.every((origin) => app.allowed_origins.some((one) => isWithin(one, origin))));

/** `https://*.example.com` stands for every host below that name. */
function isWithin(allowed: string, origin: string): boolean {
  const [scheme = '', domain] = allowed.split('*');
  return domain === undefined ? allowed === origin : origin.startsWith(scheme) && origin.endsWith(domain);
}
