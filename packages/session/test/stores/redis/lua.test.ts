// SPDX-License-Identifier: Apache-2.0
import { Random } from "@tsoracle/conformance";
import { useRedis } from "@tsoracle/test-services";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ballot, makeBallot, NO_BALLOT } from "../../../src/stores/redis/ballot.ts";
import { BEGIN, FINISH, INIT, type LuaScript, PROGRESS } from "../../../src/stores/redis/lua.ts";
import { keysOf } from "../../../src/stores/redis/options.ts";
import type { ReplicaAnswer, ReplicaRequest, SessionChange } from "../../../src/stores/redis/replica.ts";
import { readReply, scriptOf } from "../../../src/stores/redis/replies.ts";
import { firstHead, headAfter } from "../../../src/stores/redis/session-head.ts";
import { ModelNode } from "./sim/model-node.ts";

const redis = useRedis({ beforeAll, afterAll }, 1);
const packed = (text: string): Uint8Array => Buffer.from(text);

/** Ballots that differ only where a double would not tell, or where text of another width would mislead. */
const BALLOTS: readonly Ballot[] = [
  makeBallot(0n, 9n, 2n ** 63n),
  makeBallot(0n, 9n, 2n ** 63n + 1n),
  makeBallot(0n, 10n, 1n),
  makeBallot(0n, 2n ** 53n, 7n),
  makeBallot(0n, 2n ** 53n + 1n, 7n),
  makeBallot(1n, 1n, 1n),
];
const HUGE = 2n ** 64n - 1n;
const first = firstHead({ epoch: HUGE - 1n, owner: "a:é|" }, true, "t1");
const second = headAfter(first, { kind: "append", fence: first.fence, seq: 1 }, "t2");
const third = headAfter(second, { kind: "takeover", fence: { epoch: HUGE, owner: "b" } }, "t3");
const CHANGES: readonly SessionChange[] = [
  { before: undefined, after: first, snapshot: packed("\0first\xff") },
  { before: { fence: first.fence, nextSeq: 1 }, after: second, entry: { seq: 1, packed: packed("one\r\n\0") } },
  { before: { fence: second.fence, nextSeq: 2 }, after: third },
  {
    before: { fence: third.fence, nextSeq: 2 },
    after: headAfter(third, { kind: "snapshot", fence: third.fence, seq: 1, ahead: false }, "t4"),
    snapshot: packed("state 1"),
  },
  {
    before: { fence: third.fence, nextSeq: 2 },
    after: headAfter(third, { kind: "truncate", fence: third.fence, seq: 1 }, "t5"),
    removed: [[1, 1]],
  },
];

function anyRequest(random: Random): ReplicaRequest {
  const ballot = random.pick([...BALLOTS] as [Ballot, ...Ballot[]]);
  const other = random.pick([NO_BALLOT, ...BALLOTS]);
  const rev = random.below(6);
  switch (random.below(9)) {
    case 0:
      return { kind: "promise", ballot };
    case 1:
    case 2:
      return { kind: "adopt", ballot, from: other, rev: random.below(3) };
    case 3: {
      const entries = new Map([[1, packed("one")]]);
      return {
        kind: "install",
        ballot,
        rev,
        content: random.oneIn(3) ? undefined : { head: second, snapshot: packed("s"), entries },
      };
    }
    case 4:
      return { kind: "content", ballots: [other, ballot], rev: random.oneIn(2) ? undefined : rev };
    case 5:
      return random.oneIn(4) ? { kind: "floor", floor: BigInt(random.below(2)) } : { kind: "read" };
    default: {
      const step = random.below(CHANGES.length);
      return { kind: "accept", ballot, rev: random.oneIn(3) ? rev : step + 1, change: CHANGES[step] as SessionChange };
    }
  }
}

/** Bytes as text, so that both sides compare. */
function plain(answer: ReplicaAnswer): unknown {
  if (answer.kind === "broken") return { kind: "broken" };
  if (answer.kind !== "content" || answer.content === undefined) return answer;
  const { head, snapshot, entries } = answer.content;
  const hex = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString("hex");
  const all = [...entries].sort(([left], [right]) => left - right).map(([seq, value]) => `${seq}:${hex(value)}`);
  return { ...answer, content: { head, snapshot: hex(snapshot), all } };
}

