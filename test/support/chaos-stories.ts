/** What happens to ten people in the chaos test, and with what each of them has to end. */
import type { CompanyProcesses } from './company-processes.ts';
import { hireEngineer, hireSeller, isoDate } from './crash-cast.ts';

export type SystemName = 'okta' | 'crm' | 'wiki' | 'warehouse';
export const systemNames = ['okta', 'crm', 'wiki', 'warehouse'] as const;

export interface Story {
  name: string;
  /** Each answers the key of the person; they are played in their order, with pauses. */
  steps: ((key: string) => string)[];
  /** Groups at the end, by system; whoever holds nothing can log in nowhere. */
  holds: Partial<Record<SystemName, string[]>>;
  /** The case that comes last, and how it ends. */
  ends: RegExp;
}

/** It may be over before its case was planned, before anybody read of it, or after a reading in the middle of the change. */
const takenBack = /^(none|\d (cancelled|superseded))$/;

const engineer = {
  okta: ['00gemployees00000000', '00gengineering000000', '00gvpn00000000000000'],
  wiki: ['wiki-editor', 'wiki-reader'],
};
const seller = { okta: ['00gemployees00000000'], crm: ['crm-reader', 'crm-sales'], wiki: ['wiki-reader'] };

function hireOther(of: CompanyProcesses, lastName: string, job: { jobTitle: string; status: string }): string {
  const { jobTitle, status: employmentHistoryStatus } = job;
  const place = { department: 'Engineering', location: 'London', supervisorEId: '104', hireDate: isoDate(-2) };
  return of.company.bamboohr.hr.hire({ firstName: 'Kim', lastName, jobTitle, employmentHistoryStatus, ...place }).id;
}

/** Hires, departures, departures and hires that are taken back, moved dates. The people 115, 120 and 125 work there. */
export function chaosStories(of: CompanyProcesses): Story[] {
  const { hr } = of.company.bamboohr;
  const leave = (key: string, date?: string): string => hr.terminate(key, date === undefined ? {} : { date }).id;
  return [
    { name: 'joins', steps: [() => hireEngineer(of, 'Joins')], holds: engineer, ends: /^1 done$/ },
    { name: 'joins with approval', steps: [() => hireSeller(of, 'Asks')], holds: seller, ends: /^1 done$/ },
    {
      name: 'joins as a contractor',
      steps: [() => hireOther(of, 'Contracts', { jobTitle: 'Software Engineer', status: 'Contractor' })],
      holds: { ...engineer, okta: ['00gcontractors000000', '00gengineering000000', '00gvpn00000000000000'] },
      ends: /^1 done$/,
    },
    {
      name: 'joins with privileged access',
      steps: [() => hireOther(of, 'Runs', { jobTitle: 'Site Reliability Engineer', status: 'Full-Time' })],
      holds: { ...engineer, okta: [...engineer.okta, '00gdeployproduction0'].toSorted() },
      ends: /^1 done$/,
    },
    {
      name: 'leaves while joining',
      steps: [() => hireSeller(of, 'Shortly'), (key) => leave(key)],
      holds: {},
      ends: /^2 done$/,
    },
    { name: 'leaves, an engineer', steps: [() => leave('115')], holds: {}, ends: /^2 done$/ },
    { name: 'leaves, a seller', steps: [() => leave('120')], holds: {}, ends: /^2 done$/ },
    {
      name: 'announces a departure and stays',
      steps: [() => leave('125', isoDate(10)), (key) => hr.rescind(key).id],
      holds: {
        okta: ['00gemployees00000000'],
        warehouse: ['warehouse-finance', 'warehouse-reports'],
        wiki: ['wiki-reader'],
      },
      ends: takenBack,
    },
    {
      name: 'starts earlier',
      steps: [() => hireEngineer(of, 'Sooner', isoDate(20)), (key) => hr.setField(key, 'hireDate', isoDate(-2)).id],
      holds: engineer,
      ends: /^1 done$/,
    },
    {
      name: 'never starts',
      steps: [() => hireEngineer(of, 'Never', isoDate(20)), (key) => hr.rescind(key, 'hire').id],
      holds: {},
      ends: takenBack,
    },
  ];
}
