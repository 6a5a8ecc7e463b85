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
.card>:first-child{margin-top:0}.card>:last-child{margin-bottom:0}
.scroll{overflow-x:auto;padding-top:8px;padding-bottom:8px}
table{border-collapse:collapse;width:100%}
.scroll>table{min-width:640px}
th,td{text-align:left;vertical-align:top;padding:9px 16px 9px 0;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}th{color:var(--soft);font-weight:600;font-size:13px}
th:last-child,td:last-child{padding-right:0}
.when,.who{white-space:nowrap}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:6px 28px;margin:0}
dl div{display:flex;gap:12px}dl div.wide{grid-column:1/-1}
dt{color:var(--soft);flex:0 0 104px}dd{margin:0;overflow-wrap:anywhere}
.soft{color:var(--soft)}.small{font-size:13px}.ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.tag{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:0 8px;font-size:12px;margin:0 4px 2px 0;white-space:nowrap}
.tag.bad{border-color:var(--bad)}.tag.warn{border-color:var(--warn)}
.item{display:grid;grid-template-columns:1fr auto;gap:2px 28px;padding:14px 0;border-bottom:1px solid var(--line)}
.item:first-child{padding-top:0}.item:last-child{border-bottom:0;padding-bottom:0}
.item p{margin:2px 0}.item .choice{display:flex;gap:18px;align-items:flex-start}
@media(max-width:640px){.item{grid-template-columns:1fr}}
ul{margin:0;padding-left:18px}code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}
summary{cursor:pointer}summary.soft{font-size:13px}
a{color:var(--accent)}label{white-space:nowrap}label.box{white-space:normal;display:flex;gap:10px}
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

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** An instant for readers: to the minute, in UTC, and saying so. */
export function moment(instant: string): string {
  return `${day(instant)}, ${instant.slice(11, 16)} UTC`;
}

/** A date, or the date of an instant, for readers: `8 Dec 2026`. */
export function day(date: string): string {
  return `${Number(date.slice(8, 10))} ${months[Number(date.slice(5, 7)) - 1] ?? '?'} ${date.slice(0, 4)}`;
}
