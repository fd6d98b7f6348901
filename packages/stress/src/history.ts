// SPDX-License-Identifier: Apache-2.0
import { HistoryChecker, type HistoryReport, type OkOutcome, type Outcome } from "@tsoracle/conformance/checker";
import type { CallResult, RecordedCall } from "./recorded-call.ts";
import { TICKS_PER_MS } from "./shared-clock.ts";

/** Where the control puts its violation: an answer that comes late enough for the first one to have ended. */
const CORRUPTED_ANSWER = 100;

/** A call that is shorter cannot have waited for anything that a fault did. */
const WAITED_TICKS = 10 * TICKS_PER_MS;

/** A call to one server, whatever came of it. */
export interface PinnedCall {
  readonly server: number;
  readonly begin: number;
  readonly end: number;
}

/** Every call of a run, and what the harness has to know while it goes on. Instants are of the shared clock. */
export class History {
  /** When answers came: to anybody, and to clients that look for the leader themselves. Not in order. */
  readonly ends: number[] = [];
  readonly ordinaryEnds: number[] = [];
  readonly #waited: PinnedCall[] = [];
  /** By epoch, the first answer of the server that it belongs to. */
  readonly #reigns = new Map<bigint, PinnedCall>();
  readonly #checker = new HistoryChecker();
  readonly #errors = new Map<string, number>();
  readonly #corrupt: boolean;
  #answered = 0;
  #issued = 0;
  #first: OkOutcome | undefined;
  #newest: (PinnedCall & { readonly epoch: bigint }) | undefined;

  /** With `corrupt`, one answer is recorded as if it had been that of the first call: the positive control. */
  constructor({ corrupt = false }: { readonly corrupt?: boolean } = {}) {
    this.#corrupt = corrupt;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Timestamps in callers' hands. */
  get issued(): number {
    return this.#issued;
  }

  /** Calls without an answer, by who made them and code. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  /**
   * Of the answers by servers that were asked directly, the one to the call that began last, of the highest epoch: it
   * names the leader, also where an older one still answers.
   */
  get newestPinned(): PinnedCall | undefined {
    return this.#newest;
  }

  /** @throws HistoryError for a call that cannot have been observed. */
  add(call: RecordedCall): void {
    const { client, begin, end, pinnedTo, result } = call;
    this.#checker.add({ client, begin, end, outcome: this.#outcome(result, pinnedTo) });
    if (pinnedTo !== undefined && end - begin >= WAITED_TICKS) this.#waited.push({ server: pinnedTo, begin, end });
    if (result.kind === "error") return;
    this.ends.push(end);
    if (pinnedTo === undefined) this.ordinaryEnds.push(end);
    else this.#answeredBy({ server: pinnedTo, begin, end, epoch: result.epoch });
  }

  #answeredBy(call: PinnedCall & { readonly epoch: bigint }): void {
    const first = this.#reigns.get(call.epoch);
    if (first === undefined || call.end < first.end) this.#reigns.set(call.epoch, call);
    const { epoch = -1n, begin = -1 } = this.#newest ?? {};
    if (call.epoch > epoch || (call.epoch === epoch && call.begin > begin)) this.#newest = call;
  }

  /** How many calls a server had been asked and had not answered at an instant when it had said nothing for a while. */
  outstanding(server: number, at: number): number {
    return this.#waited.filter((call) => call.server === server && call.begin < at && call.end > at).length;
  }

  /** Whether another server began to answer, in an epoch of its own, between two instants. */
  overtaken(server: number, from: number, to: number): boolean {
    return [...this.#reigns.values()].some((first) => first.server !== server && first.end > from && first.end < to);
  }

  /** The verdict over all calls. */
  judge(): HistoryReport {
    return this.#checker.finish();
  }

  #outcome(result: CallResult, pinnedTo: number | undefined): Outcome {
    if (result.kind === "error") {
      const name = `${pinnedTo === undefined ? "client" : "one server"}: ${result.code}`;
      this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1);
      return { kind: result.issuedNothing ? "failed" : "unknown" };
    }
    this.#answered += 1;
    this.#issued += result.count;
    const { first, count, epoch } = result;
    const outcome: OkOutcome = { kind: "ok", first, count, epoch };
    this.#first ??= outcome;
    return this.#corrupt && this.#answered === CORRUPTED_ANSWER ? this.#first : outcome;
  }
}
