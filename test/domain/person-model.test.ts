/**
 * Joiner, mover, leaver, rescind, re-announce, duplicate, decision and outage in any order: the rules are driven as the server
 * and the cases drive them, and a few plain sentences say who should hold what. USHER_MODEL_SEED repeats a run.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mayHaveAccess } from '../../src/domain/employment.ts';
import { dayMs, PersonModel, type ModelSystem } from './person-model.ts';
import { modelPolicy, shouldHold, titles, type ModelTitle } from './person-model-rules.ts';
import { planJoiner } from '../../src/domain/plan-joiner.ts';
import { facts, joinerInput } from './support.ts';

const seed = Number(process.env['USHER_MODEL_SEED'] ?? 20_261_124);
const runs = Number(process.env['USHER_MODEL_RUNS'] ?? 1_500);

const inDays = fc.integer({ min: -3, max: 12 });
const title = fc.constantFrom(...titles);
const op = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('announce' as const), days: inDays }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('move' as const), title, days: inDays }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('leave' as const), days: inDays }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('terminate' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rescind' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rescindHire' as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('work' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('decide' as const), isYes: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('carryThrough' as const), isYes: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('outage' as const), system: fc.constantFrom<ModelSystem>('idp', 'app') }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('advance' as const), days: fc.integer({ min: 1, max: 35 }) }) },
);
type Op = typeof op extends fc.Arbitrary<infer Value> ? Value : never;

function play(model: PersonModel, step: Op): void {
  const { hr, nowMs } = model;
  const after = (days: number): number => nowMs + days * dayMs;
  switch (step.kind) {
    case 'announce':
      Object.assign(hr, { startMs: after(step.days), endMs: null, isTerminated: false });
      return;
    case 'move':
      hr.titles.push({ fromMs: after(step.days), title: step.title });
      return;
    case 'leave':
      Object.assign(hr, { endMs: after(step.days), isTerminated: false });
      return;
    case 'terminate':
      hr.isTerminated = true;
      return;
    case 'rescind':
      Object.assign(hr, { endMs: null, isTerminated: false });
      return;
    case 'rescindHire':
      Object.assign(hr, { endMs: hr.startMs, isTerminated: true });
      return;
    case 'read':
      model.read();
      // The same event once more is no event.
      expect(model.read()).toBe(0);
      return;
    case 'work':
      model.work();
      return;
    case 'decide':
      model.decide(step.isYes ? 'approve' : 'deny');
      return;
    case 'carryThrough':
      model.read();
      model.work();
      while (model.questions.length > 0) {
        model.decide(step.isYes ? 'approve' : 'deny');
        model.work();
      }
      return;
    case 'outage':
      if (!model.down.delete(step.system)) model.down.add(step.system);
      return;
    case 'advance':
      model.advance(step.days);
      return;
    default:
      step satisfies never;
  }
}

/** The systems are up again, the last event arrives, the cases work and everybody who is asked answers. */
function settle(model: PersonModel, answers: readonly boolean[]): void {
  model.down.clear();
  model.read();
  for (let round = 0; round < 20; round += 1) {
    model.work();
    if (model.questions.length === 0) break;
    model.decide((answers[round % answers.length] ?? true) ? 'approve' : 'deny');
  }
  model.work();
  expect(model.questions).toEqual([]);
}

const digests = new Map<string, string>();
/** The digest of the question that people are asked about a right under a title, in a spell. */
function digestOf(entitlementId: string, name: ModelTitle, spellN: number): string {
  const key = `${entitlementId} ${name} ${spellN}`;
  if (!digests.has(key)) {
    const items = planJoiner({ ...joinerInput(modelPolicy), spellN, facts: facts({ title: name }) });
    for (const item of items) digests.set(`${item.entitlementId ?? ''} ${name} ${spellN}`, item.itemDigest);
  }
  return digests.get(key) ?? '';
}

