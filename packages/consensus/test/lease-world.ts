// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import {
  LeaseClock,
  type LeaseClockSources,
  type LeaseMark,
  TenureKeeper,
  type TenureTerms,
  WaitOut,
} from "../src/index.ts";

/** One machine's clocks as functions of real time, which is what nobody in the system can see. */
export class WorldClock implements LeaseClockSources {
  /** Real milliseconds; the world's only truth. */
  realMs = 0;
  readonly #rate: number;
  readonly #suspends: readonly Span[];
  readonly #wallSteps: readonly Step[];

  constructor(rate: number, suspends: readonly Span[] = [], wallSteps: readonly Step[] = []) {
    this.#rate = rate;
    this.#suspends = suspends;
    this.#wallSteps = wallSteps;
  }

  monotonicNs(): bigint {
    const asleep = this.#suspends.reduce(
      (sum, { at, forMs }) => sum + Math.min(Math.max(this.realMs - at, 0), forMs),
      0,
    );
    return BigInt(Math.floor((this.realMs - asleep) * this.#rate * 1e6));
  }

  /** In steps of ten milliseconds, as the kernel shows it. */
  bootMs(): number {
    return Math.floor((this.realMs * this.#rate) / 10) * 10;
  }

  wallMs(): number {
    const stepped = this.#wallSteps.reduce((sum, { at, byMs }) => (at <= this.realMs ? sum + byMs : sum), 0);
    return Math.floor(this.realMs * this.#rate) + stepped;
  }
}

export interface Span {
  readonly at: number;
  readonly forMs: number;
}

export interface Step {
  readonly at: number;
  readonly byMs: number;
}

/** What differs between one life of two leaders and another. Times in real milliseconds. */
export interface Life {
  readonly terms: TenureTerms;
  readonly oldRate: number;
  readonly newRate: number;
  readonly renewals: readonly {
    readonly gap: number;
    readonly pause: number;
    readonly there: number;
    readonly back: number;
  }[];
  readonly suspends: readonly Span[];
  readonly wallSteps: readonly Step[];
  /** When the successor sends the write that raises the epoch, and how long it takes. */
  readonly bump: { readonly at: number; readonly there: number; readonly back: number };
  /** The successor's polls before that; with none it has watched nothing. */
  readonly polls: readonly { readonly at: number; readonly there: number; readonly back: number }[];
}

const delay: fc.Arbitrary<number> = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 3_000 }));
const drift = 0.1;
const rate: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(1 - drift, 1, 1 + drift),
  fc.double({ min: 1 - drift, max: 1 + drift, noNaN: true }),
);

/** Lives within the assumptions of the lemma: clock rates within the drift, anything else as it likes. */
export const lives: fc.Arbitrary<Life> = fc.record({
  terms: fc.record({ tenureMs: fc.constantFrom(1_000, 3_000), drift: fc.constant(drift) }),
  oldRate: rate,
  newRate: rate,
  renewals: fc.array(fc.record({ gap: fc.integer({ min: 1, max: 900 }), pause: delay, there: delay, back: delay }), {
    minLength: 1,
    maxLength: 8,
  }),
  suspends: fc.array(fc.record({ at: fc.integer({ min: 0, max: 8_000 }), forMs: fc.integer({ min: 1, max: 4_000 }) }), {
    maxLength: 1,
  }),
  wallSteps: fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 8_000 }), byMs: fc.integer({ min: -10_000, max: 10_000 }) }),
    { maxLength: 2 },
  ),
  bump: fc.record({ at: fc.integer({ min: 0, max: 6_000 }), there: delay, back: delay }),
  polls: fc.array(fc.record({ at: fc.integer({ min: 0, max: 6_000 }), there: delay, back: delay }), { maxLength: 6 }),
});

/** The two rules of the lemma that the mutants break. */
export interface LeaseRules {
  /** What a renewal counts from, when its reply has come. */
  renewed(keeper: TenureKeeper, sent: LeaseMark): void;
  /** What the wait counts from. */
  base(instants: { readonly sent: number; readonly replied: number; readonly seenAt: number | undefined }): number;
}

export const soundRules: LeaseRules = {
  renewed: (keeper, sent) => keeper.renewed(sent),
  base: ({ replied, seenAt }) => seenAt ?? replied,
};

export interface Lived {
  /** Real instants at which the old leader found itself valid although the new one was serving. */
  readonly overlaps: readonly number[];
  /** Instants before that at which it was valid: without any, a life shows nothing. */
  readonly validBefore: number;
}

/** Lives it, with the real keeper, lease clock and wait-out. */
export function live(life: Life, rules: LeaseRules = soundRules): Lived {
  const { terms, bump } = life;
  const clock = new WorldClock(life.oldRate, life.suspends, life.wallSteps);
  const keeper = new TenureKeeper(new LeaseClock(clock), terms);
  /** A suspended machine does what it was about to do when it wakes. */
  const awake = (at: number): number =>
    life.suspends.reduce((now, span) => (now > span.at && now < span.at + span.forMs ? span.at + span.forMs : now), at);
  const raisedAt = bump.at + bump.there;
  const actions: { readonly at: number; run(): void }[] = [];
  const beats: number[] = [];
  let time = 0;
  for (const { gap, pause, there, back } of life.renewals) {
    time = awake(time + gap);
    const processed = awake(time + pause) + there;
    let mark: LeaseMark | undefined;
    actions.push({
      at: time,
      run: () => {
        mark = keeper.mark();
      },
    });
    if (processed >= raisedAt) continue;
    beats.push(processed);
    actions.push({ at: awake(processed + back), run: () => mark !== undefined && rules.renewed(keeper, mark) });
  }
  const servesFrom = serving(life, beats, rules);
  const overlaps: number[] = [];
  let validBefore = 0;
  const look = (at: number): void => {
    if (!keeper.valid()) return;
    if (at >= servesFrom) overlaps.push(at);
    else validBefore += 1;
  };
  const replies = actions.map(({ at }) => at);
  for (const at of [...replies, servesFrom, servesFrom + 1, servesFrom + 50, servesFrom + 500, servesFrom - 400]) {
    const looked = awake(Math.max(0, at));
    actions.push({ at: looked, run: () => look(looked) });
  }
  for (const { at, run } of actions.sort((a, b) => a.at - b.at)) {
    clock.realMs = at;
    run();
  }
  return { overlaps, validBefore };
}

/** The real instant at which the successor begins to serve. */
function serving(life: Life, beats: readonly number[], rules: LeaseRules): number {
  const { bump, polls, newRate, terms } = life;
  const beatAt = (instant: number): number => beats.filter((processed) => processed < instant).length;
  const raisedAt = bump.at + bump.there;
  const replied = raisedAt + bump.back;
  // Only replies that were there before the bump was sent, in order of arrival.
  const seen = polls
    .map(({ at, there, back }) => ({ beat: beatAt(at + there), arrived: at + there + back }))
    .filter(({ arrived }) => arrived <= bump.at)
    .sort((a, b) => a.arrived - b.arrived);
  let watched: { beat: number; arrived: number } | undefined;
  for (const poll of seen) if (watched === undefined || poll.beat > watched.beat) watched = poll;
  const seenAt = watched !== undefined && watched.beat === beatAt(raisedAt) ? watched.arrived : undefined;
  const base = rules.base({ sent: bump.at, replied, seenAt });
  const clock = new WorldClock(newRate);
  clock.realMs = base;
  const { deadlineNs } = WaitOut.after(clock.monotonicNs(), terms);
  return Math.max(replied, Number(deadlineNs) / 1e6 / newRate);
}
