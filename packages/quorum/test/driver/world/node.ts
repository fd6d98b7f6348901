// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { nextStep } from "../../../src/driver/beginning.ts";
import { Candidacy, largest, mayJoin } from "../../../src/driver/candidacy.ts";
import type { MemberReading } from "../../../src/driver/life.ts";
import { PersistCount } from "../../../src/driver/persist-count.ts";
import type { Ground } from "./ground.ts";

/** Where a reign writes: the epoch of the member, and the life of its store. */
interface Place {
  readonly epoch: bigint;
  readonly life: bigint;
}

interface Write {
  readonly target: number;
  readonly count: PersistCount;
  readonly acks: number[];
  readonly met: (highWater: number) => void;
}

export interface Reign {
  readonly node: number;
  readonly ballot: bigint;
  readonly first: number;
  /** Nothing was handed out while it is below `first`. */
  last: number;
  floor: number;
  sent: number;
  readonly bound: Map<number, Place>;
  /** The latest epoch that each member refused. */
  readonly refused: Map<number, bigint>;
  /** Every ballot that had won when this candidacy began. */
  readonly wonBefore: bigint;
  write: Write | undefined;
}

interface Run {
  readonly candidacy: Candidacy;
  readonly led: ReadonlyMap<number, bigint>;
  readonly readings: Map<number, MemberReading>;
  readonly wonBefore: bigint;
  readonly won: Map<number, Place>;
}

/** One process life of a node: the decisions of the driver, over the ground. */
export class Node {
  readonly believes = new Map<number, bigint>();
  /** The election of which each belief is the news. */
  readonly heard = new Map<number, number>();
  readonly #ground: Ground;
  readonly #index: number;
  readonly #reigns: Reign[];
  #minted = 0n;
  #begun: ReadonlyMap<string, bigint> | undefined;
  #isBeginning = false;
  #run: Run | undefined;
  #reign: Reign | undefined;
  #isDead = false;

  constructor(ground: Ground, index: number, reigns: Reign[]) {
    this.#ground = ground;
    this.#index = index;
    this.#reigns = reigns;
  }

  get isStanding(): boolean {
    return this.#run !== undefined;
  }

  die(): void {
    this.#isDead = true;
  }

  act(): void {
    const { random, policy } = this.#ground;
    if (this.#reign !== undefined) this.#reignOn(this.#reign);
    else if (this.#run !== undefined || this.believes.size === 0) return;
    else if (!this.#isBeginning && this.#ground.isNew && random.oneIn(2)) this.#begin();
    else if (this.believes.size >= policy.w) this.#stand();
  }

  endUnlessHeld(): void {
    if (this.#reign === undefined) return;
    const held = [...this.#reign.bound].filter(([member, { epoch }]) => this.believes.get(member) === epoch).length;
    if (held < this.#ground.policy.w) this.#reign = undefined;
  }

  #begin(): void {
    const asked = [...this.#ground.stores.keys()];
    const led = new Map(this.believes);
    this.#isBeginning = true;
    const failed = (): void => {
      this.#isBeginning = false;
    };
    this.#lookAtAll(asked, failed, (first) => {
      this.#lookAtAll(asked, failed, (second) => {
        failed();
        const step = nextStep(asked.map(String), first, second);
        if (step.kind === "stand") this.#begun = step.lives;
        const to = step.kind === "begin" ? "begun" : step.kind === "admit" ? "admitted" : undefined;
        if (to === undefined) return;
        for (const [member, epoch] of led) this.#advance(member, epoch, to, second.get(String(member)));
      });
    });
  }

  #advance(member: number, epoch: bigint, to: "begun" | "admitted", seen: MemberReading | undefined): void {
    if (seen?.stage !== (to === "begun" ? "empty" : "begun")) return;
    this.#write(member, epoch, (store) => this.#ground.setStage(store, seen.life, to));
  }

  #lookAtAll(
    members: readonly number[],
    failed: () => void,
    done: (readings: ReadonlyMap<string, MemberReading>) => void,
  ): void {
    const readings = new Map<string, MemberReading>();
    for (const member of members) {
      const answered = (reading: MemberReading): void => {
        readings.set(String(member), reading);
        if (readings.size === members.length) done(readings);
      };
      this.#ground.read(this.#index, member, answered, failed);
    }
  }

