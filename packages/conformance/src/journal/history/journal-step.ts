// SPDX-License-Identifier: Apache-2.0
import type { Random } from "../../random.ts";
import type { JournalSubject } from "../journal-subject.ts";

/** Whose fence a step uses: the owner's that the model believes in, or one that is named. */
export type StepFence = "owner" | { readonly epoch: number; readonly owner: string };

/**
 * One step of a random history, as plain data. `by` is relative to what the model believes, so that each step can stand
 * after any other, and leaving some out of a history always gives a history again.
 */
export type JournalStep =
  | { readonly kind: "create"; readonly id: string; readonly fence: StepFence; readonly text?: string | undefined }
  | { readonly kind: "takeover"; readonly id: string; readonly fence: StepFence; readonly by: number }
  | {
      readonly kind: "append" | "snapshot" | "ahead";
      readonly id: string;
      readonly fence: StepFence;
      readonly by: number;
      readonly text: string;
    }
  | { readonly kind: "truncate"; readonly id: string; readonly fence: StepFence; readonly by: number }
  | { readonly kind: "load"; readonly id: string; readonly node: number }
  | { readonly kind: "reopen"; readonly node: number }
  | { readonly kind: "crash"; readonly node: number }
  /** The next write's reply is lost. */
  | { readonly kind: "lose"; readonly node: number };

type Kind = JournalStep["kind"];

const CALM: readonly [Kind, ...Kind[]] = [
  "append",
  "append",
  "append",
  "append",
  "load",
  "takeover",
  "snapshot",
  "truncate",
  "create",
  "ahead",
];
/** A restart may cost a real store a while, and each lost reply doubles what the model has to believe. */
const MAX_DISRUPTIONS = 6;

/** A random history that this subject can carry out. */
export function generateJournalHistory(
  random: Random,
  subject: JournalSubject,
  length: number,
): readonly JournalStep[] {
  const disruptive: [Kind, ...Kind[]] = ["reopen"];
  if (subject.faults.includes("crash")) disruptive.push("crash");
  if (subject.faults.includes("loseReply")) disruptive.push("lose", "lose");
  let disruptions = 0;
  const rest = Array.from({ length }, (_, index) => {
    const disrupt = disruptions < MAX_DISRUPTIONS && random.oneIn(8);
    if (disrupt) disruptions += 1;
    return generateStep(random, random.pick(disrupt ? disruptive : CALM), subject.nodes, `#${index}`);
  });
  return [{ kind: "create", id: "s", fence: { epoch: 1, owner: "a" } }, ...rest];
}

function generateStep(random: Random, kind: Kind, nodes: number, text: string): JournalStep {
  const node = random.below(nodes);
  const id = random.oneIn(4) ? "t" : "s";
  const fence: StepFence = random.oneIn(4) ? { epoch: random.below(12), owner: random.pick(["a", "b"]) } : "owner";
  // Mostly the number that is right, sometimes one beside it.
  const by = random.oneIn(4) ? random.below(5) - 2 : 0;
  switch (kind) {
    case "create":
      return { kind, id, fence: { epoch: random.below(12), owner: random.pick(["a", "b"]) }, text };
    case "takeover":
      return { kind, id, fence, by: random.below(3) };
    case "append":
    case "snapshot":
    case "ahead":
      return { kind, id, fence, by, text };
    case "truncate":
      return { kind, id, fence, by };
    case "load":
      return { kind, id, node };
    case "reopen":
    case "crash":
    case "lose":
      return { kind, node };
    default:
      return kind satisfies never;
  }
}

/** A step as a person reads it. */
export function showJournalStep({ kind, ...rest }: JournalStep): string {
  return `${kind} ${JSON.stringify(rest)}`;
}
