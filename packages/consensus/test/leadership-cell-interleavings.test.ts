// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { LeadershipCell } from "../src/index.ts";
import { brief, follower, leader, Probe, settle, unknown } from "./leadership-probe.ts";
import { MergesReigns, MissesWakeUps } from "./mutants/cell-mutants.ts";

type Step = "L" | "F" | "U" | "ask0" | "ask1" | "abort0" | "return1" | "close" | "settle";
const steps: readonly Step[] = ["L", "F", "U", "ask0", "ask1", "abort0", "return1", "close", "settle"];

/** Plays the steps, then lets every reader drain, and says what is wrong with what they saw. */
async function judge(path: readonly Step[], cell: LeadershipCell): Promise<string | undefined> {
  const probes = [new Probe(cell), new Probe(cell)] as const;
  const history: string[] = ["U"];
  let reign = 0n;
  let closed = false;
  let began = [-1, -1];
  const asked = (index: 0 | 1): void => {
    if (began[index] === -1) began = began.map((at, other) => (other === index ? history.length - 1 : at));
    probes[index].ask();
  };
  for (const step of path) {
    if (step === "ask0") asked(0);
    if (step === "ask1") asked(1);
    if (step === "abort0") probes[0].abort.abort();
    if (step === "return1") void probes[1].reader.return();
    if (step === "settle") await settle();
    if (step === "close") {
      cell.close();
      closed = true;
    }
    if (step === "L" || step === "F" || step === "U") {
      if (step === "L") reign += 1n;
      const item = step === "L" ? leader(reign) : step === "F" ? follower : unknown;
      cell.set(item);
      if (!closed && history.at(-1) !== brief(item)) history.push(brief(item));
    }
  }
  const cut = [path.includes("abort0"), path.includes("return1")];
  for (const [index, probe] of probes.entries()) {
    for (let more = 0; more < 4; more += 1) if (!probe.ended && probe.waiting === 0) asked(index as 0 | 1);
    for (let more = 0; more < 4; more += 1) {
      await settle();
      if (!probe.ended && probe.waiting === 0) asked(index as 0 | 1);
    }
    await settle();
    const over = closed || cut[index] === true;
    if (over !== probe.ended) return `reader ${index} ${over ? "did not end" : "ended"}`;
    if (over && probe.waiting > 0) return `reader ${index} waits for ever`;
    if (!over && probe.got.at(-1) !== history.at(-1)) return `reader ${index} missed the newest state: ${probe.got}`;
    if (!over && probe.got[0] !== history[began[index] ?? 0]) return `reader ${index} did not begin with the current`;
    for (const [at, name] of probe.got.entries()) {
      const before = probe.got[at - 1];
      if (name.startsWith("L") && before?.startsWith("L")) return `reader ${index} saw two reigns as one: ${probe.got}`;
    }
    const reigns = probe.got.filter((name) => name.startsWith("L")).map((name) => Number(name.slice(1)));
    if (reigns.some((value, at) => at > 0 && value <= (reigns[at - 1] ?? 0))) return "reigns went back";
  }
  return undefined;
}

describe("LeadershipCell under every order of steps", () => {
  it("loses no wake-up, begins with the current state, separates reigns and ends everybody", {
    timeout: 120_000,
  }, async () => {
    const wrong: string[] = [];
    let paths = 0;
    const visit = async (path: readonly Step[]): Promise<void> => {
      paths += 1;
      const fault = await judge(path, new LeadershipCell());
      if (fault !== undefined) wrong.push(`${path.join(" ")}: ${fault}`);
      if (path.length < 4) for (const step of steps) await visit([...path, step]);
    };
    await visit([]);
    expect(paths).toBe(1 + 9 + 9 ** 2 + 9 ** 3 + 9 ** 4);
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

describe("the judge of a leadership cell", () => {
  it("catches a cell that merges two reigns", async () => {
    const path: readonly Step[] = ["L", "ask0", "settle", "U", "L"];
    expect(await judge(path, new LeadershipCell())).toBeUndefined();
    expect(await judge(path, new MergesReigns())).toContain("saw two reigns as one");
  });

  it("catches a cell whose readers miss a change that comes while they are busy", async () => {
    const path: readonly Step[] = ["ask0", "settle", "L"];
    expect(await judge(path, new LeadershipCell())).toBeUndefined();
    expect(await judge(path, new MissesWakeUps())).toContain("missed the newest state");
  });
});
