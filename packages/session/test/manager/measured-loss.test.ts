// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError } from "@tsoracle/consensus";
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type EntryMark,
  journalOnly,
  type OwnedSession,
  type PersistenceBackend,
  type SessionContinuity,
  snapshotJournal,
  snapshotOnly,
  type TakeoverOptions,
} from "../../src/index.ts";
import { TestOracle, testNode, type Word, type Words } from "./game.ts";
import { refusalOf, say } from "./rig.ts";

interface Rooms {
  readonly first: OwnedSession<Words, Word>;
  readonly faults: FaultyJournal["faults"];
  /** The next checkpoint is written, and its answer lost. */
  loseCheckpoint(): void;
  /** From now on the store acknowledges checkpoints and does not keep them, until a takeover: a failover without a replica. */
  forgetCheckpoints(): void;
  take(backend: PersistenceBackend, options?: TakeoverOptions): Promise<OwnedSession<Words, Word>>;
}

/** Each taking over is that of another process, whose writes are told as uncertain at once. */
async function rooms(backend: PersistenceBackend, ...spoken: readonly Word[]): Promise<Rooms> {
  const oracle = new TestOracle();
  const faulty = faultyJournal(new MemoryJournalStore().open(), { callTimeoutMs: 30 });
  let nodes = 0;
  let loses = false;
  let forgets = false;
  const journal: FencedJournal = {
    ...faulty,
    putSnapshot: async (...call) => {
      if (!forgets) await faulty.putSnapshot(...call);
      if (loses) {
        loses = false;
        throw new JournalError("uncertain", "the answer was lost");
      }
    },
  };
  const manager = (settings: PersistenceBackend) => {
    nodes += 1;
    const changes = { backend: settings, limits: { settleAttempts: 0 } };
    return testNode(`node-${nodes}`, journal, oracle, changes).manager;
  };
  const first = await manager(backend).open("room");
  await say(first, ...spoken);
  return {
    first,
    faults: faulty.faults,
    loseCheckpoint: () => {
      loses = true;
    },
    forgetCheckpoints: () => {
      forgets = true;
    },
    take: (settings, options) => {
      forgets = false;
      return manager(settings).takeover("room", options);
    },
  };
}

describe("the loss that a takeover reports", () => {
  it("is what is missing, also after an opening whose checkpoint was written and never heard of", async () => {
    const backend = snapshotOnly("m", 5);
    const { first, loseCheckpoint, take } = await rooms(backend, "one", "two", "three");
    const acknowledged = { epoch: first.fence.epoch, seq: first.seq };
    loseCheckpoint();
    expect(await refusalOf(take(backend, { acknowledged }))).toMatchObject({ code: "uncertain" });
    const { continuity, state } = await take(backend, { acknowledged });
    expect(state).toEqual([]);
    expect(continuity).toMatchObject({ estimatedDataLossEvents: 3, loss: "exact" });
  });

  it("is what is missing, also after a reconnect of the same owner whose checkpoint was written and never heard of", async () => {
    const backend = snapshotOnly("m", 5);
    const { first, loseCheckpoint, take } = await rooms(backend, "one", "two", "three");
    const acknowledged = { epoch: first.fence.epoch, seq: first.seq };
    await first.crash("bug");
    loseCheckpoint();
    expect(await refusalOf(first.reconnect())).toMatchObject({ code: "uncertain" });
    const { continuity } = await take(backend, { acknowledged });
    expect(continuity).toMatchObject({ estimatedDataLossEvents: 3, loss: "exact" });
  });

  it("is reported before entries follow, also where the reconnect became certain later", async () => {
    const { first, loseCheckpoint } = await rooms(snapshotOnly("m", 5), "one", "two");
    await first.crash("bug");
    loseCheckpoint();
    expect(await refusalOf(first.reconnect())).toMatchObject({ code: "uncertain" });
    expect(await refusalOf(first.append("three"))).toMatchObject({ code: "not_live" });
    expect(await first.reconnect()).toMatchObject({ estimatedDataLossEvents: 2, loss: "exact" });
    await say(first, "three");
  });

  it("counts what the owner that went on lost, and not again what its own opening reported", async () => {
    const backend = snapshotOnly("m", 5);
    const { take } = await rooms(backend, "one", "two", "three");
    const second = await take(backend);
    const marks = [await second.append("four"), await second.append("five")];
    const { continuity } = await take(backend, { acknowledged: marks[1] as EntryMark });
    expect(continuity).toMatchObject({ estimatedDataLossEvents: 2, loss: "exact" });
  });

  it("is at most that of every owner that has not reported, where nobody counted", async () => {
    const { loseCheckpoint, take } = await rooms(
      snapshotOnly("m", 100),
      ...Array.from({ length: 50 }, (_, index) => `w${index}`),
    );
    loseCheckpoint();
    expect(await refusalOf(take(snapshotOnly("m", 3)))).toMatchObject({ code: "uncertain" });
    const { continuity } = await take(snapshotOnly("m", 3));
    expect(continuity).toMatchObject({ estimatedDataLossEvents: 99, loss: "at_most" });
  });

  it("is not said to be exact where the store has lost checkpoints, whose numbers went to no entry", async () => {
    const backend = snapshotOnly("m", 3);
    const { first, forgetCheckpoints, take } = await rooms(backend, "one", "two", "three");
    forgetCheckpoints();
    await say(first, "four", "five", "six");
    await first.snapshot();
    const acknowledged = await first.append("seven");
    const { continuity, state } = await take(backend, { acknowledged });
    expect(state).toEqual(["one", "two", "three"]);
    expect(continuity).toMatchObject({ estimatedDataLossEvents: 5, loss: "at_most" });
  });

  it("is not said to be exact of a mark that the store knows nothing of", async () => {
    const backend = snapshotOnly("m", 5);
    const { take } = await rooms(backend, "one");
    const { continuity } = await take(backend, { acknowledged: { epoch: 1_000n, seq: 7 } });
    expect(continuity).toMatchObject({ estimatedDataLossEvents: 7, loss: "at_most" });
  });

  it.each([
    { journal: "alone", backend: journalOnly("m") },
    { journal: "with snapshots", backend: snapshotJournal("m", "m", 100) },
  ])("is nothing of what a journal $journal held, also after a crash of the owner that keeps none", async (before) => {
    const { take } = await rooms(before.backend, "one", "two", "three", "four", "five");
    const second = await take(snapshotOnly("m", 3), { reconnect: false });
    await second.crash("x");
    expect(await second.reconnect()).toMatchObject({ estimatedDataLossEvents: 0, loss: "exact", met: true });
    expect(second.state).toHaveLength(5);
  });

  it.each([journalOnly("m"), snapshotJournal("m", "m", 100)])(
    "does not keep an owner without a journal from coming back after crashes: $kind before",
    async (before) => {
      const { take } = await rooms(before, "one", "two", "three", "four", "five");
      const second = await take(snapshotOnly("m", 3), { reconnect: false });
      for (const reason of ["x", "y"]) {
        await second.restart();
        await second.crash(reason);
      }
      expect(await second.reconnect()).toMatchObject({ estimatedDataLossEvents: 0, loss: "exact", met: true });
      await say(second, "six");
      expect(await second.close()).toMatchObject({ released: true });
    },
  );

  it("keeps a session that has not reported it from being let go, whatever the backend", async () => {
    const { first, take } = await rooms(snapshotOnly("m", 5), "one", "two");
    const acknowledged = { epoch: first.fence.epoch, seq: first.seq };
    const second = await take(journalOnly("m"), { acknowledged, reconnect: false });
    expect(await second.close()).toMatchObject({ released: false, cause: { code: "not_live" } });
  });
});

