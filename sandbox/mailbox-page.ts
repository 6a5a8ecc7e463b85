/** The mail box as a page for people: newest mail first, with its links. Every text is escaped; the mail's own HTML is not shown. */
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Message } from './mailbox.ts';

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const css = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#5c6878;--line:#dfe4ea;--accent:#1f6feb}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1a2029;--ink:#e6eaf0;--soft:#97a3b3;--line:#2c3542;--accent:#6aa5ff}}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:820px;margin:0 auto;padding:24px 20px 64px}h1{font-size:22px;margin:0 0 4px}
details{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px;margin:10px 0}
summary{cursor:pointer}summary span{display:block}.soft{color:var(--soft);font-size:13px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:12px 0 0;border-top:1px solid var(--line);padding-top:12px}
a{color:var(--accent)}`;

/** The whole page; the newest mail is open. */
export function mailboxPage(messages: readonly Message[]): Html {
  const newestFirst = messages.toReversed();
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Mailbox of the sandbox company</title>
        ${raw(`<style>${css}</style>`)}
      </head>
      <body>
        <main>
          <h1>Mailbox</h1>
          <p class="soft">Everything that was mailed to anybody of the sandbox company. Nothing leaves this machine.</p>
          ${newestFirst.length === 0 ? html`<p>No mail yet.</p>` : newestFirst.map((message, i) => card(message, i === 0))}
        </main>
      </body>
    </html>`;
}

function card(message: Message, isOpen: boolean): Html {
  const at = `${message.receivedAt.slice(0, 10)} ${message.receivedAt.slice(11, 19)} UTC`;
  return html`<details ${isOpen ? 'open' : ''}>
    <summary><strong>${message.subject}</strong><span class="soft">to ${message.to.join(', ')} · ${at}</span></summary>
    <pre>${linked(message.text)}</pre>
  </details>`;
}

/** Addresses on this machine become links; nothing else does. */
function linked(text: string): (Html | string)[] {
  return text
    .split(/(https?:\/\/(?:127\.0\.0\.1|localhost)[^\s<>"]*)/)
    .map((part, i) => (i % 2 === 1 ? html`<a href="${part}">${part}</a>` : part));
}
