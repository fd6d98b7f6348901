// SPDX-License-Identifier: Apache-2.0
import { jsonApplication, type SessionApplication } from "@tsoracle/session";

export type Player = "red" | "blue";

export interface Move {
  readonly player: Player;
  readonly points: number;
}

/** A game in which two players move in turn and collect points. */
export interface Game {
  readonly turn: Player;
  readonly points: Readonly<Record<Player, number>>;
  readonly moves: readonly Move[];
}

/** The rules: what a move makes of a game. A move that may not be is refused here, and nothing is written. */
export const game: SessionApplication<Game, Move> = jsonApplication({
  initial: (): Game => ({ turn: "red", points: { red: 0, blue: 0 }, moves: [] }),
  apply: ({ turn, points, moves }: Game, move: Move): Game => {
    if (move.player !== turn) throw new Error(`it is ${turn}'s turn`);
    return {
      turn: turn === "red" ? "blue" : "red",
      points: { ...points, [turn]: points[turn] + move.points },
      moves: [...moves, move],
    };
  },
});
