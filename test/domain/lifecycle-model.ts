/** What the server does with derived actions, in memory and with its own clock: the model for the property tests. */
import { deriveLifecycle } from '../../src/domain/derive-lifecycle.ts';
import type { LifecycleAction, LifecycleSnapshot, LifecycleState } from '../../src/domain/derive-lifecycle.ts';

export class LifecycleModel {
  state: LifecycleState = { spell: null, joiner: null, departure: null, snapshot: null };
  private nowMs: number;
  private lastCase = 0;
  private lastSpell = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  get now(): string {
    return new Date(this.nowMs).toISOString();
  }

  /** The server reads the person and stores what it derived. */
  read(snapshot: LifecycleSnapshot): LifecycleAction[] {
    const actions = deriveLifecycle(this.state, snapshot, this.now);
    for (const action of actions) this.apply(action);
    this.state = { ...this.state, snapshot };
    this.letTimeAct();
    return actions;
  }

  advance(durationMs: number): void {
    this.nowMs += durationMs;
    this.letTimeAct();
  }

  /** The joiner case has done its work. */
  finishJoiner(): void {
    if (this.state.joiner?.isEffective === true) this.state = { ...this.state, joiner: null };
  }

  /** An unusual wave of leavers holds the departure. */
  hold(): void {
    const { departure } = this.state;
    if (departure?.status === 'scheduled') this.state = { ...this.state, departure: { ...departure, status: 'held' } };
  }

  /** A person releases the held departure. */
  release(): void {
    const { departure } = this.state;
    if (departure?.status !== 'held') return;
    this.state = { ...this.state, departure: { ...departure, status: 'scheduled' } };
    this.letTimeAct();
  }

  private apply(action: LifecycleAction): void {
    switch (action.kind) {
      case 'openJoiner':
      case 'openRehire': {
        const joiner = { n: this.nextCase(), isEffective: false };
        this.lastSpell += 1;
        this.state = { ...this.state, spell: { spellN: this.lastSpell, state: 'pending' }, joiner, departure: null };
        return;
      }
      case 'openRestore': {
        const joiner = { n: this.nextCase(), isEffective: true };
        this.state = { ...this.state, spell: { spellN: this.lastSpell, state: 'open' }, joiner, departure: null };
        return;
      }
      case 'openMover': {
        if (this.state.joiner !== null) throw new Error('a mover beside an open case');
        this.state = { ...this.state, joiner: { n: this.nextCase(), isEffective: true } };
        return;
      }
      case 'openLeaver':
        if (this.state.departure !== null) throw new Error('a second departure of one spell');
        this.state = {
          ...this.state,
          departure: { n: this.nextCase(), effectiveAt: action.effectiveAt, status: 'scheduled' },
        };
        return;
      case 'tellFactsChanged':
        this.expectOpen(this.state.joiner, action.caseN);
        return;
      case 'rescindJoiner':
        this.expectOpen(this.state.joiner, action.caseN);
        this.state = { ...this.state, spell: { spellN: this.lastSpell, state: 'ended' }, joiner: null };
        return;
      case 'rescindLeaver':
        this.expectOpen(this.state.departure, action.caseN);
        this.state = { ...this.state, departure: null };
        return;
      case 'moveLeaver': {
        const departure = this.expectOpen(this.state.departure, action.caseN);
        this.state = { ...this.state, departure: { ...departure, effectiveAt: action.effectiveAt } };
        return;
      }
      default:
        action satisfies never;
    }
  }

  private nextCase(): number {
    this.lastCase += 1;
    return this.lastCase;
  }

  private expectOpen<Case extends { n: number }>(open: Case | null, caseN: number): Case {
    if (open?.n !== caseN) throw new Error(`news for case ${String(caseN)}, which is not open`);
    return open;
  }

  /** Joiners begin and departures take effect when their time has come; then the person is read again. */
  private letTimeAct(): void {
    const { spell, joiner, departure, snapshot } = this.state;
    if (snapshot === null) return;
    if (spell?.state === 'pending' && joiner !== null && Date.parse(snapshot.window.from) <= this.nowMs) {
      this.state = { ...this.state, spell: { ...spell, state: 'open' }, joiner: { ...joiner, isEffective: true } };
    }
    if (departure?.status === 'scheduled' && Date.parse(departure.effectiveAt) <= this.nowMs) {
      const ended = { spellN: this.lastSpell, state: 'ended' } as const;
      this.state = { ...this.state, spell: ended, joiner: null, departure: { ...departure, status: 'started' } };
      this.read(snapshot);
    }
  }
}
