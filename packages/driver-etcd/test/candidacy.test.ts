// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Candidacy } from "../src/candidacy.ts";
import type { Watching } from "../src/client/etcd-store.ts";
import { checkDriverOptions, type DriverConfig } from "../src/options.ts";
import { SimulatedEtcd, SimulatedLink } from "./simulated-etcd.ts";
import { Machine, World } from "./simulated-world.ts";

/** A way to etcd on which no event ever arrives. */
class DeafLink extends SimulatedLink {
  override watch(): Watching {
    return { stop: () => {} };
  }
}

interface Stage {
  readonly world: World;
  readonly etcd: SimulatedEtcd;
  readonly link: SimulatedLink;
  readonly config: DriverConfig;
  readonly candidacy: Candidacy;
}

/** A candidacy of a second on a network that loses nothing by itself. */
async function enter(Link: typeof SimulatedLink): Promise<Stage> {
  const world = new World(() => 0.5);
  const etcd = new SimulatedEtcd(world);
  const { clock, after } = new Machine(world, 1);
  const tenure = { tenureMs: 1_000, drift: 0.1 };
  const config = checkDriverOptions({ endpoints: ["simulated:1"], advertise: "a:1", tenure }, { clock, after });
  const link = new Link(etcd, world, config.opTimeoutMs);
  let candidacy: Candidacy | undefined;
  void Candidacy.enter(link, config, new AbortController().signal).then((entered) => {
    candidacy = entered;
  });
  for (;;) {
    if (candidacy !== undefined) return { world, etcd, link, config, candidacy };
    await world.step();
  }
}

/** Lets time pass until it is over; tells why, and how long that took. */
async function end({ world, candidacy }: Stage): Promise<{ readonly why: string; readonly afterMs: number }> {
  const began = world.nowMs;
  while (!candidacy.signal.aborted && world.nowMs < began + 60_000) await world.step();
  return { why: String(candidacy.signal.reason), afterMs: world.nowMs - began };
}

describe("L2: a candidacy is over", () => {
  it("when a keep-alive is answered with no time left, though no event came", async () => {
    const stage = await enter(DeafLink);
    stage.etcd.revoke(stage.candidacy.claim.leaseId);
    const { why, afterMs } = await end(stage);
    expect(why).toMatch(/its lease is gone from etcd/);
    expect(afterMs).toBeLessThan(400);
  });

  it("at once when its key is deleted, though its lease lives on", async () => {
    const stage = await enter(SimulatedLink);
    stage.etcd.deleteKey(Buffer.from(stage.candidacy.claim.key).toString());
    const { why, afterMs } = await end(stage);
    expect(why).toMatch(/its key was deleted from etcd/);
    expect(afterMs).toBeLessThan(10);
  });

  it("within a tenure when its key is deleted, though no event came", async () => {
    const stage = await enter(DeafLink);
    stage.etcd.deleteKey(Buffer.from(stage.candidacy.claim.key).toString());
    const { why, afterMs } = await end(stage);
    expect(why).toMatch(/its key was deleted from etcd/);
    expect(afterMs).toBeLessThan(stage.config.terms.tenureMs + 100);
  });

  it("when no keep-alive is answered, before its lease could end by a clock within the margin (L3)", async () => {
    const stage = await enter(SimulatedLink);
    stage.link.isCut = true;
    const { why, afterMs } = await end(stage);
    expect(why).toMatch(/no keep-alive was answered/);
    expect(afterMs).toBeLessThan(900);
  });

  it("and goes on for as long as keep-alives are answered", async () => {
    const stage = await enter(SimulatedLink);
    const { afterMs } = await end(stage);
    expect(afterMs).toBeGreaterThanOrEqual(60_000);
    expect(stage.candidacy.signal.aborted).toBe(false);
    stage.candidacy.end("the test is over");
  });
});
