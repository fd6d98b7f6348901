// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import { compareCopies } from "./ballot.ts";
import type { Deadline } from "./group-errors.ts";
import { type KnownState, knownState } from "./quorum-read.ts";
import type { ReplicaHead } from "./replica.ts";
import type { ReplicaGroup } from "./replica-group.ts";

/** What was found at the newest copies of a session, and which copy that was. */
interface Damage {
  readonly copy: string;
  readonly error: JournalError;
}

/**
 * Tells a session that cannot be settled because no whole copy of its newest state is left from one that others work on.
 * For whoever has tried for a while: two looks at all nodes must find the same copy damaged wherever it is. A node that
 * does not answer may have a whole one, and then nothing is said; nor where the state of a majority is whole.
 *
 * @throws JournalError `permanent`
 */
export async function tellDamage(group: ReplicaGroup, id: string, deadline: Deadline): Promise<void> {
  const first = await newestDamaged(group, id, deadline);
  if (first === undefined) return;
  await group.pause(deadline, "look");
  const second = await newestDamaged(group, id, deadline);
  if (second === undefined || second.copy !== first.copy) return;
  const message = `no node has a whole copy of what was written last to session ${JSON.stringify(id)}: ${second.error.message}`;
  throw new JournalError("permanent", message, { cause: second.error });
}

async function newestDamaged(group: ReplicaGroup, id: string, deadline: Deadline): Promise<Damage | undefined> {
  const limitMs = deadline.leftMs();
  const answers = await Promise.all(
    group.nodes.map(async (node) => ({ label: node.label, answer: await node.ask(id, { kind: "read" }, limitMs) })),
  );
  if (answers.some(({ answer }) => answer.kind !== "head" && answer.kind !== "broken")) return undefined;
  const copies = answers.flatMap(({ label, answer }) =>
    answer.kind === "head" && answer.votes ? [{ label, copy: answer.copy }] : [],
  );
  const heads = new Map(copies.map(({ label, copy }) => [label, copy]));
  // What is newer was left half done, and nobody was told that it is there.
  if ((await wholeKnown(group, id, heads, deadline)) !== undefined) return undefined;
  const newest = copies
    .map(({ copy }) => copy)
    .sort(compareCopies)
    .at(-1);
  if (newest === undefined) return undefined;
  const holders = copies.flatMap(({ label, copy }) => (compareCopies(copy, newest) === 0 ? [label] : []));
  const wanted = { ballots: [newest.accepted], rev: newest.rev };
  try {
    await group.content(id, holders, wanted, deadline);
    return undefined;
  } catch (error) {
    return { copy: `${newest.accepted} ${newest.rev}`, error: JournalError.from(error) };
  }
}

/** The state that these heads show to be on a majority, if a whole copy of it is left. */
export async function wholeKnown(
  group: ReplicaGroup,
  id: string,
  heads: ReadonlyMap<string, ReplicaHead>,
  deadline: Deadline,
): Promise<KnownState | undefined> {
  const known = knownState(heads, group.nodes.length);
  if (known === undefined) return undefined;
  const wanted = { ballots: [known.accepted], rev: known.rev };
  const found = await group.contentOnce(id, known.holders, wanted, deadline)();
  return found === undefined ? undefined : known;
}
