/** One-time login links for the page `/`. GET shows a button, POST opens the session: a prefetch must not use the link up. */
import { html } from 'hono/html';
import { isLoginLinkLive, redeemLoginLink } from '../../auth/login-links.ts';
import type { HttpDeps } from '../app-types.ts';
import { layout, messagePage } from '../pages/layout.ts';
import type { Router } from '../router.ts';

export function loginRoutes(router: Router, deps: HttpDeps): void {
  const gone = messagePage('This link does not work', [
    'It was used, has expired, or is incomplete. A new one is printed when Usher starts.',
  ]);
  router.open('GET /login/:secret', async (c) => {
    if (!(await isLoginLinkLive(deps.db, c.req.param('secret') ?? '', deps.now()))) return c.html(gone, 410);
    const form = html`<header><h1>Usher</h1></header>
      <div class="card">
        <p>This opens a read-only session in this browser. The link works once.</p>
        <form method="post"><button type="submit">Open</button></form>
      </div>`;
    return c.html(layout('Usher', form));
  });
  router.open('POST /login/:secret', async (c) => {
    const isHttps = deps.publicUrl.startsWith('https:');
    const cookie = await redeemLoginLink(deps.db, c.req.param('secret') ?? '', { now: deps.now(), isHttps });
    if (cookie === null) return c.html(gone, 410);
    c.header('set-cookie', cookie);
    return c.redirect('/', 303);
  });
}
