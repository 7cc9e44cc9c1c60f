/** Webhooks of third parties, as a connector verifies and reads them. It makes no request for it. */

/** A call at the address of an integration, as it arrived. */
export interface IncomingCall {
  /** In upper case. */
  method: string;
  /** The whole address as the third party knows it, with its query. */
  url: string;
  /** By lower-case name; several values if the header came several times. */
  headers: Readonly<Record<string, readonly string[]>>;
  body: Buffer;
  now: Date;
}

/** `remoteId`: null = the call does not say which record of the type it was. */
export interface IncomingRecord {
  recordType: string;
  remoteId: string | null;
  /** Of the account that the call names for it; absent = it names none. */
  accountId?: string | undefined;
}

export type IncomingOutcome =
  /** It is not proved that the third party has sent it. */
  | { kind: 'refused' }
  /** The third party asks whether the address is ours. */
  | { kind: 'answer'; mediaType: 'text/plain' | 'application/json'; text: string }
  /** Verified; `records` is empty for an event that concerns no record. */
  | { kind: 'records'; records: IncomingRecord[] };

export interface IncomingWebhooks {
  /** The record types that webhooks can name. */
  recordTypes: readonly string[];
  /** Whether calls name the account of an event, so that one address can serve several. */
  namesAccounts?: boolean;
  /** The connector subscribes to the webhooks; otherwise a person enters the address in the app. */
  isSubscribed?: boolean;
  /** Of a subscription: the third party has made the secret, and a person stores it. */
  isSecretGiven?: boolean;
  /** Never throws. @param secret what the third party signs with; null = it was not given yet. */
  receive(call: IncomingCall, secret: string | null): IncomingOutcome;
}

export interface NamedRequest {
  recordType: string;
  remoteIds: readonly string[];
}

export interface SubscribeRequest {
  /** Where the third party shall send its webhooks, and what it shall prove them with. */
  address: string;
  secret: string;
  /** What it has, from the answer before; null = nothing yet. */
  current: Subscription | null;
}

export interface UnsubscribeRequest extends Pick<SubscribeRequest, 'address' | 'secret'> {
  ids: readonly string[];
}

/** What no error may quote; third parties may quote the path of the address alone. */
export const secretsOf = ({ address, secret }: Pick<SubscribeRequest, 'address' | 'secret'>): string[] => [
  address.slice(address.lastIndexOf('/') + 1),
  secret,
];

export interface Subscription {
  ids: string[];
  /** It ends there by itself, unless it is renewed. */
  endsAt: Date;
  /** Why the third party refused some of the calls; the other subscriptions stay. */
  error?: string | undefined;
}

/** What a connector can do with webhooks. Errors as in `readPage`. */
export interface WebhookAbilities<Config, Context> {
  /** What the third party sends to us; undefined or absent: nothing is described. */
  incoming?(config: Config): IncomingWebhooks | undefined;
  /** Subscribes to webhooks, or renews a subscription; undefined: not due yet. */
  subscribe?(request: SubscribeRequest, context: Context): Promise<Subscription | undefined>;
  /** Cancels subscriptions; false: the third party has no call for it. */
  unsubscribe?(request: UnsubscribeRequest, context: Context): Promise<boolean>;
}