describe("the scripts of a Redis node", () => {
  it("answer every sequence of requests as the model of the simulation does", async () => {
    const client = new Redis(redis()[0]?.url ?? "", { stringNumbers: true });
    try {
      const seen = new Set<string>();
      for (let round = 0; round < 60; round += 1) {
        const random = new Random(round + 1);
        const keys = keysOf(`lua-${round}`);
        const init = ["cid", "nid", "run", "1", "never"];
        await client.call("EVAL", INIT.text, 1, keys.mark, ...init);
        const model = new ModelNode();
        const history: string[] = [];
        for (let step = 0; step < 40; step += 1) {
          const request = anyRequest(random);
          const [script, args] = scriptOf(request);
          const all = [keys.mark, keys.copy("s"), keys.entries("s"), "cid", "nid", "run", ...args];
          const reply = await client.callBuffer("EVAL", [script.text, 3, ...all]);
          const answer = readReply(reply);
          history.push(`${request.kind} ${answer.kind}`);
          seen.add(`${request.kind} ${answer.kind}`);
          expect(plain(answer), `round ${round}: ${history.join(", ")}`).toEqual(plain(model.answer("s", request)));
        }
      }
      const reached = [
        "promise head",
        "promise promised",
        "promise floor",
        "floor ok",
        "adopt ok",
        "adopt lag",
        "accept ok",
        "accept lag",
        "accept broken",
      ];
      for (const what of [...reached, "content content", "content moved", "install ok"])
        expect([...seen]).toContain(what);
    } finally {
      client.disconnect();
    }
  }, 120_000);

  it("give no answer about a session to anybody but the node's own processes of this run", async () => {
    const client = new Redis(redis()[0]?.url ?? "");
    try {
      const keys = keysOf("identity");
      const ask = async (...identity: readonly string[]): Promise<ReplicaAnswer> => {
        const [script] = scriptOf({ kind: "read" });
        const all = [keys.mark, keys.copy("s"), keys.entries("s"), ...identity];
        return readReply(await client.callBuffer("EVAL", [script.text, 3, ...all]));
      };
      expect(await ask("cid", "nid", "run")).toMatchObject({ kind: "failed", mayHaveRun: false });
      await client.call("EVAL", INIT.text, 1, keys.mark, "cid", "nid", "run", "3", "never");
      expect(await ask("cid", "nid", "run")).toMatchObject({ kind: "head", votes: true });
      for (const wrong of [
        ["other", "nid", "run"],
        ["cid", "other", "run"],
        ["cid", "nid", "later"],
      ]) {
        expect(await ask(...wrong)).toMatchObject({ kind: "failed", mayHaveRun: false });
      }
    } finally {
      client.disconnect();
    }
  });

  it("let one of those that begin to fill a node at one time do so, until it gives up or another sees it dead", async () => {
    const client = new Redis(redis()[0]?.url ?? "");
    try {
      const { mark } = keysOf("filling");
      const run = async ({ text }: LuaScript, ...args: readonly string[]): Promise<string> =>
        String(((await client.call("EVAL", text, 1, mark, ...args)) as readonly unknown[])[0]);
      const begin = (admission: string, before: string): Promise<string> =>
        run(BEGIN, "cid", `nid-${admission}`, "run", "3", "never", "1".padStart(20, "0"), admission, before);
      expect(await begin("a", "")).toBe("OK");
      // It has looked while the node was still empty.
      expect(await begin("b", "")).toBe("BUSY");
      expect(await run(PROGRESS, "a", "run", "1")).toBe("OK");
      expect(await client.hmget(mark, "adm", "bt")).toEqual(["a", "1"]);
      expect(await run(PROGRESS, "a", "run", "0")).toBe("OK");
      expect(await run(PROGRESS, "a", "run", "1")).toBe("LOST");
      expect(await begin("b", "")).toBe("OK");
      expect(await begin("c", "b")).toBe("OK");
      expect(await run(PROGRESS, "b", "run", "1")).toBe("LOST");
      expect(await run(FINISH, "b", "run", "2".padStart(20, "0"))).toBe("LOST");
      expect(await run(FINISH, "c", "run", "2".padStart(20, "0"))).toBe("OK");
    } finally {
      client.disconnect();
    }
  });
});
