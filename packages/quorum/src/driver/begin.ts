// SPDX-License-Identifier: Apache-2.0
import { nextStep } from "./beginning.ts";
import type { MemberReading } from "./life.ts";
import type { Led, Member } from "./member.ts";
import type { QuorumSetup } from "./options.ts";

export type BeginResult =
  /** The first ballot may be minted in these lives. */
  | { readonly kind: "ready"; readonly lives: ReadonlyMap<string, bigint> }
  /** Something was written, so that it is worth looking again. */
  | { readonly kind: "advanced" }
  /** Nothing can be done now. */
  | { readonly kind: "waiting" };

/**
 * Looks twice at all members and writes the next step of a new history to those that this node leads; whoever leads
 * the others does the same there. It never rejects: a member that does not answer is waited for.
 */
export async function begin(setup: QuorumSetup, led: readonly (readonly [Member, Led])[]): Promise<BeginResult> {
  const named = await Promise.allSettled(led.map(([member, { epoch }]) => within(setup, member.name(epoch))));
  if (named.some(({ status }) => status === "rejected")) return { kind: "waiting" };
  const first = await lookAtAll(setup);
  if (first === undefined) return { kind: "waiting" };
  const second = await lookAtAll(setup);
  if (second === undefined) return { kind: "waiting" };
  const ids = setup.members.map(({ id }) => id);
  const step = nextStep(ids, first, second);
  switch (step.kind) {
    case "stand":
      return { kind: "ready", lives: step.lives };
    case "begin":
      return await write(setup, led, second, "empty", "begun");
    case "admit":
      return await write(setup, led, second, "begun", "admitted");
    case "none":
      return { kind: "waiting" };
    default:
      return step satisfies never;
  }
}

/** Every member's reading, or nothing if one cannot be had, or shows that there is a history. */
async function lookAtAll(setup: QuorumSetup): Promise<ReadonlyMap<string, MemberReading> | undefined> {
  const looks = await Promise.allSettled(
    setup.members.map(async (member) => [member.id, await within(setup, member.read())] as const),
  );
  const found = looks.flatMap((look) => (look.status === "fulfilled" ? [look.value] : []));
  const isNew = found.length === setup.members.length && found.every(([, { ballot }]) => ballot === 0n);
  return isNew ? new Map(found) : undefined;
}

async function write(
  setup: QuorumSetup,
  led: readonly (readonly [Member, Led])[],
  readings: ReadonlyMap<string, MemberReading>,
  from: "empty" | "begun",
  to: "begun" | "admitted",
): Promise<BeginResult> {
  const writes = led.flatMap(([member, { epoch }]) => {
    const reading = readings.get(member.id);
    return reading?.stage === from ? [within(setup, member.setStage(reading.life, to, epoch))] : [];
  });
  const written = await Promise.allSettled(writes);
  return { kind: written.some(({ status }) => status === "fulfilled") ? "advanced" : "waiting" };
}

/** Waits no longer than a round; what was begun goes on. */
function within<T>({ policy, timers }: QuorumSetup, call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(policy.ackTimeoutMs, () => reject(new Error("it did not answer in time")));
    call.then(resolve, reject).finally(cancel);
  });
}
