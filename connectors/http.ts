/** The HTTP client of connectors: requests and complete responses. */

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /**
   * Absolute URL. The configuration of the integration must name its host; the client checks every resolved
   * address.
   */
  url: string;
  headers?: Record<string, string>;
  /** Sent unchanged. The caller sets the content type. */
  body?: string;
  /**
   * The size limit of the response in bytes: 1 MiB by default, 16 MiB at most. `page`: that of lists, which
   * is a setting of the worker.
   */
  responseBytesMax?: number | 'page' | undefined;
  /** Of a list that succeeds, other members may be dropped before it is parsed. Absent: all are kept. */
  kept?: KeptMembers | undefined;
}

/** What is needed of a list; everything around its items is. */
export interface KeptMembers {
  /** The path to the items. */
  items: readonly string[];
  itemsAs: 'list' | 'one_or_many' | 'map';
  /** Paths within an item. A list on the way is kept as a whole. None: the whole item. */
  members: readonly (readonly string[])[];
  /** Names differ in more than upper and lower case. */
  ignoresCase?: boolean;
}

/** What a client proves in TLS connections; both in PEM form. */
export interface ClientIdentity {
  certificate: string;
  key: string;
}

export interface HttpResponse {
  status: number;
  /** Header names in lower case; repeated headers joined by ", ". */
  headers: Record<string, string>;
  /** The body as text. */
  text: string;
}

/**
 * The HTTP client of connectors. It follows no redirects, obeys the egress policy, and limits time (30 s in
 * all) and size. @throws Unavailable if there is no complete response (refused, reset, timed out, too large,
 * blocked by policy)
 * @throws WrongAddress if the server does not speak HTTP, or TLS where the address says https
 */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpResponse>;
}
