// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from "node:fs";
import { setTimeout as rest } from "node:timers/promises";
import { createClient } from "@tsoracle/client";
import { SessionManagerError } from "@tsoracle/session";
import { openPostgresJournal } from "@tsoracle/session/postgres";
import { ROOM, roomsOf } from "./room.ts";

export interface HostSettings {
  readonly oracle: string;
  readonly url: string;
}

const REST_MS = 5;

const { name, diary, oracle, url } = JSON.parse(process.argv[2] ?? "") as HostSettings & {
  readonly name: string;
  readonly diary: string;
};
const note = (line: string): void => appendFileSync(diary, `${line}\n`);

await using client = createClient({ endpoints: [oracle] });
await using journal = await openPostgresJournal({ url });
const timestamps = async (call: { readonly signal: AbortSignal }) => (await client.getTs(call)).value;
const rooms = roomsOf({ node: name, journal, timestamps });
console.log("ready");

/** A node of a real application would ask its membership whether the owner is gone; this one was started because it is. */
const room = await rooms.open(ROOM).catch((error: unknown) => {
  if (!(error instanceof SessionManagerError) || error.code !== "owned_elsewhere") throw error;
  note(`finds it with ${error.current?.owner}`);
  return rooms.takeover(ROOM);
});
const { moves } = room.state;
note(`hosts it with ${moves.length} moves, ${room.continuity?.estimatedDataLossEvents ?? 0} lost`);

const cheat = await room.append({ player: room.state.turn === "red" ? "blue" : "red", points: 100 }).then(
  () => "accepted",
  (error: Error) => `refused, ${error.message}`,
);
note(`move out of turn ${cheat}`);

// It hosts the room until the room itself says otherwise.
while (!room.signal.aborted) {
  const move = { player: room.state.turn, points: 1 + ((7 * room.state.moves.length) % 6) };
  const number = room.state.moves.length + 1;
  try {
    await room.append(move);
    note(`moved ${number} ${JSON.stringify(move)}`);
  } catch (error) {
    // Whoever makes a promise to players here must know that this move is not acknowledged.
    if (!room.signal.aborted) throw error;
  }
  await rest(REST_MS);
}
const { code, current }: SessionManagerError = room.signal.reason;
note(`refused as ${code}, ${current?.owner} hosts it now`);
