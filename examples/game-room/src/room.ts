// SPDX-License-Identifier: Apache-2.0
import { plainTokens, SessionManager, type SessionManagerOptions, snapshotJournal } from "@tsoracle/session";
import { type Game, game, type Move } from "./game.ts";

export const ROOM = "room-1";

/** Every move is in the journal, and every tenth one leads to a snapshot, so that a recovery is short. */
const CHECKPOINT_EVERY = 10;

/** The rooms of one node. All nodes make their managers alike, but for the name. */
export function roomsOf(
  own: Pick<SessionManagerOptions<Game, Move>, "node" | "journal" | "timestamps">,
): SessionManager<Game, Move> {
  return new SessionManager({
    ...own,
    tokens: plainTokens,
    backend: snapshotJournal("postgres", "postgres", CHECKPOINT_EVERY),
    application: game,
    continuitySloMs: 60_000,
  });
}
