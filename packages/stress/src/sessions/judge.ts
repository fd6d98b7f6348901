// SPDX-License-Identifier: Apache-2.0
import type { Alarm, SessionCall } from "./call.ts";
import { CONTINUITY_BUDGET_MS } from "./continuity-budget.ts";
import type { FinalSession } from "./final-session.ts";
import { judgeEntries } from "./judge-entries.ts";
import type { SessionViolation } from "./session-violation.ts";

export interface JudgedRun {
  readonly calls: readonly SessionCall[];
  readonly alarms: readonly Alarm[];
  /** What a new owner found in each session when all was over. */
  readonly finals: readonly FinalSession[];
}

/** Judges everything that the workers were told against what the journals hold. Pure. */
export function judgeSessions({ calls, alarms, finals }: JudgedRun): readonly SessionViolation[] {
  const bySession = new Map<string, SessionCall[]>();
  for (const call of calls) {
    const own = bySession.get(call.session);
    if (own === undefined) bySession.set(call.session, [call]);
    else own.push(call);
  }
  return [
    ...finals.flatMap((final) => {
      const own = bySession.get(final.session) ?? [];
      return [...judgeEntries(final, own), ...judgeOwners(final, own), ...judgeFencing(own), ...judgeContinuity(own)];
    }),
    ...alarms.map(
      ({ session, what, caller }): SessionViolation => ({
        kind: "alarm",
        session,
        message: `worker ${caller} was told: ${what}`,
        calls: [],
      }),
    ),
  ];
}

interface Ownership {
  readonly call: SessionCall;
  readonly epoch: bigint;
}

const ownerships = (calls: readonly SessionCall[]): Ownership[] =>
  calls.flatMap((call) => (call.outcome.kind === "owned" ? [{ call, epoch: call.outcome.epoch }] : []));

/** Epochs are used once, and a call that ended before another began has the smaller one. */
function judgeOwners(final: FinalSession, calls: readonly SessionCall[]): SessionViolation[] {
  const { session } = final;
  const byEnd = ownerships(calls).sort((a, b) => a.call.end - b.call.end);
  const byBegin = [...byEnd].sort((a, b) => a.call.begin - b.call.begin);
  const found: SessionViolation[] = [];
  const tell = (message: string, ...proof: SessionCall[]): void => {
    found.push({ kind: "epoch_order", session, message, calls: proof });
  };
  let newest: Ownership | undefined;
  let next = 0;
  for (const later of byBegin) {
    for (; (byEnd[next]?.call.end ?? Number.POSITIVE_INFINITY) < later.call.begin; next += 1) {
      const ended = byEnd[next];
      if (ended !== undefined && (newest === undefined || ended.epoch > newest.epoch)) newest = ended;
    }
    if (newest !== undefined && later.epoch <= newest.epoch) {
      tell(`an owner of epoch ${newest.epoch} was followed by one of epoch ${later.epoch}`, newest.call, later.call);
    }
  }
  const used = new Map<bigint, SessionCall>();
  for (const { epoch, call } of byEnd) {
    const first = used.get(epoch);
    if (first !== undefined) tell(`two owners had epoch ${epoch}`, first, call);
    used.set(epoch, call);
    if (final.kind === "read" && epoch >= final.epoch) {
      tell(`the last owner has epoch ${final.epoch}, and one before it had ${epoch}`, call);
    }
  }
  return found;
}

/** No append that began after a newer owner had the session may be acknowledged to an older one. */
function judgeFencing(calls: readonly SessionCall[]): SessionViolation[] {
  const byEnd = ownerships(calls).sort((a, b) => a.call.end - b.call.end);
  const appends = calls.filter(({ outcome }) => outcome.kind === "appended").sort((a, b) => a.begin - b.begin);
  const found: SessionViolation[] = [];
  let newest: Ownership | undefined;
  let next = 0;
  for (const append of appends) {
    for (; (byEnd[next]?.call.end ?? Number.POSITIVE_INFINITY) < append.begin; next += 1) {
      const ended = byEnd[next];
      if (ended !== undefined && (newest === undefined || ended.epoch > newest.epoch)) newest = ended;
    }
    const epoch = append.entry?.epoch;
    if (newest === undefined || epoch === undefined || epoch >= newest.epoch) continue;
    const message = `an append under epoch ${epoch} was acknowledged although it began after epoch ${newest.epoch} had the session`;
    found.push({ kind: "fenced_owner", session: append.session, message, calls: [newest.call, append] });
  }
  return found;
}

function judgeContinuity(calls: readonly SessionCall[]): SessionViolation[] {
  return calls.flatMap((call): SessionViolation[] => {
    const reported = call.outcome.kind === "owned" ? call.outcome.continuity : undefined;
    if (reported === undefined) return [];
    const { latencyMs, loss, met } = reported;
    if (met === (latencyMs <= CONTINUITY_BUDGET_MS && loss === 0)) return [];
    const says = `${latencyMs} ms and ${loss} lost entries are said to have ${met ? "kept" : "missed"} the budget`;
    return [{ kind: "continuity", session: call.session, message: says, calls: [call] }];
  });
}
