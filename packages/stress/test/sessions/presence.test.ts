// SPDX-License-Identifier: Apache-2.0
import { OwnedDirectory } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import { GONE_AFTER_MS, Presence } from "../../src/sessions/presence.ts";

/** Two of three workers, as they see each other at given instants. */
async function watching(check: (own: Presence, other: Presence) => void): Promise<void> {
  await using directory = new OwnedDirectory();
  check(new Presence(directory.path, 0, 3, 0), new Presence(directory.path, 1, 3, 0));
}

describe("presence", () => {
  it("takes a worker for live while it beats, and for gone when it has been silent for the limit", () =>
    watching((own, other) => {
      other.beat(1_000);
      own.look(100);
      expect([own.live, own.isLive(2), own.lastBeatMs(1)]).toEqual([[0, 1], false, 1_000]);
      for (let at = 200; at < 100 + GONE_AFTER_MS; at += 100) own.look(at);
      expect(own.isLive(1)).toBe(true);
      own.look(100 + GONE_AFTER_MS);
      expect(own.live).toEqual([0]);
      other.beat(2_000);
      own.look(200 + GONE_AFTER_MS);
      expect(own.live).toEqual([0, 1]);
    }));

  it("takes a worker that leaves in good order for gone at once", () =>
    watching((own, other) => {
      other.beat(1_000);
      own.look(100);
      other.leave();
      own.look(200);
      expect([own.live, own.lastBeatMs(1)]).toEqual([[0], undefined]);
    }));

  it("gives the sessions of a worker that is gone to the others, and leaves the rest where they are", () =>
    watching((own, other) => {
      other.beat(1_000);
      own.look(100);
      const indices = Array.from({ length: 12 }, (_, index) => index);
      const turns = indices.map((index) => own.whoseTurn(index));
      expect(turns.filter((_, index) => index % 3 !== 2)).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
      expect(turns.filter((_, index) => index % 3 === 2)).toEqual([0, 1, 0, 1]);
    }));

  it("does not take its own pause for the silence of others", () =>
    watching((own, other) => {
      other.beat(1_000);
      own.look(100);
      own.look(100 + 10 * GONE_AFTER_MS);
      expect(own.live).toEqual([0, 1]);
    }));
});
