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
  /** The size limit of the response in bytes, for lists: 1 MiB by default, 16 MiB at most. */
  responseBytesMax?: number;
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
