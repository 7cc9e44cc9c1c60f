/** Pages without scripts, in the window that goes to the provider. No other site can frame them. */
import type { Response } from 'express';
import { escapeHtml } from '../http/docs';

// Without form-action: browsers apply it to every redirect of the provider, too.
const SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

export function sayPlainly(response: Response, status: number, text: string): void {
  send(response, status, `<p>${escapeHtml(text)}</p>`);
}

/** The button posts to the address of the page. */
export function askPlainly(response: Response, { text, button }: { text: string; button: string }): void {
  const form = `<form method="post"><button type="submit">${escapeHtml(button)}</button></form>`;
  send(response, 200, `<p>${escapeHtml(text)}</p>${form}`);
}

function send(response: Response, status: number, body: string): void {
  response
    .status(status)
    .setHeader('Content-Security-Policy', SECURITY_POLICY)
    .setHeader('Cache-Control', 'no-store')
    // With no-referrer a browser that sends no Sec-Fetch-Site would send the form with `Origin: null`.
    .setHeader('Referrer-Policy', 'same-origin')
    .type('html')
    .send(
      '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
        '<title>Connect an app</title></head><body style="max-width:520px;margin:48px auto;padding:0 16px;' +
        `font:16px/1.5 system-ui,sans-serif"><main><h1>Connect an app</h1>${body}</main></body></html>`,
    );
}
