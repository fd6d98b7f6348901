// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { ConsensusError, type LeadershipCell, type LeaseMark } from "@tsoracle/consensus";
import type { Epoch, PhysicalMs } from "@tsoracle/core";
import { Campaign } from "./campaign.ts";
import type { CampaignEffect, CampaignEvent } from "./campaign-protocol.ts";
import { ConfirmRounds } from "./confirm-rounds.ts";
import { Connector } from "./connector.ts";
import { StatementFailure } from "./failure.ts";
import { LastWords } from "./last-words.ts";
import { type DriverConfig, readEndpoint } from "./options.ts";
import { gone, movedAway, oneRow, regressed, unreplicated, wrongCluster } from "./oracle-faults.ts";
import { checkStoredSettings } from "./preflight.ts";
import { ReignTenure } from "./reign-tenure.ts";
import { bool, epochParameters, readBumpRow, readEpoch, readHighWater, readOracleRow, text } from "./rows.ts";
import type { PgSession, Reply } from "./session.ts";
import { SessionGate } from "./session-gate.ts";
import { after } from "./timers.ts";

/** Performs what the campaign decides, over the one session that it may have, and tells the cell who leads. */
export class Election {
  readonly #config: DriverConfig;
  readonly #cell: LeadershipCell;
  /** Names this instance in the row: what it did itself it need not wait for. */
  readonly #holder: string = randomUUID();
  readonly #campaign: Campaign;
  readonly #connector: Connector;
  readonly #gate: SessionGate;
  readonly #confirms: ConfirmRounds;
  readonly #lastWords: LastWords;
  #reign: ReignTenure | undefined;
  /** The server's process of the session that the newest reign began in. */
  #reignPid = "";
  #events: CampaignEvent[] = [];
  #cancelWake: () => void = () => {};
  #releases: (() => void)[] = [];

