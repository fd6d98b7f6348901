// SPDX-License-Identifier: Apache-2.0
import type { LeaseStore } from "@tsoracle/consensus";
import {
  type Clock,
  type LeaseChange,
  type LeaseRecord,
  type LeaseRequestRefusal,
  type LeaseTtlBounds,
  type PhysicalMs,
  type RenewPlan,
  U64_MAX,
  validateLeaseRequest,
} from "@tsoracle/core";
import {
  type AcquireLeaseRequest,
  type AcquireLeaseResponse,
  epochToWire,
  type ReleaseLeaseRequest,
  type ReleaseLeaseResponse,
  type RenewLeaseRequest,
  type RenewLeaseResponse,
} from "@tsoracle/proto";
import type { Admission } from "./admission.ts";
import type { Extension } from "./extension.ts";
import type { Gate, Slot } from "./gate.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { NotLeader } from "./not-leader.ts";
import type { Presence } from "./presence.ts";
import type { Reign } from "./reign.ts";
import { Code, RpcError } from "./status.ts";

export interface LeaseParts {
  readonly store: LeaseStore | undefined;
  readonly presence: Presence;
  readonly notLeader: NotLeader;
  readonly admission: Admission;
  readonly extension: Pick<Extension, "raise">;
  readonly gate: Gate;
  /** The extension slot is the lock of the lease table as well. */
  readonly slot: Slot;
  readonly clock: Clock;
  readonly metrics: ServerMetrics;
  readonly ttl: LeaseTtlBounds;
  /** Most leases that may live at one time; the superseded count until they expire. */
  readonly maxLeases: number;
}

/** What was decided in the slot: something made durable, or something that was known without writing. */
type Decision<T> = { readonly written: T } | { readonly known: T | RpcError };

/**
 * Client leases: a promise that the high-water covers their whole life, kept in the store. Each
 * change is planned, made durable and only then taken over, alone in the extension slot.
 */