function plainly(model: PersonModel): string[] {
  const read = model.lifecycle.state.snapshot;
  const spellN = model.lifecycle.state.spell?.spellN ?? 0;
  if (read === null) return [];
  return shouldHold({
    title: read.facts.title as ModelTitle,
    isEmployed: !read.facts.isTerminated && mayHaveAccess(read.window, model.at),
    nowMs: model.nowMs,
    saidAbout: (id, name) =>
      model.decisions
        .filter((made) => made.spellN === spellN)
        .flatMap(({ decision: { verdicts, decidedAt } }) =>
          verdicts
            .filter(({ itemDigest }) => itemDigest === digestOf(id, name, spellN))
            .map(({ verdict }) => ({ isYes: verdict === 'approve', atMs: Date.parse(decidedAt) })),
        ),
    givenMs: (id) => model.givenMs(id),
  });
}

/**
 * HR put off the first day after access had begun. Nothing justifies it until the new day, and no case takes it away
 * meanwhile: what was given waits. Only that nothing is added is promised then.
 */
function isPutOff({ lifecycle: { state }, nowMs }: PersonModel): boolean {
  return state.spell?.state === 'open' && state.snapshot !== null && nowMs < Date.parse(state.snapshot.window.from);
}

function check(property: (steps: readonly Op[], answers: readonly boolean[]) => void): void {
  const steps = fc.array(op, { minLength: 4, maxLength: 40 });
  const answers = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
  fc.assert(fc.property(steps, answers, property), { numRuns: runs, seed });
}

const newModel = (): PersonModel => new PersonModel(Date.UTC(2026, 0, 5));

describe(`whatever happens to a person, in whatever order (USHER_MODEL_SEED=${seed})`, () => {
  test('at the end the systems hold exactly what is justified, and that is what plain words say', () => {
    check((steps, answers) => {
      const model = newModel();
      for (const step of steps) play(model, step);
      settle(model, answers);
      expect(model.justifiedIds()).toEqual(plainly(model));
      if (isPutOff(model)) return;
      expect(model.heldIds()).toEqual(model.justifiedIds());
      if (model.lifecycle.state.spell?.state === 'ended') expect([...model.canLogIn]).toEqual([]);
    });
  });

  test('at no moment does a case that worked leave more than is justified, nor give what nobody approved', () => {
    check((steps) => {
      const model = newModel();
      for (const step of steps) {
        const before = model.heldIds();
        play(model, step);
        const held = model.heldIds();
        const gained = held.filter((id) => !before.includes(id));
        expect(gained.filter((id) => !plainly(model).includes(id))).toEqual([]);
        if (step.kind !== 'work' || model.down.size > 0 || isPutOff(model)) continue;
        expect(held.filter((id) => !model.justifiedIds().includes(id))).toEqual([]);
      }
    });
  });

  test('the order in which the events arrive changes nothing about the end', () => {
    check((steps, answers) => {
      const [often, once] = [newModel(), newModel()];
      const isOfHr = ({ kind }: Op): boolean =>
        !['read', 'work', 'decide', 'carryThrough', 'outage', 'advance'].includes(kind);
      for (const step of steps.filter(isOfHr)) {
        play(often, step);
        play(once, step);
        const { snapshot } = often.lifecycle.state;
        // Only while nothing began: what had begun is history, and history may differ.
        if (snapshot === null || often.lifecycle.state.spell?.state === 'pending') often.read();
      }
      settle(often, answers);
      settle(once, answers);
      if (often.lifecycle.state.departure === null) expect(often.heldIds()).toEqual(once.heldIds());
    });
  });

  test('a yes after a move is used when the right is given again, and does not lapse', () => {
    const model = newModel();
    model.hr.startMs = model.nowMs - dayMs;
    const through = { kind: 'carryThrough', isYes: true } as const;
    for (const name of ['Seller', 'Auditor'] as const) {
      model.hr.titles.push({ fromMs: model.nowMs, title: name });
      play(model, through);
      model.advance(5);
    }
    expect(model.heldIds()).toContain('app/customers');
    model.advance(60);
    play(model, through);
    expect(model.heldIds()).toContain('app/customers');
  });
});
