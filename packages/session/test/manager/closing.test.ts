// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError } from "@tsoracle/consensus";
import { faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import type { CloseManagerOptions, HandOff, SessionManagerOptions } from "../../src/index.ts";
import { type TestNode, TestOracle, testNode, type Word, type Words } from "./game.ts";
import { ManualTimers } from "./manual-timers.ts";
import { refusalOf, say } from "./rig.ts";

type Held = "createIfAbsent" | "takeover" | "load" | "append";
/** Lets a call on, or fails it. */
type GoOn = (error?: JournalError) => void;

interface World {
  readonly a: TestNode;
  readonly b: TestNode;
  /** The next call of this method waits until it is let on; resolves when the call is there. */
  hold(method: Held): Promise<GoOn>;
}

function held(changes: Partial<SessionManagerOptions<Words, Word>> = {}): World {
  const [store, oracle] = [new MemoryJournalStore(), new TestOracle()];
  const inner = store.open();
  const gates = new Map<Held, (on: GoOn) => void>();
  const pass = async <T>(method: Held, call: () => Promise<T>): Promise<T> => {
    const arrived = gates.get(method);
    gates.delete(method);
    const error = arrived && (await new Promise<JournalError | undefined>((on) => arrived(on)));
    if (error !== undefined) throw error;
    return await call();
  };
  const journal: FencedJournal = {
    ...faultyJournal(inner),
    load: (...call) => pass("load", () => inner.load(...call)),
    createIfAbsent: (...call) => pass("createIfAbsent", () => inner.createIfAbsent(...call)),
    takeover: (...call) => pass("takeover", () => inner.takeover(...call)),
    append: (...call) => pass("append", () => inner.append(...call)),
  };
  return {
    a: testNode("node-a", journal, oracle, changes),
    b: testNode("node-b", store.open(), oracle),
    hold: (method) => new Promise((resolve) => gates.set(method, resolve)),
  };
}

/** Begins to close, and tells whether that has ended. */
function closing({ manager }: TestNode, options: CloseManagerOptions = {}) {
  const watched: { answers: ReadonlyMap<string, HandOff> | undefined } = { answers: undefined };
  const done = manager.close(options).then((answers) => {
    watched.answers = answers;
    return answers;
  });
  return { watched, done };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

const busy = (): JournalError => new JournalError("transient", "the store is busy");

describe("a manager that is closed while a session is being opened", () => {
  it("waits until the new session is made and let go", async () => {
    const { a, b, hold } = held();
    const there = hold("createIfAbsent");
    const opening = refusalOf(a.manager.open("room"));
    const goOn = await there;
    const { watched, done } = closing(a);
    await turns();
    expect(watched.answers).toBeUndefined();
    goOn();
    expect([...(await done)]).toMatchObject([["room", { released: true }]]);
    expect(await opening).toMatchObject({ code: "closed" });
    expect((await b.manager.open("room")).recovery.previousOwner).toBe("node-a");
  });

  it("waits until a session that is being taken over is let go, to the node that all go to", async () => {
    const { a, b, hold } = held();
    const before = await b.manager.open("room");
    await say(before, "one");
    before.abandon();
    const there = hold("takeover");
    const opening = refusalOf(a.manager.takeover("room"));
    const goOn = await there;
    const { done } = closing(a, { to: "node-b" });
    goOn();
    expect([...(await done).keys()]).toEqual(["room"]);
    expect(await opening).toMatchObject({ code: "closed" });
    expect((await b.manager.inspect("room")).release).toEqual({ to: "node-b" });
    expect((await b.manager.open("room")).state).toEqual(["one"]);
  });

  it("claims nothing that it has not claimed by then", async () => {
    const { a, b, hold } = held();
    const session = await b.manager.open("room");
    const there = hold("load");
    const opening = refusalOf(a.manager.takeover("room"));
    const goOn = await there;
    const { watched, done } = closing(a);
    await turns();
    expect(watched.answers).toBeUndefined();
    goOn();
    expect([...(await done)]).toEqual([]);
    expect(await opening).toMatchObject({ code: "closed" });
    await say(session, "one");
    expect(session.signal.aborted).toBe(false);
  });

  it("waits no longer than it may, and says which session it does not know of", async () => {
    const timers = new ManualTimers();
    const { a, b, hold } = held({ timers });
    const there = hold("createIfAbsent");
    const opening = refusalOf(a.manager.open("room"));
    const goOn = await there;
    const { done } = closing(a, { deadlineMs: 500 });
    timers.advance(500);
    expect([...(await done)]).toMatchObject([["room", { released: false, cause: { code: "in_doubt" } }]]);
    goOn();
    expect(await opening).toMatchObject({ code: "closed" });
    expect((await b.manager.open("room")).recovery.previousOwner).toBe("node-a");
  });

  /** Session "room" is being taken over by `a`; resolves when its first record is on the way, and `a` is told to close. */
  const reconnecting = async (world: World) => {
    (await world.b.manager.open("room")).abandon();
    const there = world.hold("append");
    const opening = refusalOf(world.a.manager.takeover("room"));
    const goOn = await there;
    return { opening, goOn, done: closing(world.a).done };
  };

  it("gives nobody a session that leaves", async () => {
    const world = held();
    const { opening, goOn, done } = await reconnecting(world);
    goOn();
    expect(await opening).toMatchObject({ code: "closed" });
    expect([...(await done)]).toMatchObject([["room", { released: true }]]);
    expect((await world.b.manager.open("room")).recovery.previousOwner).toBe("node-a");
  });

  it("lets a session go also where its reconnect has failed", async () => {
    const world = held();
    const { opening, goOn, done } = await reconnecting(world);
    goOn(busy());
    expect(await opening).toMatchObject({ code: "transient" });
    expect([...(await done)]).toMatchObject([["room", { released: true }]]);
    expect((await world.b.manager.open("room")).recovery.previousOwner).toBe("node-a");
  });

  /** As `reconnecting`, at the look that follows the claim. */
  const claimed = async (world: World) => {
    (await world.b.manager.open("room")).abandon();
    const claims = world.hold("takeover");
    const opening = refusalOf(world.a.manager.takeover("room"));
    const claim = await claims;
    const looks = world.hold("load");
    claim();
    const goOn = await looks;
    return { opening, goOn, done: closing(world.a).done };
  };

  it("looks again at a session that it has claimed, and lets it go", async () => {
    const world = held();
    const { opening, goOn, done } = await claimed(world);
    goOn(busy());
    expect(await opening).toMatchObject({ code: "closed" });
    expect([...(await done)]).toMatchObject([["room", { released: true }]]);
    expect((await world.b.manager.open("room")).recovery.previousOwner).toBe("node-a");
  });

  it("names a session that it has claimed and could not look at", async () => {
    const world = held({ limits: { settleAttempts: 0 } });
    const { opening, goOn, done } = await claimed(world);
    goOn(busy());
    expect(await opening).toMatchObject({ code: "transient" });
    expect([...(await done)]).toMatchObject([["room", { released: false, cause: { code: "transient" } }]]);
  });

  it("names a session of which it does not know whether it has claimed it", async () => {
    const world = held({ limits: { settleAttempts: 0 } });
    (await world.b.manager.open("room")).abandon();
    const claims = world.hold("takeover");
    const opening = refusalOf(world.a.manager.takeover("room"));
    const goOn = await claims;
    const { done } = closing(world.a);
    goOn(new JournalError("uncertain", "the answer was lost"));
    expect(await opening).toMatchObject({ code: "uncertain" });
    expect([...(await done)]).toMatchObject([["room", { released: false, cause: { code: "uncertain" } }]]);
  });

  it("names no session whose claim was refused", async () => {
    const world = held();
    (await world.b.manager.open("room")).abandon();
    const claims = world.hold("takeover");
    const opening = refusalOf(world.a.manager.takeover("room"));
    const goOn = await claims;
    const { done } = closing(world.a);
    goOn(busy());
    expect(await opening).toMatchObject({ code: "transient" });
    expect([...(await done)]).toEqual([]);
  });
});

describe("an opening whose clock throws", () => {
  it("does not keep the id", async () => {
    let throws = true;
    const nowMs = (): number => {
      if (throws) throw new RangeError("the clock is away");
      return 1_000;
    };
    const { a } = held({ clock: { nowMs } });
    expect(await refusalOf(a.manager.open("room"))).toBeInstanceOf(RangeError);
    throws = false;
    expect((await a.manager.open("room")).id).toBe("room");
  });
});