  /** One fenced write whose refusal and whose loss are the same to the caller. */
  #write(
    member: number,
    epoch: bigint,
    write: Parameters<Ground["fenced"]>[2],
    done: (reply: number) => void = () => {},
    failed: () => void = () => {},
  ): void {
    const carryOut = (): number | undefined => this.#ground.fenced(member, epoch, write);
    const answered = (reply: number | undefined): void => (reply === undefined ? failed() : done(reply));
    this.#ground.send(this.#index, carryOut, answered, failed);
  }

  #stand(): void {
    const { policy, flaw } = this.#ground;
    const led = new Map(this.believes);
    const names = [...led.keys()].map(String);
    const begun = flaw === "an empty member votes" ? new Map(names.map((name) => [name, 0n])) : this.#begun;
    const run: Run = {
      candidacy: new Candidacy({ led: names, needed: policy.w, newest: this.#minted, begun }),
      led,
      readings: new Map(),
      wonBefore: largest(this.#reigns.map(({ ballot }) => ballot)),
      won: new Map(),
    };
    this.#run = run;
    for (const member of led.keys()) {
      const answered = (reading: MemberReading): void => {
        if (this.#run !== run) return;
        run.readings.set(member, reading);
        const wasMinted = run.candidacy.minted !== undefined;
        run.candidacy.recordReading(String(member), this.#flawed(reading));
        if (!wasMinted && run.candidacy.minted !== undefined) this.#writeBallots(run);
        this.#concludeRun(run);
      };
      this.#ground.read(this.#index, member, answered, () => this.#failRun(run, member));
    }
  }

  #flawed(reading: MemberReading): MemberReading {
    const { flaw } = this.#ground;
    if (flaw === "ballot from own memory") return { ...reading, ballot: reading.ballot > 0n ? 1n : 0n };
    return flaw === "an empty member votes" ? { ...reading, stage: "admitted", life: 0n } : reading;
  }

  #writeBallots(run: Run): void {
    const { minted } = run.candidacy;
    if (minted === undefined) return;
    this.#minted = minted.ballot;
    for (const member of minted.members.map(Number)) {
      const epoch = run.led.get(member) as bigint;
      const { ballot, life } = run.readings.get(member) as MemberReading;
      const raise = minted.ballot - ballot;
      const written = (): void => {
        if (this.#run !== run) return;
        run.candidacy.recordWritten(String(member));
        run.won.set(member, { epoch, life });
        if (run.candidacy.isWritten) this.#lookAgain(run, minted.ballot);
        this.#concludeRun(run);
      };
      const failed = (): void => this.#failRun(run, member);
      this.#write(member, epoch, (store) => this.#ground.raise(store, life, raise), written, failed);
    }
  }

  #lookAgain(run: Run, ballot: bigint): void {
    const ground = this.#ground;
    for (const [member, { life }] of run.won) {
      const store = ground.store(member);
      const look = (): number | undefined => (ground.holds(store, life, ballot) ? store.highWater : undefined);
      const answered = (highWater: number | undefined): void => {
        if (this.#run !== run) return;
        if (highWater !== undefined) run.candidacy.recordHeld(String(member), highWater);
        else run.candidacy.recordFailure(String(member));
        this.#concludeRun(run);
      };
      ground.send(this.#index, look, answered, () => this.#failRun(run, member));
    }
  }

  #holds(member: number, life: bigint, ballot: bigint, answered: (holds: boolean) => void, failed: () => void): void {
    const store = this.#ground.store(member);
    this.#ground.send(this.#index, () => this.#ground.holds(store, life, ballot), answered, failed);
  }

  #failRun(run: Run, member: number): void {
    if (this.#run !== run) return;
    run.candidacy.recordFailure(String(member));
    this.#concludeRun(run);
  }

  #concludeRun(run: Run): void {
    const { outcome, minted } = run.candidacy;
    if (outcome === "open" || this.#run !== run) return;
    this.#run = undefined;
    if (outcome === "lost" || minted === undefined || this.#isDead) return;
    const epochs = largest([...run.won.values()].map(({ epoch }) => epoch));
    const { highWater: floor } = run.candidacy;
    const reign: Reign = {
      node: this.#index,
      ballot: this.#ground.flaw === "epoch from member epochs" ? epochs : minted.ballot,
      first: floor + 1,
      last: floor,
      floor,
      sent: 0,
      bound: new Map(run.won),
      refused: new Map(),
      wonBefore: run.wonBefore,
      write: undefined,
    };
    this.#reign = reign;
    this.#reigns.push(reign);
    this.endUnlessHeld();
  }

  #reignOn(reign: Reign): void {
    const outside = [...this.believes].filter(([member, epoch]) => reign.bound.get(member)?.epoch !== epoch);
    const [join] = outside;
    const { random } = this.#ground;
    if (join !== undefined && random.oneIn(2)) this.#join(reign, join);
    else if (reign.write === undefined) {
      const target = reign.floor + 1 + random.below(5);
      this.#persist(reign, target, (highWater) => {
        reign.last = highWater;
      });
    }
  }

  #join(reign: Reign, [member, epoch]: readonly [number, bigint]): void {
    const answered = (reading: MemberReading): void => {
      const { life, stage, ballot } = reading;
      if (this.#reign !== reign || !mayJoin(reign.ballot, ballot)) return;
      const bind = (): void => {
        if (this.#reign === reign) reign.bound.set(member, { epoch, life });
      };
      if (stage !== "admitted") this.#fill(reign, member, epoch, reading, bind);
      else this.#write(member, epoch, (at) => this.#ground.raise(at, life, reign.ballot - ballot), bind);
    };
    this.#ground.read(this.#index, member, answered, () => {});
  }

  #fill(reign: Reign, member: number, epoch: bigint, { life, ballot }: MemberReading, bind: () => void): void {
    const ground = this.#ground;
    const fill = (highWater: number): void => {
      const lift = (done: () => void): void => this.#write(member, epoch, (at) => ground.lift(at, highWater), done);
      const vote = (done: () => void): void =>
        this.#write(
          member,
          epoch,
          (at) => ground.raise(at, life, reign.ballot - ballot),
          () => this.#write(member, epoch, (at) => ground.setStage(at, life, "admitted"), done),
        );
      lift(() => vote(bind));
    };
    if (reign.write === undefined) this.#persist(reign, Math.max(reign.floor, reign.sent), fill);
  }

  #persist(reign: Reign, target: number, met: (highWater: number) => void): void {
    const { stores, policy } = this.#ground;
    const names = [...stores.keys()].map(String);
    const write: Write = { target, count: new PersistCount(policy, names), acks: [], met };
    reign.write = write;
    reign.sent = Math.max(reign.sent, target);
    for (const member of stores.keys()) {
      const place = reign.bound.get(member);
      if (place === undefined || this.believes.get(member) !== place.epoch) {
        write.count.record(String(member), { kind: "outside" });
        continue;
      }
      this.#persistAt(reign, write, member, place);
    }
    this.#concludeWrite(reign, write, false);
  }

  #persistAt(reign: Reign, write: Write, member: number, { epoch, life }: Place): void {
    const ground = this.#ground;
    const doubt = (): void => {
      const error = new ConsensusError("uncertain", "the answer was lost");
      write.count.record(String(member), { kind: "failed", error });
      this.#concludeWrite(reign, write, false);
    };
    const acknowledged = (highWater: number): void => {
      write.acks.push(highWater);
      write.count.record(String(member), { kind: "ack", highWater });
      this.#concludeWrite(reign, write, false);
    };
    const answered = (highWater: number | undefined): void => {
      if (highWater === undefined) {
        reign.refused.set(member, epoch);
        write.count.record(String(member), { kind: "refused", message: "over" });
        this.#concludeWrite(reign, write, true);
        return;
      }
      const looked = (holds: boolean): void => {
        if (holds) acknowledged(highWater);
        else {
          if (reign.bound.get(member)?.life === life) reign.bound.delete(member);
          this.endUnlessHeld();
          doubt();
        }
      };
      this.#holds(member, life, reign.ballot, looked, doubt);
    };
    const carryOut = (): number | undefined =>
      ground.fenced(member, epoch, (store) => ground.lift(store, write.target));
    ground.send(this.#index, carryOut, answered, doubt);
  }

  #concludeWrite(reign: Reign, write: Write, wasRefused: boolean): void {
    if (reign.write !== write) return;
    const { flaw } = this.#ground;
    const verdict =
      flaw === "fenced by one reply" && wasRefused ? ({ kind: "fenced", message: "" } as const) : write.count.verdict();
    if (verdict === undefined) return;
    reign.write = undefined;
    const isLate = this.#reign !== reign;
    if (verdict.kind === "met" && !isLate && !this.#isDead) {
      const highWater = flaw === "largest acknowledgement" ? Math.max(...write.acks) : verdict.highWater;
      reign.floor = Math.max(reign.floor, highWater);
      write.met(highWater);
    } else if (verdict.kind === "fenced" && (flaw === "fenced by one reply" || !this.#hasHope(reign))) {
      this.#checkFenced(reign);
      if (this.#reign === reign) this.#reign = undefined;
    }
  }

  #hasHope({ bound, refused }: Reign): boolean {
    const hopeful = [...bound].filter(
      ([member, { epoch }]) => this.believes.get(member) === epoch && refused.get(member) !== epoch,
    );
    return hopeful.length >= this.#ground.policy.w;
  }

  /** A reign is told that it can never win again only if that is so. */
  #checkFenced(reign: Reign): void {
    if (this.#reign !== reign) return;
    const open = [...reign.bound].filter(([member, { epoch, life }]) => {
      const store = this.#ground.store(member);
      const isLed = store.leader === reign.node && store.epoch === epoch && store.life === life;
      return isLed && this.believes.get(member) === epoch;
    });
    if (open.length >= this.#ground.policy.w) {
      this.#ground.problems.push(`reign ${reign.ballot} was called fenced and is not`);
    }
  }
}