  constructor(config: DriverConfig, cell: LeadershipCell) {
    this.#config = config;
    this.#cell = cell;
    this.#connector = new Connector(config);
    this.#gate = new SessionGate(config.opTimeoutMs);
    this.#confirms = new ConfirmRounds(config, {
      session: () => this.#gate.current,
      onFenced: (epoch) => this.#dispatch({ type: "fenced", epoch }),
    });
    this.#lastWords = new LastWords(config, this.#holder);
    const { terms, freshness, random, mayLead, endpoint } = config;
    this.#campaign = new Campaign(
      { terms, freshness, random, mayLead, endpoint, holder: this.#holder },
      config.clock.monotonicNs(),
    );
  }

  /** Begins. Resolves to how the first attempt to connect ended: a failure, or nothing. */
  async start(): Promise<StatementFailure | undefined> {
    this.#dispatch({ type: "tick" });
    return await this.#gate.firstAttempt;
  }

  /** Hands over, if this process leads, and lets others go first for a moment. */
  async resign(): Promise<void> {
    this.#dispatch({ type: "resign" });
    await this.#released();
  }

  /** Stops granting at once; resolves when the lock is free, or soon after the server stopped answering. */
  async stop(): Promise<void> {
    this.#gate.close();
    this.#connector.abandon();
    this.#dispatch({ type: "stop" });
    await this.#released();
    this.#cancelWake();
  }

  ready(): Promise<PgSession> {
    return this.#gate.ready();
  }

  sessionOf(epoch: Epoch): PgSession {
    const leading = this.#campaign.leadingEpoch;
    const session = this.#gate.current;
    if (leading === epoch && session !== undefined) return session;
    if (leading === epoch) {
      throw new ConsensusError("transient", "the connection to the server was lost just now; nothing was written");
    }
    const instead = leading === undefined ? "does not lead" : `leads in epoch ${leading}`;
    throw new ConsensusError("not_leader", `this server ${instead}, and not in epoch ${epoch}; nothing was written`, {
      currentEpoch: leading,
    });
  }

  /** What is durable: a write, so that it passes the same gate as those that it must see. @throws StatementFailure */
  async load(session: PgSession): Promise<PhysicalMs> {
    const { statements, identity } = this.#config;
    const reply = await session.run(statements.load, [identity.name], {
      what: "cannot load the high-water",
      isWrite: true,
    });
    return readHighWater(oneRow(reply, identity.name));
  }

  /** A write that checks the epoch and raises the beat. The mark is taken in the moment before it is sent. */
  async renewing(
    session: PgSession,
    epoch: Epoch,
    what: string,
    statement: string,
    rest: readonly string[],
  ): Promise<PhysicalMs> {
    const { clock, identity } = this.#config;
    let mark: LeaseMark | undefined;
    const values = [identity.name, ...epochParameters(epoch), ...rest];
    const reply = await session.run(statement, values, {
      what,
      isWrite: true,
      beforeSend: () => {
        mark = clock.mark();
      },
    });
    const [row] = reply.rows;
    if (row === undefined || mark === undefined) throw await this.fencedOut(session, epoch);
    if (text(row, "pid") !== session.backendPid) {
      const failure = movedAway(session.backendPid, row["pid"]);
      this.#lost(session, failure);
      throw failure;
    }
    if (this.#config.durability === "replicated" && row["standby_names"] === "") {
      const failure = unreplicated();
      this.#lost(session, failure);
      throw failure;
    }
    const highWater = readHighWater(row);
    if (this.#reign?.epoch === epoch) this.#reign.keeper.renewed(mark);
    const prevClean = bool(row, "prev_clean");
    this.#dispatch({ type: "accepted", epoch, sentNs: mark.monotonicNs, highWater, prevClean });
    return highWater;
  }

  async fencedOut(session: PgSession, epoch: Epoch): Promise<ConsensusError> {
    const { statements, identity } = this.#config;
    const reply = await session.run(statements.diagnose, [identity.name], { what: "cannot see who reigns" });
    const [row] = reply.rows;
    const stored = row === undefined ? undefined : readEpoch(row);
    if (stored !== undefined && stored > epoch) {
      this.#dispatch({ type: "fenced", epoch });
      const message = `epoch ${epoch} was superseded by ${stored}; nothing was written`;
      return new ConsensusError("fenced", message, { currentEpoch: stored });
    }
    if (stored === epoch) {
      return new ConsensusError("transient", `a write of epoch ${epoch} matched no row, although it reigns`);
    }
    const failure = stored === undefined ? gone(identity.name) : regressed(epoch, stored);
    this.#lost(session, failure);
    return failure.toConsensusError(true);
  }

  /** Steps the campaign. Events that come while effects are performed wait for their turn. */
  #dispatch(event: CampaignEvent): void {
    this.#events.push(event);
    if (this.#events.length > 1) return;
    try {
      for (let next = this.#events[0]; next !== undefined; next = this.#events[0]) {
        for (const effect of this.#campaign.step(next, this.#config.clock.monotonicNs())) this.#perform(effect);
        this.#events.shift();
      }
      this.#schedule();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** A defect: whatever else holds, this process leads no more. The event that was not finished blocks all later ones. */
  #giveUp(error: unknown): void {
    this.#reign?.end();
    this.#gate.drop();
    this.#cell.close(ConsensusError.from(error));
    this.#tellReleased();
  }

  #schedule(): void {
    this.#cancelWake();
    const wakeAtNs = this.#campaign.wakeAtNs;
    if (wakeAtNs === undefined) return;
    const delayMs = Number(wakeAtNs - this.#config.clock.monotonicNs()) / 1e6;
    this.#cancelWake = after(delayMs, () => this.#dispatch({ type: "tick" }));
  }

  #perform(effect: CampaignEffect): void {
    const { statements, identity, log } = this.#config;
    const { name, lockKey, applicationName } = identity;
    switch (effect.type) {
      case "connect":
        void this.#connect();
        break;
      case "disconnect":
        if (this.#campaign.leadingEpoch === undefined) this.#reign?.end();
        this.#gate.drop();
        if (this.#campaign.state.phase !== "releasing") this.#tellReleased();
        break;
      case "poll":
        this.#ask(
          (session) =>
            session.run(effect.tryLock ? statements.poll : statements.observe, [name], {
              what: `cannot poll oracle "${name}"`,
            }),
          (reply) => {
            const row = oneRow(reply, name);
            checkStoredSettings(row, this.#config);
            return { type: "polled", row: readOracleRow(row), got: text(row, "got") === "t" };
          },
        );
        break;
      case "evict":
        this.#ask(
          (session) => session.run(statements.evict, [lockKey, applicationName], { what: "cannot evict the holder" }),
          (reply) => ({ type: "evicted", killed: reply.rows.filter((row) => row["killed"] === "t").length }),
        );
        break;
      case "bump":
        this.#bump();
        break;
      case "renew":
        void this.#renew(effect.epoch);
        break;
      case "clean":
        this.#ask(
          (session) => this.#lastWords.ofLost(session, effect.epoch, this.#reignPid),
          () => ({ type: "cleaned" }),
        );
        break;
      case "release":
        void this.#release(effect.epoch);
        break;
      case "lead":
        if (this.#reign?.epoch !== effect.epoch) throw new TypeError("the epoch was installed before it leads");
        log.info({ oracle: name, epoch: effect.epoch.toString() }, "this server leads");
        this.#cell.set({ role: "leader", epoch: effect.epoch, tenure: this.#reign.tenure });
        break;
      case "end_reign":
        this.#reign?.end();
        break;
      case "follow":
        this.#cell.set({
          role: "follower",
          leaderEndpoint: readEndpoint(effect.holderEndpoint),
          leaderEpoch: effect.epoch,
        });
        break;
      case "unknown":
        this.#cell.set({ role: "unknown" });
        break;
      case "note":
        log[effect.level]({ oracle: name }, effect.message);
        break;
      default:
        effect satisfies never;
    }
  }

  async #connect(): Promise<void> {
    try {
      const session = await this.#connector.open((self) => ({
        onLost: (failure) => this.#lost(self(), failure),
        onNotification: () => this.#dispatch({ type: "notified" }),
      }));
      if (this.#campaign.state.phase !== "connecting") return session.destroy();
      this.#gate.admit(session);
      this.#dispatch({ type: "connected" });
    } catch (error) {
      const failure = StatementFailure.of("cannot connect", error, false);
      this.#report(failure);
      this.#gate.failed(failure);
      this.#dispatch({ type: "connect_failed", permanent: failure.isPermanent });
    }
  }

  /** A statement of the campaign itself. Its answer counts only while its session is the present one. */
  #ask(send: (session: PgSession) => Promise<Reply>, answer: (reply: Reply) => CampaignEvent): void {
    const session = this.#gate.current;
    if (session === undefined) this.#dispatch({ type: "lost", permanent: false });
    else void this.#answer(session, send(session), answer);
  }

  async #answer(session: PgSession, sent: Promise<Reply>, answer: (reply: Reply) => CampaignEvent): Promise<void> {
    let event: CampaignEvent;
    try {
      event = answer(await sent);
    } catch (error) {
      return this.#failed(session, error);
    }
    if (session === this.#gate.current) this.#dispatch(event);
  }

  /** What a failed statement of the campaign means for it. */
  #failed(session: PgSession, error: unknown): void {
    if (session !== this.#gate.current) return;
    const failure = StatementFailure.of("a statement of the election failed", error, true);
    if (failure.verdict.connection === "destroy") {
      this.#lost(session, failure);
    } else {
      this.#report(failure);
      this.#dispatch({ type: "refused" });
    }
  }

  #lost(session: PgSession, failure: StatementFailure): void {
    if (session !== this.#gate.current) return;
    this.#report(failure);
    this.#gate.failed(failure);
    this.#dispatch({ type: "lost", permanent: failure.isPermanent });
  }

  #bump(): void {
    const config = this.#config;
    let mark: LeaseMark | undefined;
    let pid = "";
    this.#ask(
      (session) => {
        pid = session.backendPid;
        return session.run(config.statements.bump, [config.identity.name, this.#holder, config.endpoint], {
          what: "cannot begin a reign",
          isWrite: true,
          beforeSend: () => {
            mark = config.clock.mark();
          },
        });
      },
      (reply) => {
        const [first] = reply.rows;
        if (first === undefined || mark === undefined) throw wrongCluster(config.identity.name);
        checkStoredSettings(first, config);
        const row = readBumpRow(first);
        const reign = new ReignTenure(row.epoch, config, this.#confirms);
        reign.keeper.renewed(mark);
        this.#reign = reign;
        this.#reignPid = pid;
        return { type: "bumped", row };
      },
    );
  }

  async #renew(epoch: Epoch): Promise<void> {
    const session = this.#gate.current;
    if (session === undefined) return this.#dispatch({ type: "lost", permanent: false });
    try {
      await this.renewing(session, epoch, "cannot renew the reign", this.#config.statements.renew, []);
    } catch (error) {
      this.#failed(session, error);
    }
  }

  /** Best effort: a release that fails costs the successor its wait. */
  async #release(epoch: Epoch): Promise<void> {
    const session = this.#gate.current;
    try {
      if (session !== undefined) {
        await this.#lastWords.ofReleased(session, epoch);
        await session.end();
      }
    } catch (error) {
      const { message } = StatementFailure.of("cannot release", error, true);
      this.#config.log.warn({ oracle: this.#config.identity.name }, message);
    }
    this.#dispatch({ type: "released" });
  }

  /** Resolves when the reign is over, if one is being released. */
  #released(): Promise<void> {
    if (this.#campaign.state.phase !== "releasing") return Promise.resolve();
    return new Promise((resolve) => this.#releases.push(resolve));
  }

  #tellReleased(): void {
    for (const resolve of this.#releases.splice(0)) resolve();
  }

  #report(failure: StatementFailure): void {
    const { alarm, reason } = failure.verdict;
    this.#config.log[alarm ? "error" : "warn"]({ oracle: this.#config.identity.name, reason }, failure.message);
  }
}
