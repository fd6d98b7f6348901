// SPDX-License-Identifier: Apache-2.0
import { type TenureTerms, usableTenureMs } from "@tsoracle/consensus";
import { type Epoch, epochFromHalves, peerEndpoint, physicalMs } from "@tsoracle/core";
import { Campaign } from "../src/campaign.ts";
import type { CampaignEffect, CampaignEvent } from "../src/campaign-protocol.ts";
import type { BumpRow, OracleRow } from "../src/rows.ts";

/** A way in which the world is wrong, to see that the checks notice. */
export type Hazard = "none" | "short-wait" | "always-clean" | "early-word";

export interface WorldOptions {
  readonly seed: number;
  readonly freshness: "lease" | "confirm";
  readonly hazard: Hazard;
}

const TERMS: TenureTerms = { tenureMs: 1_000, drift: 0.1 };
const HI = 1n;
const NODES = 3;

interface Node {
  campaign: Campaign;
  holder: string;
  /** Local nanoseconds per real millisecond: clocks run at most ρ too fast or too slow. */
  readonly rate: number;
  session: number | undefined;
  pausedUntil: number;
  /** Epoch and local mark of the newest accepted renewal, while the reign has not ended. */
  tenure: { readonly epoch: Epoch; markNs: bigint; announced: boolean } | undefined;
  wake: number | undefined;
}

