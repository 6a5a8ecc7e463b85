/**
 * The frame of every page: one style sheet inline, no script at all. The content security policy allows exactly this
 * style by its hash; values reach a page through the `html` tag only, which escapes them.
 */
import { hash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const css = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#5c6878;--line:#dfe4ea;--accent:#1f6feb;
--ok:#1a7f4b;--warn:#9a6200;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1a2029;--ink:#e6eaf0;--soft:#97a3b3;--line:#2c3542;
--accent:#6aa5ff;--ok:#5ccf94;--warn:#e0a84a;--bad:#ff8a7d}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1100px;margin:0 auto;padding:24px 20px 64px}
header{display:flex;flex-wrap:wrap;gap:4px 18px;align-items:baseline;margin-bottom:18px}
h1{font-size:22px;margin:0}h2{font-size:16px;margin:28px 0 8px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:12px 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:8px 12px 8px 0;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}th{color:var(--soft);font-weight:600;font-size:13px}
td{overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.soft{color:var(--soft)}.ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.tag{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:0 8px;font-size:12px;margin:0 4px 2px 0}
.tag.bad{border-color:var(--bad)}.tag.warn{border-color:var(--warn)}
ul{margin:4px 0;padding-left:18px}code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}
a{color:var(--accent)}label{display:block;white-space:nowrap}
textarea{width:100%;min-height:74px;font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:8px;padding:8px}
button{font:inherit;font-weight:600;color:#fff;background:#1f6feb;border:0;border-radius:8px;padding:9px 20px;margin-top:12px;cursor:pointer}
.notice{border-left:4px solid var(--bad)}
`;

const styleHash = hash('sha256', css, 'base64');

/** For every answer of the server, pages or not. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function layout(title: string, body: Html, options: { refreshSeconds?: number } = {}): Html {
  const refresh =
    options.refreshSeconds === undefined ? '' : html`<meta http-equiv="refresh" content="${options.refreshSeconds}" />`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${refresh}
        <title>${title}</title>
        ${raw(`<style>${css}</style>`)}
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`;
}

/** A page that says one thing calmly. */
export function messagePage(title: string, lines: string[]): Html {
  return layout(
    title,
    html`<header><h1>${title}</h1></header>
      <div class="card">${lines.map((line) => html`<p>${line}</p>`)}</div>`,
  );
}

/** An instant for readers: to the minute, in UTC, and saying so. */
export function moment(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}