type Step =
  | { readonly kind: "append"; readonly count: number }
  | { readonly kind: "takeover"; readonly backend: number; readonly told: boolean; readonly reconnect: boolean }
  | { readonly kind: "crash" | "snapshot" | "lose_checkpoint" | "fail" | "restart" | "reconnect" | "hand_off" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("takeover" as const),
      backend: fc.nat({ max: 3 }),
      told: fc.boolean(),
      reconnect: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("crash", "snapshot", "lose_checkpoint", "fail", "restart", "reconnect", "hand_off"),
    }),
  },
);

const backends = [snapshotOnly("m", 3), snapshotOnly("m", 7), journalOnly("m"), snapshotJournal("m", "m", 2)] as const;

/** Plays steps, and compares every report with the words that are missing then. Resolves to what did not agree. */
async function disagreements(begun: number, steps: readonly Step[]): Promise<readonly string[]> {
  const { first, faults, loseCheckpoint, take } = await rooms(backends[begun] ?? backends[0]);
  let session = first;
  /** Acknowledged, and of no report so far. */
  let open: { readonly word: Word; readonly mark: EntryMark }[] = [];
  let reported = false;
  /** Whether a takeover waits for its reconnect. */
  let pending = false;
  let words = 0;
  const wrong: string[] = [];
  const judge = ({ estimatedDataLossEvents: told, loss }: SessionContinuity, state: Words): void => {
    if (reported) open = [];
    const missing = open.filter(({ word }) => !state.includes(word)).length;
    if (loss === "exact" ? told !== missing : told < missing) wrong.push(`${loss} ${told}, and ${missing} are missing`);
    reported = true;
  };
  const play: Record<Step["kind"], (step: Step) => Promise<void>> = {
    append: async (each) => {
      for (let left = each.kind === "append" ? each.count : 0; left > 0; left -= 1) {
        words += 1;
        const mark = await session.append(`w${words}`);
        if (reported) open = [];
        reported = false;
        open.push({ word: `w${words}`, mark });
      }
    },
    takeover: async (each) => {
      if (each.kind !== "takeover") return;
      // What was reported is not asked about again: the same mark would report it once more.
      if (reported) open = [];
      const acknowledged = open.at(-1)?.mark;
      const told = each.told && acknowledged !== undefined ? { acknowledged } : {};
      const taken = await take(backends[each.backend] ?? backends[0], { ...told, reconnect: each.reconnect });
      session = taken;
      pending = !each.reconnect;
      if (taken.continuity !== undefined) judge(taken.continuity, taken.state);
    },
    crash: async () => await session.crash("bug"),
    snapshot: async () => void (await session.snapshot()),
    lose_checkpoint: async () => loseCheckpoint(),
    fail: async () => faults.failNext("transient", { method: "putSnapshot" }),
    reconnect: async () => {
      if (!pending && session.lifecycle === "live") return;
      judge(await session.reconnect(), session.state);
      pending = false;
    },
    restart: async () => await session.restart(),
    hand_off: async () => void (await session.handOff("next")),
  };
  for (const each of steps) {
    await play[each.kind](each).catch((error: { readonly code?: unknown }) => {
      if (typeof error.code !== "string" || error.code === "state_diverged") throw error;
    });
  }
  return wrong;
}

describe("histories of crashes, takeovers and lost answers (fencing-quorum-sessions.md 4.5)", () => {
  it("measure the loss that is reported as exact, and never more than is reported otherwise", {
    timeout: 120_000,
  }, async () => {
    const histories = fc.array(step, { minLength: 3, maxLength: 40 });
    const property = fc.asyncProperty(fc.nat({ max: 3 }), histories, async (begun, steps) => {
      expect(await disagreements(begun, steps)).toEqual([]);
    });
    await fc.assert(property, { numRuns: 800 });
  });
});
