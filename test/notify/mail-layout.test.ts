/** Mails in both forms: complete, readable without style, and deaf to what hostile names say. */
import { describe, expect, it } from '@jest/globals';
import { alertMail } from '../../src/notify/alert-mail.ts';
import { approvalMail, type ApprovalMailInput } from '../../src/notify/approval-mail.ts';
import { digestMail } from '../../src/notify/digest-mail.ts';
import { anItem } from '../http/rows.ts';

const input = (overrides: Partial<ApprovalMailInput> = {}): ApprovalMailInput => ({
  approvalId: 'approval_0_1_1',
  approverId: 'me',
  approverName: 'Ingrid Solberg',
  beneficiaryName: 'Ruth Osei',
  beneficiaryTitle: 'Accountant',
  beneficiaryDepartment: 'Finance',
  isContractor: false,
  startDate: '2026-11-24',
  roles: ['manager'],
  items: [anItem({ risk: 4 })],
  dueAt: new Date('2026-12-08T09:00:00Z'),
  occasion: 'opened',
  isInPlace: false,
  pageUrl: 'https://usher.example/decide/AAA',
  temporalUrl: 'https://temporal.example/w/approval_0_1_1',
  approveCode: 'code-approve',
  denyCode: 'code-deny',
  ...overrides,
});
const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></head><body>',
  '&lt;b&gt;',
  'Eve\r\nBcc: everybody@example.test',
  'Ada\u202Egnp.exe',
  'Bob\u0000\u001b[31m',
];

/** Tags of the page, by name; text that only looks like one is not among them. */
const tagsOf = (html: string): string[] => [
  ...new Set([...html.matchAll(/<\/?([a-zA-Z!][\w-]*)/g)].map(([, name]) => (name ?? '').toLowerCase())),
];
const ourTags = new Set('!doctype html head meta title style body div p ol li strong br span a h2 pre'.split(' '));

describe('the mail about one approval', () => {
  it('says the same in both forms', () => {
    const { subject, text, html } = approvalMail(input());
    expect(subject).toBe('Access for Ruth Osei: 1 item waits for you');
    for (const part of ['Ingrid Solberg', 'Ruth Osei', 'crm/reader', 'risk 4 of 10', '2026-12-08 09:00', '/decide/AAA'])
      for (const form of [text, html]) expect(form).toContain(part);
    expect(html).toContain('<a class="button" href="https://usher.example/decide/AAA">');
    expect(html).toContain('lang="en"');
    expect(html).toContain('prefers-color-scheme:dark');
  });

  it('loads nothing from elsewhere and runs nothing', () => {
    const { html } = approvalMail(input());
    expect(html).not.toMatch(/<(img|script|link|iframe|form|object)|url\(|@import|src=|javascript:/i);
    expect(tagsOf(html).filter((tag) => !ourTags.has(tag))).toEqual([]);
  });

  it.each(hostile)('a name like %j stays a name', (name) => {
    const facts = { beneficiaryName: name, approverName: name, beneficiaryTitle: name, beneficiaryDepartment: name };
    const items = [anItem({ description: name, reasons: [name], conflicts: [name] })];
    for (const mail of [approvalMail(input({ ...facts, items })), digestMail([input({ ...facts, items }), input()])]) {
      expect(tagsOf(mail.html).filter((tag) => !ourTags.has(tag))).toEqual([]);
      expect(mail.html).not.toMatch(/<[^>]*\son\w+=/i);
      expect(mail.html.match(/<\/title>/g)).toHaveLength(1);
      expect(mail.html.match(/<body>/g)).toHaveLength(1);
      expect(`${mail.text}${mail.html}`).not.toMatch(/[\u0000\u001b\u202E\r]/);
      expect(mail.text).not.toMatch(/^Bcc:/m);
    }
  });

  it('holds both ready answers, which a mail reader gives back unchanged', () => {
    const { text, html } = approvalMail(input({ items: [anItem({ risk: 8 })] }));
    const lines = text.split('\n').filter((line) => line.trim().startsWith('{'));
    expect(lines.map((line) => (JSON.parse(line) as { code: string }).code)).toEqual(['code-approve', 'code-deny']);
    expect(html).toContain('&quot;code&quot;:&quot;code-approve&quot;');
  });
});

describe('the digest', () => {
  it('has an entry and a link for each approval, the earliest deadline first', () => {
    const late = input({ beneficiaryName: 'Late', pageUrl: 'https://u.example/decide/LATE' });
    const early = input({
      beneficiaryName: 'Early',
      pageUrl: 'https://u.example/decide/EARLY',
      dueAt: new Date('2026-11-25T00:00:00Z'),
      occasion: 'reminder',
    });
    const { subject, text, html } = digestMail([late, early]);
    expect(subject).toBe('2 requests for access wait for you');
    expect(text.indexOf('decide/EARLY')).toBeLessThan(text.indexOf('decide/LATE'));
    expect(text).toContain('Access for Early: 1 item waits (reminder)');
    expect([...html.matchAll(/href="([^"]+)"/g)].map(([, url]) => url)).toEqual([
      'https://u.example/decide/EARLY',
      'https://u.example/decide/LATE',
    ]);
    // The codes of the Temporal UI belong to the mail about one approval.
    expect(`${text}${html}`).not.toContain('code-approve');
  });
});

describe('the mail about alerts', () => {
  const alert = (kind: string) => ({ kind, text: `${kind} happened <b>`, raisedAt: new Date(0), details: [] });
  it('is about one, or about several', () => {
    expect(alertMail([alert('evidence')]).subject).toBe('Usher alert: evidence');
    const many = alertMail([alert('evidence'), alert('leaversHeld')]);
    expect(many.subject).toBe('2 Usher alerts');
    expect(many.text).toContain('1970-01-01 00:00 UTC: Usher holds leavers: more than policy allows');
    expect(many.html).not.toContain('<b>');
  });
});
