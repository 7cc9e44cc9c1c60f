/**
 * One request, and the part of its response that has arrived. It handles the events of the connection itself,
 * without a stream or a promise for each part: a queue of deliveries sends thousands of requests a second.
 */
import type { Dispatcher } from 'undici';

export const READ_BYTES_MAX = 16 * 1024;

type ResponseHeaders = Record<string, string | string[] | undefined>;

export class WebhookExchange implements Dispatcher.DispatchHandler {
  /** null = no response. */
  status: number | null = null;
  headers: ResponseHeaders | null = null;
  readonly chunks: Buffer[] = [];
  /** Why the response is not complete. */
  failure: unknown = null;
  isTimeout = false;
  /** The caller aborted it before it succeeded or failed. */
  isAborted = false;
  private bytes = 0;
  private isOver = false;
  private controller: Dispatcher.DispatchController | undefined;
  private readonly timer: NodeJS.Timeout;

  /** `onEnd` is called once. Nothing changes afterwards. */
  constructor(
    timeoutMs: number,
    private readonly onEnd: (exchange: WebhookExchange) => void,
  ) {
    this.timer = setTimeout(() => {
      this.isTimeout = true;
      this.breakOff();
    }, timeoutMs);
  }

  abort(): void {
    if (this.isOver) return;
    this.isAborted = true;
    this.breakOff();
  }

  fail(failure: unknown): void {
    this.failure = this.isOver ? this.failure : failure;
    this.end();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isOver) this.breakOff(); // before anything is sent
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: ResponseHeaders,
  ): void {
    if (status < 200 || this.isOver) return;
    this.status = status;
    this.headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.isOver) return;
    this.chunks.push(chunk.subarray(0, READ_BYTES_MAX - this.bytes));
    this.bytes += chunk.length;
    if (this.bytes >= READ_BYTES_MAX) this.breakOff();
  }

  onResponseEnd(): void {
    this.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  /** Reads no further: that closes the connection. */
  private breakOff(): void {
    this.end();
    this.controller?.abort(new Error('broken off'));
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    this.onEnd(this);
  }
}
