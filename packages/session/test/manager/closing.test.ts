// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import { faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import type { CloseManagerOptions, HandOff, SessionManagerOptions } from "../../src/index.ts";
import { type TestNode, TestOracle, testNode, type Word, type Words } from "./game.ts";
import { ManualTimers } from "./manual-timers.ts";
import { refusalOf, say } from "./rig.ts";

type Held = "createIfAbsent" | "takeover" | "load";

interface World {
  readonly a: TestNode;
  readonly b: TestNode;
  /** The next call of this method waits until it is let on; resolves when the call is there. */
  hold(method: Held): Promise<() => void>;
}

function held(changes: Partial<SessionManagerOptions<Words, Word>> = {}): World {
  const [store, oracle] = [new MemoryJournalStore(), new TestOracle()];
  const inner = store.open();
  const gates = new Map<Held, (on: () => void) => void>();
  const pass = async <T>(method: Held, call: () => Promise<T>): Promise<T> => {
    const arrived = gates.get(method);
    gates.delete(method);
    if (arrived !== undefined) await new Promise<void>((on) => arrived(on));
    return await call();
  };
  const journal: FencedJournal = {
    ...faultyJournal(inner),
    load: (...call) => pass("load", () => inner.load(...call)),
    createIfAbsent: (...call) => pass("createIfAbsent", () => inner.createIfAbsent(...call)),
    takeover: (...call) => pass("takeover", () => inner.takeover(...call)),
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
});