export class Leases {
  readonly #parts: LeaseParts;
  /** Reigns under which the store has been seen to accept lease records. */
  readonly #accepting = new WeakSet<Reign>();

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  acquire(request: AcquireLeaseRequest): Promise<AcquireLeaseResponse> {
    const { metrics, ttl } = this.#parts;
    metrics.add("tsoracle.lease.acquire.requests.total");
    return this.#admitted(async (reign, store) => {
      const checked = validateLeaseRequest(request.holder, request.ttlMs, ttl);
      if (!checked.ok) throw refusedRequest(checked);
      const record = await this.#alone(reign, (nowMs) => this.#acquireInSlot(request, reign, store, nowMs));
      metrics.add("tsoracle.lease.acquire.success.total");
      const { leaseId, tsUpperBound, expiresAtMs } = record;
      return { leaseId, tsUpperBound, expiresAtMs, epoch: epochToWire(reign.epoch) };
    });
  }

  renew({ leaseId }: RenewLeaseRequest): Promise<RenewLeaseResponse> {
    const { metrics } = this.#parts;
    metrics.add("tsoracle.lease.renew.requests.total");
    return this.#admitted(async (reign, store) => {
      const renewed = await this.#alone(reign, async (nowMs) => {
        const plan = reign.leases.planRenew(leaseId, nowMs);
        if (plan.kind !== "renew") return { known: refusedRenewal(plan, leaseId) };
        const { record } = plan;
        const bound = await this.#coveringBound(reign, nowMs, Number(record.ttlMs));
        const written = { ...record, tsUpperBound: BigInt(bound), expiresAtMs: expiry(nowMs, record.ttlMs) };
        await this.#store(reign, store, { upsert: written }, nowMs);
        return { written };
      });
      metrics.add("tsoracle.lease.renew.success.total");
      const { tsUpperBound, expiresAtMs } = renewed;
      return { tsUpperBound, expiresAtMs, epoch: epochToWire(reign.epoch) };
    });
  }

  release({ leaseId }: ReleaseLeaseRequest): Promise<ReleaseLeaseResponse> {
    this.#parts.metrics.add("tsoracle.lease.release.requests.total");
    return this.#admitted((reign, store) =>
      this.#alone(reign, async (nowMs) => {
        if (reign.leases.planRelease(leaseId) === undefined) return { known: {} };
        await this.#store(reign, store, { remove: leaseId }, nowMs);
        return { written: {} };
      }),
    );
  }

  /** What every lease call passes first. An unsupported feature is refused before anything is written. */
  #admitted<T>(work: (reign: Reign, store: LeaseStore) => Promise<T>): Promise<T> {
    const { admission, presence, store } = this.#parts;
    return admission.run(async () => {
      const reign = presence.reign();
      if (store === undefined) {
        throw new RpcError(Code.UNIMPLEMENTED, "leases are not supported by this consensus driver");
      }
      return work(reign, store);
    });
  }

  /**
   * Decides in the slot. What was written is answered as it is, since the store has checked the epoch;
   * what was only known is answered, or refused, after a look at the tenure, outside the slot.
   */
  async #alone<T>(reign: Reign, decide: (nowMs: number) => Promise<Decision<T>>): Promise<T> {
    const { presence, slot, clock } = this.#parts;
    const decision = await slot.run(() => {
      presence.still(reign);
      return decide(clock.nowMs());
    });
    if ("written" in decision) return decision.written;
    await presence.mayAnswer(reign);
    if (decision.known instanceof RpcError) throw decision.known;
    return decision.known;
  }

  async #acquireInSlot(
    request: AcquireLeaseRequest,
    reign: Reign,
    store: LeaseStore,
    nowMs: number,
  ): Promise<Decision<LeaseRecord>> {
    const plan = reign.leases.planAcquire(request.holder, request.holderEpoch, nowMs);
    switch (plan.kind) {
      case "idempotent":
        return { known: plan.record };
      case "holder_epoch_stale": {
        const message = `holder epoch ${plan.requested} is stale: the holder has a lease at epoch ${plan.held}`;
        return { known: new RpcError(Code.FAILED_PRECONDITION, message) };
      }
      case "grant": {
        const { maxLeases } = this.#parts;
        if (reign.leases.project({}, nowMs).length >= maxLeases) {
          const message = `${maxLeases} leases are live already; release some, or wait until some expire`;
          return { known: new RpcError(Code.RESOURCE_EXHAUSTED, message) };
        }
        await this.#requireAcceptance(reign, store, nowMs);
        const bound = await this.#raise(reign, nowMs, Number(request.ttlMs));
        const record: LeaseRecord = {
          leaseId: BigInt(bound),
          holder: Uint8Array.from(request.holder),
          holderEpoch: request.holderEpoch,
          ttlMs: request.ttlMs,
          tsUpperBound: BigInt(bound),
          expiresAtMs: expiry(nowMs, request.ttlMs),
          superseded: false,
        };
        await this.#store(reign, store, { supersede: plan.supersedes, upsert: record }, nowMs);
        return { written: record };
      }
      default:
        return plan satisfies never;
    }
  }

  /**
   * Finds out, once per reign, whether the store takes lease records at all, by writing the set that
   * is there already: a client that keeps asking a store that does not must not move the high-water
   * (`tsoracle-behaviour.md` 13(e)).
   */
  async #requireAcceptance(reign: Reign, store: LeaseStore, nowMs: number): Promise<void> {
    if (this.#accepting.has(reign)) return;
    await this.#store(reign, store, {}, nowMs);
  }

  /** A bound for a renewal: the high-water of now where it reaches far enough (`tsoracle-behaviour.md` 13(a)). */
  #coveringBound(reign: Reign, nowMs: number, ttlMs: number): Promise<PhysicalMs> | PhysicalMs {
    const { committedHighWater } = reign.allocator;
    if (committedHighWater !== undefined && committedHighWater >= nowMs + ttlMs) return committedHighWater;
    return this.#raise(reign, nowMs, ttlMs);
  }

  /** A bound that was never one before. */
  async #raise(reign: Reign, nowMs: number, ttlMs: number): Promise<PhysicalMs> {
    const { extension, notLeader } = this.#parts;
    const raised = await extension.raise(reign, reign.allocator.prepareLeaseBound(nowMs, ttlMs));
    if (!raised.ok) throw raised.refusal === "not_leader" ? notLeader.answer() : raised.refusal;
    if (raised.commit.outcome === "applied") return raised.persisted;
    if (raised.commit.reason !== "not_advanced") throw notLeader.answer();
    // The bound identifies the lease, so one that is not new cannot be used.
    throw new RpcError(Code.INTERNAL, `persist: the driver answered ${raised.persisted}, which is not above the last`);
  }

  /** Makes a change durable, then takes it over if the reign is still the same. */
  async #store(reign: Reign, store: LeaseStore, change: LeaseChange, nowMs: number): Promise<void> {
    const { presence, gate, notLeader } = this.#parts;
    presence.still(reign);
    const live = reign.leases.project(change, nowMs);
    if (!gate.enter()) throw notLeader.answer();
    try {
      await presence.call(reign, "persist leases", () => store.replace(live, reign.epoch));
    } finally {
      gate.leave();
    }
    presence.still(reign);
    this.#accepting.add(reign);
    reign.leases.commit(live);
  }
}

function expiry(nowMs: number, ttlMs: bigint): bigint {
  const at = BigInt(nowMs) + ttlMs;
  return at > U64_MAX ? U64_MAX : at;
}

function refusedRequest(refusal: LeaseRequestRefusal): RpcError {
  switch (refusal.reason) {
    case "holder_length":
      return new RpcError(
        Code.INVALID_ARGUMENT,
        `holder length must be between 1 and ${refusal.max} bytes, got ${refusal.bytes}`,
      );
    case "ttl_out_of_range":
      return new RpcError(
        Code.INVALID_ARGUMENT,
        `ttl_ms must be between ${refusal.floorMs} and ${refusal.ceilingMs}, got ${refusal.ttlMs}`,
      );
    default:
      return refusal satisfies never;
  }
}

function refusedRenewal(plan: Exclude<RenewPlan, { kind: "renew" }>, leaseId: bigint): RpcError {
  switch (plan.kind) {
    case "unknown_lease":
      return new RpcError(Code.NOT_FOUND, `unknown lease ${leaseId}`);
    case "expired":
      return new RpcError(Code.FAILED_PRECONDITION, `lease ${leaseId} expired at ${plan.expiredAtMs} ms`);
    case "superseded":
      return new RpcError(Code.FAILED_PRECONDITION, `lease ${leaseId} was superseded by holder epoch ${plan.byEpoch}`);
    default:
      return plan satisfies never;
  }
}
