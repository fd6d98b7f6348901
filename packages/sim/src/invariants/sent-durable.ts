// SPDX-License-Identifier: Apache-2.0
import type { Message } from "@tsoracle/driver-raft/raft";
import type { Shadow } from "../shadow.ts";
import { hold } from "../violation.ts";

/**
 * Invariant 9: nothing leaves that promises or rests on what the disk does not hold yet (P2, P3, P4, P7). Judged by
 * the shadow of the disk, which changes only when a write has been called durable.
 */
export function promisesAreDurable(shadow: Shadow, message: Message): void {
  const { type, term, from, to, index, reject } = message;
  const what = (): string => `node ${from} sends ${type} of term ${term} to ${to}`;
  // A pre-vote talks about a term that nobody has.
  const preVote = type === "MsgPreVote" || (type === "MsgPreVoteResp" && !reject);
  if (term !== 0 && !preVote) {
    hold(shadow.term >= term, "9", () => `${what()}, its disk has term ${shadow.term}`);
  }
  switch (type) {
    case "MsgVote":
      hold(shadow.term > term || shadow.vote === from, "9", () => `${what()} before its own vote is durable`);
      break;
    case "MsgVoteResp":
      if (!reject) hold(shadow.term > term || shadow.vote === to, "9", () => `${what()} before the vote is durable`);
      break;
    case "MsgAppResp":
      if (!reject && index > 0) {
        hold(
          shadow.lastIndex >= index,
          "9",
          () => `${what()} for entry ${index}, its disk ends at ${shadow.lastIndex}`,
        );
      }
      break;
    default:
  }
}