/** A few processes with skewed clocks, one store, and everything that can go wrong between them, in virtual time. */
export class World {
  readonly leaders: { readonly node: number; readonly epoch: Epoch }[] = [];
  readonly violations: string[] = [];
  suspensions = 0;
  handovers = 0;
  evictions = 0;
  /** Reigns that went on without a connection, and reigns that were called clean after a successor had begun. */
  adrift = 0;
  lateWords = 0;
  readonly #options: WorldOptions;
  readonly #nodes: Node[] = [];
  readonly #agenda: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  readonly #row = { lo: 0n, beat: 0n, clean: true, prevClean: true, holder: "", prevHolder: "", endpoint: "" };
  #lock: number | undefined;
  readonly #sessions = new Set<number>();
  #nextSession = 1;
  #order = 0;
  #state: number;
  now = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#state = (options.seed * 2_654_435_761) >>> 0 || 1;
    for (let index = 0; index < NODES; index += 1) this.#nodes.push(this.#boot(index, 0));
  }

  run(untilMs: number): void {
    for (let index = 0; index < NODES; index += 1) this.#feed(index, { type: "tick" });
    this.#fault();
    for (;;) {
      let first = 0;
      for (const [position, entry] of this.#agenda.entries()) {
        const best = this.#agenda[first];
        if (best === undefined || entry.at < best.at || (entry.at === best.at && entry.order < best.order))
          first = position;
      }
      const [entry] = this.#agenda.splice(first, 1);
      if (entry === undefined || entry.at > untilMs) return;
      this.now = entry.at;
      entry.run();
      this.#check();
    }
  }

  #boot(index: number, generation: number): Node {
    const holder = `holder ${index}.${generation}`;
    const tenureMs = this.#options.hazard === "short-wait" ? TERMS.tenureMs / 2 : TERMS.tenureMs;
    const campaign = new Campaign(
      {
        terms: { ...TERMS, tenureMs },
        freshness: this.#options.freshness,
        holder,
        endpoint: peerEndpoint(`node-${index}:1`),
        random: () => this.#random(),
        mayLead: () => true,
      },
      0n,
    );
    const rate = 1e6 * (1 - TERMS.drift + 2 * TERMS.drift * this.#random());
    return { campaign, holder, rate, session: undefined, pausedUntil: 0, tenure: undefined, wake: undefined };
  }

  /** Now and then something breaks. */
  #fault(): void {
    this.#at(this.now + 100 + this.#random() * 900, () => {
      const index = Math.floor(this.#random() * NODES);
      const node = this.#nodes[index] as Node;
      const kind = Math.floor(this.#random() * 5);
      if (kind === 0) node.pausedUntil = this.now + this.#random() * 4 * TERMS.tenureMs;
      if (kind === 1 && node.session !== undefined) this.#cut(node.session, index);
      if (kind === 2) this.#crash(index);
      if (kind === 3) this.#feed(index, { type: "resign" });
      if (kind === 4)
        for (const [i, { session }] of this.#nodes.entries()) if (session !== undefined) this.#cut(session, i);
      this.#fault();
    });
  }

  #crash(index: number): void {
    const old = this.#nodes[index] as Node;
    if (old.session !== undefined) this.#drop(old.session);
    this.#nodes[index] = { ...this.#boot(index, this.#order), rate: old.rate };
    this.#feed(index, { type: "tick" });
  }

  /** The server ends a session; its process hears of it a moment later. */
  #cut(session: number, index: number): void {
    this.#drop(session);
    this.#later(index, this.#random() * 50, () => {
      const node = this.#nodes[index] as Node;
      if (node.session === session) this.#feed(index, { type: "lost", permanent: false });
    });
  }

  #drop(session: number): void {
    this.#sessions.delete(session);
    if (this.#lock === session) this.#lock = undefined;
  }

  #localNs(index: number): bigint {
    return BigInt(Math.round(this.now * (this.#nodes[index] as Node).rate)) + BigInt(index) * 1_000_000_000_000n;
  }

  #feed(index: number, event: CampaignEvent): void {
    const node = this.#nodes[index] as Node;
    if (node.pausedUntil > this.now) {
      this.#at(node.pausedUntil, () => {
        if (this.#nodes[index] === node) this.#feed(index, event);
      });
      return;
    }
    const before = node.campaign.state.phase;
    for (const effect of node.campaign.step(event, this.#localNs(index))) this.#perform(index, node, effect);
    if (node.campaign.state.phase === "suspended" && before !== "suspended") this.suspensions += 1;
    this.#schedule(index, node);
  }

  #schedule(index: number, node: Node): void {
    const wakeNs = node.campaign.wakeAtNs;
    if (wakeNs === undefined) return;
    const at = Math.max(this.now, this.now + Number(wakeNs - this.#localNs(index)) / node.rate) + 0.001;
    if (node.wake !== undefined && node.wake <= at && node.wake > this.now) return;
    node.wake = at;
    this.#at(at, () => {
      if (this.#nodes[index] === node) this.#feed(index, { type: "tick" });
    });
  }

  #perform(index: number, node: Node, effect: CampaignEffect): void {
    switch (effect.type) {
      case "connect":
        this.#connect(index, node);
        break;
      case "disconnect":
        if (node.session !== undefined) this.#drop(node.session);
        node.session = undefined;
        if (node.campaign.leadingEpoch === undefined) node.tenure = undefined;
        else this.adrift += 1;
        return;
      case "poll":
        this.#exchange(index, node, (session) => {
          const got = effect.tryLock && (this.#lock === undefined || this.#lock === session);
          if (got) this.#lock = session;
          return { type: "polled", row: this.#oracleRow(), got };
        });
        break;
      case "evict":
        this.#exchange(index, node, (session) => {
          const holder = this.#lock;
          if (holder === undefined || holder === session) return { type: "evicted", killed: 0 };
          this.evictions += 1;
          this.#cut(
            holder,
            this.#nodes.findIndex((other) => other.session === holder),
          );
          return { type: "evicted", killed: 1 };
        });
        break;
      case "bump": {
        const markNs = this.#localNs(index);
        this.#exchange(index, node, () => {
          const row = this.#bump(index, node);
          return {
            event: { type: "bumped", row },
            before: () => {
              node.tenure = { epoch: row.epoch, markNs, announced: false };
            },
          };
        });
        break;
      }
      case "renew": {
        const markNs = this.#localNs(index);
        this.#exchange(index, node, () => {
          if (this.#epoch() !== effect.epoch) return { type: "fenced", epoch: effect.epoch };
          this.#row.beat += 1n;
          const prevClean = this.#options.hazard === "early-word" || this.#row.prevClean;
          return {
            event: { type: "accepted", epoch: effect.epoch, sentNs: markNs, highWater: physicalMs(0), prevClean },
            before: () => {
              if (node.tenure !== undefined && node.tenure.markNs < markNs) node.tenure.markNs = markNs;
            },
          };
        });
        break;
      }
      case "clean":
        this.#exchange(index, node, () => {
          if (this.#clean(effect.epoch, node.holder)) this.#announce();
          return { type: "cleaned" };
        });
        break;
      case "release":
        this.#exchange(index, node, (session) => {
          this.#clean(effect.epoch, node.holder);
          this.#drop(session);
          this.handovers += 1;
          this.#announce();
          return { type: "released" };
        });
        break;
      case "lead":
        this.leaders.push({ node: index, epoch: effect.epoch });
        if (node.tenure === undefined || node.tenure.epoch !== effect.epoch)
          this.violations.push(`node ${index} leads without a bump`);
        else node.tenure.announced = true;
        return;
      case "end_reign":
        node.tenure = undefined;
        return;
      case "follow":
      case "unknown":
        if (node.campaign.leadingEpoch !== undefined) this.violations.push(`node ${index} leads and says it does not`);
        return;
      case "note":
        return;
      default:
        effect satisfies never;
    }
  }

  #connect(index: number, node: Node): void {
    this.#later(index, 1 + this.#random() * 10, () => {
      if (this.#nodes[index] !== node) return;
      if (this.#random() < 0.1) {
        this.#feed(index, { type: "connect_failed", permanent: false });
        return;
      }
      node.session = this.#nextSession;
      this.#nextSession += 1;
      this.#sessions.add(node.session);
      this.#feed(index, { type: "connected" });
    });
  }

  /** There, one atomic step, and back; the session may end on either way. */
  #exchange(
    index: number,
    node: Node,
    step: (session: number) => CampaignEvent | { readonly event: CampaignEvent; readonly before: () => void },
  ): void {
    const { session } = node;
    if (session === undefined) throw new Error("there is a session when a statement is sent");
    const slow = this.#random() < 0.05 ? 400 : 2;
    this.#at(this.now + this.#random() * slow, () => {
      if (!this.#sessions.has(session)) return;
      const result = step(session);
      const { event, before } = "event" in result ? result : { event: result, before: () => {} };
      if (this.#random() < 0.03) {
        this.#cut(session, index);
        return;
      }
      this.#later(index, this.#random() * slow, () => {
        if (this.#nodes[index] !== node || node.session !== session) return;
        before();
        this.#feed(index, event);
      });
    });
  }

  #bump(index: number, node: Node): BumpRow {
    const row = this.#row;
    const prevBeat = row.beat;
    row.lo += 1n;
    row.beat += 1n;
    row.prevClean = this.#options.hazard === "always-clean" || row.clean;
    row.clean = false;
    row.prevHolder = row.holder;
    row.holder = node.holder;
    row.endpoint = `node-${index}:1`;
    return {
      epoch: this.#epoch(),
      highWater: physicalMs(0),
      prevBeat,
      prevClean: row.prevClean,
      prevHolder: row.prevHolder,
    };
  }

  /** Whether it came after a successor's bump. */
  #clean(epoch: Epoch, holder: string): boolean {
    const row = this.#row;
    if (this.#epoch() === epoch && row.holder === holder) {
      row.clean = true;
      row.beat += 1n;
    } else if (this.#epoch() === epoch + 1n && row.prevHolder === holder) {
      row.prevClean = true;
      this.lateWords += 1;
      return true;
    }
    return false;
  }

  #announce(): void {
    for (const other of this.#nodes.keys())
      this.#later(other, this.#random() * 3, () => this.#feed(other, { type: "notified" }));
  }

  #epoch(): Epoch {
    return epochFromHalves({ hi: HI, lo: this.#row.lo });
  }

  #oracleRow(): OracleRow {
    return {
      epoch: this.#epoch(),
      beat: this.#row.beat,
      clean: this.#row.clean,
      highWater: physicalMs(0),
      freshness: this.#options.freshness,
      tenureMs: TERMS.tenureMs,
      rateSlackPpm: 100_000,
      holderEndpoint: this.#row.endpoint,
    };
  }

  /** Two processes that may answer at the same instant, by their own clocks. */
  #check(): void {
    const valid = [...this.#nodes.entries()].filter(([index, { tenure }]) => {
      if (tenure === undefined || !tenure.announced) return false;
      return Number(this.#localNs(index) - tenure.markNs) / 1e6 < usableTenureMs(TERMS);
    });
    if (valid.length > 1)
      this.violations.push(`at ${this.now} ms nodes ${valid.map(([index]) => index)} may both answer`);
  }

  #later(index: number, delay: number, run: () => void): void {
    this.#at(this.now + delay, () => {
      const { pausedUntil } = this.#nodes[index] as Node;
      if (pausedUntil > this.now) this.#at(pausedUntil, run);
      else run();
    });
  }

  #at(at: number, run: () => void): void {
    this.#order += 1;
    this.#agenda.push({ at, order: this.#order, run });
  }

  /** xorshift32: small, and the same everywhere. */
  #random(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state / 2 ** 32;
  }
}
